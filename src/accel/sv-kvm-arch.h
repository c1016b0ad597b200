/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/kvm.h>

#include "src/accel/sv-kvm-vcpu.h"
#include "src/accel/sv-kvm.h"

G_BEGIN_DECLS

/* What differs between processors: one file per architecture implements these. */

/* Says in the log when this host's KVM will not run stock guests. */
void sv_kvm_arch_check_host (void);
/* Before the first vCPU, after the first memory slot: interrupt controller, timer. */
gboolean sv_kvm_arch_open (SvKvm *kvm, GError **error);
/* Once, VM lock not held: what can wait until the guest runs. */
void sv_kvm_arch_settle (SvKvm *kvm);
gboolean sv_kvm_arch_reset (SvKvm *kvm, GError **error);
/* Appends the routes (struct kvm_irq_routing_entry) of the interrupt controllers' own lines, as the kernel has them from
 * the start; returns the first line that is free. */
guint sv_kvm_arch_append_routes (GArray *entries);

/* Types of the VM's state, see SvMigratableState, and the state itself. @clock: nanoseconds of the guest's clock */
extern const char *const sv_kvm_arch_state_types[];
GVariant *sv_kvm_arch_dup_state (SvKvm *kvm, guint64 clock, GError **error);
gboolean sv_kvm_arch_load_state (SvKvm *kvm, GVariant *state, guint64 *clock, GError **error);

/* KVM's id of processor @index: on x86 its APIC id */
guint sv_kvm_arch_get_vcpu_id (SvKvm *kvm, guint index);
gboolean sv_kvm_arch_vcpu_open (SvKvmVcpu *vcpu, GError **error);
/* @fresh: the vCPU has not run since it was made. */
gboolean sv_kvm_arch_vcpu_reset (SvKvmVcpu *vcpu, gconstpointer entry, gboolean fresh, GError **error);
/* An exit that the common code does not know. FALSE: unknown here as well. */
gboolean sv_kvm_arch_vcpu_handle_exit (SvKvmVcpu *vcpu, struct kvm_run *run);
/* The same of a vCPU that is paused */
extern const char *const sv_kvm_arch_vcpu_state_types[];
GVariant *sv_kvm_arch_vcpu_dup_state (SvKvmVcpu *vcpu, GError **error);
gboolean sv_kvm_arch_vcpu_load_state (SvKvmVcpu *vcpu, GVariant *state, GError **error);
/* Registers and code bytes */
void sv_kvm_arch_vcpu_dump (SvKvmVcpu *vcpu, GString *text);
void sv_kvm_arch_vcpu_append_notes (SvKvmVcpu *vcpu, GByteArray *notes);

/* x86_64. What a guest that is a host itself has in KVM only, and not in its memory and registers: from VMXON on the VMCS at work, with
 * SVM what is at work between VMRUN and its exit and whether interrupts are held off altogether. That is not saved:
 * FALSE, with an error, while there is any. */
gboolean sv_kvm_x86_check_nested (SvKvmVcpu *vcpu, GError **error);

G_END_DECLS
