/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"
#include "src/accel/sv-cpu-layout.h"
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
  /* Message-signalled interrupts; NULL where they have no routes: see sv_accel_add_msi_route(). */
  gint (*add_msi_route) (SvAccel *self, guint64 address, guint32 data, GError **error);
  gboolean (*update_msi_route) (SvAccel *self, guint gsi, guint64 address, guint32 data, GError **error);
  void (*remove_msi_route) (SvAccel *self, guint gsi);
  void (*send_msi) (SvAccel *self, guint64 address, guint32 data);
  /* Which pages processors write; NULL where they write none. VM lock held. */
  gboolean (*log_start) (SvAccel *self, GError **error);
  gboolean (*log_sync) (SvAccel *self, GError **error);
  void (*log_stop) (SvAccel *self);
  gboolean runs_no_code; /* somebody else plays the processors and the firmware: machines need no kernel */
  gpointer padding[1];
};

/* @io may be NULL (no port space). */
SV_API gboolean sv_accel_open (SvAccel *self, SvAddressSpace *memory, SvAddressSpace *io, GError **error);
SV_API SvAddressSpace *sv_accel_get_memory (SvAccel *self);
SV_API SvAddressSpace *sv_accel_get_io (SvAccel *self);
/* What processors there will be; before the first sv_accel_create_vcpu(). Copied. */
SV_API void sv_accel_set_cpus (SvAccel *self, const SvCpuLayout *layout);
SV_API const SvCpuLayout *sv_accel_get_cpus (SvAccel *self);
SV_API SvVcpu *sv_accel_create_vcpu (SvAccel *self, guint index, GError **error); /* (transfer full) */
SV_API gboolean sv_accel_reset (SvAccel *self, GError **error); /* interrupt controller and timer */
SV_API void sv_accel_pause (SvAccel *self);
SV_API void sv_accel_resume (SvAccel *self);
/* Between start and stop, sync tells sv_dirty_log_merge() what processors wrote since the last one. */
SV_API gboolean sv_accel_log_start (SvAccel *self, GError **error);
SV_API gboolean sv_accel_log_sync (SvAccel *self, GError **error);
SV_API void sv_accel_log_stop (SvAccel *self);
SV_API void sv_accel_set_irq (SvAccel *self, guint gsi, gboolean level);
SV_API gboolean sv_accel_set_irqfd (SvAccel *self, guint gsi, int fd, gboolean connect, GError **error);
SV_API void sv_accel_flush_coalesced (SvAccel *self);
/* A line (for sv_accel_set_irqfd()) that sends this message; -1: the accelerator has none. VM lock held. */
SV_API gint sv_accel_add_msi_route (SvAccel *self, guint64 address, guint32 data, GError **error);
SV_API gboolean sv_accel_update_msi_route (SvAccel *self, guint gsi, guint64 address, guint32 data,
                                           GError **error);
SV_API void sv_accel_remove_msi_route (SvAccel *self, guint gsi);
SV_API void sv_accel_send_msi (SvAccel *self, guint64 address, guint32 data);

G_END_DECLS
