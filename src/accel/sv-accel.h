/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"
#include "src/accel/sv-vcpu.h"
#include "src/memory/sv-address-space.h"

G_BEGIN_DECLS

/**
 * SvAccel:
 *
 * What runs guest code (abstract): KVM, or a test accelerator without vCPUs. Order at start-up: RAM is in @memory first
 * (a memory slot set before the interrupt controller saves milliseconds), then sv_accel_open(), then vCPUs.
 */
#define SV_TYPE_ACCEL (sv_accel_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvAccel, sv_accel, SV, ACCEL, SvObject)

struct _SvAccelClass
{
  SvObjectClass parent_class;

  gboolean (*open) (SvAccel *self, GError **error);
  SvVcpu *(*create_vcpu) (SvAccel *self, guint index, GError **error);
  gboolean (*reset) (SvAccel *self, GError **error);
  void (*pause) (SvAccel *self);  /* all vCPUs are paused: the guest's clock stops */
  void (*resume) (SvAccel *self);
  void (*set_irq) (SvAccel *self, guint gsi, gboolean level);
  gboolean (*set_irqfd) (SvAccel *self, guint gsi, int fd, gboolean connect, GError **error);
  /* Handles writes that the kernel kept back (SvMemoryRegion coalesced); VM lock held. */
  void (*flush_coalesced) (SvAccel *self);
  gpointer padding[8];
};

/* @io may be NULL (no port space). */
SV_API gboolean sv_accel_open (SvAccel *self, SvAddressSpace *memory, SvAddressSpace *io, GError **error);
SV_API SvAddressSpace *sv_accel_get_memory (SvAccel *self);
SV_API SvAddressSpace *sv_accel_get_io (SvAccel *self);
SV_API SvVcpu *sv_accel_create_vcpu (SvAccel *self, guint index, GError **error); /* (transfer full) */
SV_API gboolean sv_accel_reset (SvAccel *self, GError **error); /* interrupt controller and timer */
SV_API void sv_accel_pause (SvAccel *self);
SV_API void sv_accel_resume (SvAccel *self);
SV_API void sv_accel_set_irq (SvAccel *self, guint gsi, gboolean level);
SV_API gboolean sv_accel_set_irqfd (SvAccel *self, guint gsi, int fd, gboolean connect, GError **error);
SV_API void sv_accel_flush_coalesced (SvAccel *self);

G_END_DECLS
