/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/**
 * SvVcpu:
 *
 * A processor as the accelerator runs it (abstract): a host thread and, with KVM, a vCPU file. The
 * device in the tree that stands for it is SvCpu (hw/core).
 */
#define SV_TYPE_VCPU (sv_vcpu_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvVcpu, sv_vcpu, SV, VCPU, GObject)

/**
 * SvVcpuEvent:
 * @SV_VCPU_EVENT_RESET: the guest asked for a reset the processor's way (triple fault ...)
 * @SV_VCPU_EVENT_SHUTDOWN: the guest asked to be switched off
 * @SV_VCPU_EVENT_CRASH: the guest reported a crash
 * @SV_VCPU_EVENT_ERROR: the processor cannot go on; the report was logged
 */
typedef enum
{
  SV_VCPU_EVENT_RESET,
  SV_VCPU_EVENT_SHUTDOWN,
  SV_VCPU_EVENT_CRASH,
  SV_VCPU_EVENT_ERROR,
} SvVcpuEvent;

struct _SvVcpuClass
{
  GObjectClass parent_class;

  gboolean (*reset) (SvVcpu *self, gconstpointer entry, GError **error);
  /* Runs guest code until sv_vcpu_should_stop(), without the VM lock. FALSE: report @event and stop. NULL: there is no
   * guest code, and no thread. */
  gboolean (*run) (SvVcpu *self, SvVcpuEvent *event);
  void (*kick) (SvVcpu *self);                          /* VM lock held, any thread: makes run return soon */
  char *(*dump) (SvVcpu *self);                         /* registers and code bytes, as text */
  /* Types of the state, see SvMigratableState; NULL: there is none. The vCPU is paused. */
  const char *const *state_types;
  GVariant *(*dup_state) (SvVcpu *self, GError **error);
  gboolean (*load_state) (SvVcpu *self, GVariant *state, guint version, GError **error);
  void (*append_notes) (SvVcpu *self, GByteArray *notes); /* ELF notes of a core file; paused; NULL: there are none */
  gpointer padding[4];
};

SV_API guint sv_vcpu_get_index (SvVcpu *self);
SV_API gint sv_vcpu_get_thread_id (SvVcpu *self); /* kernel tid, 0 before start */

/* One event per stop, in the vCPU's thread with the VM lock held; the vCPU does not run on by itself. */
typedef void (*SvVcpuEventFunc) (SvVcpu *self, SvVcpuEvent event, gpointer opaque);
SV_API void sv_vcpu_set_event_func (SvVcpu *self, SvVcpuEventFunc func, gpointer opaque);

/* Main thread, VM lock held. */
SV_API gboolean sv_vcpu_start (SvVcpu *self, GError **error);  /* makes the thread, paused */
SV_API void sv_vcpu_request_pause (SvVcpu *self);
SV_API void sv_vcpu_wait_paused (SvVcpu *self);
SV_API void sv_vcpu_resume (SvVcpu *self);
SV_API void sv_vcpu_stop (SvVcpu *self);                       /* ends and joins the thread */

/*
 * For a device whose write cannot be finished at once: the vCPU that wrote runs no further instruction until it is released
 * as often as it was held. Another one than the current stops soon. VM lock held. The current one is that whose thread this is; NULL elsewhere.
 */
SV_API SvVcpu *sv_vcpu_get_current (void); /* (transfer none) */
SV_API void sv_vcpu_hold (SvVcpu *self);
SV_API void sv_vcpu_release (SvVcpu *self);

/* To the state at power-on, or to @entry (architecture's type; NULL: waits for start-up by another vCPU). */
SV_API gboolean sv_vcpu_reset (SvVcpu *self, gconstpointer entry, GError **error);
SV_API char *sv_vcpu_dump (SvVcpu *self);
/* "(uv)": version and state; version 0 has no state. Load refuses what is not of a type that it knows. */
SV_API GVariant *sv_vcpu_dup_state (SvVcpu *self, GError **error);
SV_API gboolean sv_vcpu_load_state (SvVcpu *self, GVariant *state, GError **error);
SV_API void sv_vcpu_append_notes (SvVcpu *self, GByteArray *notes);

/* For subclasses */
SV_API void sv_vcpu_signal_thread (SvVcpu *self, int signum);
SV_API gboolean sv_vcpu_should_stop (SvVcpu *self);

G_END_DECLS
