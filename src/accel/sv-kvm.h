/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-accel.h"

G_BEGIN_DECLS

/**
 * SvKvm:
 *
 * The Linux kernel's virtual machine monitor (`kvm-accel`), with its interrupt controllers and timer.
 */
#define SV_TYPE_KVM (sv_kvm_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvKvm, sv_kvm, SV, KVM, SvAccel)

/* Whether this host has a KVM device (query-kvm's `present`). */
SV_API gboolean sv_kvm_is_present (void);

int sv_kvm_get_vm_fd (SvKvm *self);
int sv_kvm_get_system_fd (SvKvm *self);
gsize sv_kvm_get_run_size (SvKvm *self);
/* The ring of writes that the kernel kept back lies in the mapping of any vCPU; @run is the first one's. */
void sv_kvm_set_run_mapping (SvKvm *self, gpointer run);
/* Any thread: a vCPU runs from now on; whether one ever did. */
void sv_kvm_set_started (SvKvm *self);
gboolean sv_kvm_is_started (SvKvm *self);
/* Keeps a vCPU that its processor needs no more, with its mapping, until one of that number comes (-1: there is none) or
 * the VM ends. @set_up: whether it can run, see sv_kvm_arch_vcpu_open() */
void sv_kvm_park_vcpu (SvKvm *self, guint index, int fd, gpointer run, gboolean set_up);
int sv_kvm_take_parked_vcpu (SvKvm *self, guint index, gpointer *run, gboolean *set_up);
/* Handles what is in the ring; VM lock not held. Costs one read when it is empty. */
void sv_kvm_replay_coalesced (SvKvm *self);

/* ioctl() that starts again after a signal */
int sv_kvm_ioctl (int fd, unsigned long request, gpointer argument);

G_END_DECLS
