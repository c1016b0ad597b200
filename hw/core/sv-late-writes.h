/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Register writes of vCPUs that the main thread finishes, in order: because only that may, or because something must end
 * first. Each vCPU waits for its write, see sv_vcpu_hold(). VM lock held, but where it says otherwise.
 */
typedef struct _SvLateWrites SvLateWrites;

/* Does what was put off; main thread. */
typedef void (*SvLateWriteFunc) (gpointer opaque, guint64 offset, guint64 value, guint size);
/* FALSE: not yet, sv_late_writes_schedule() will follow. Main thread. */
typedef gboolean (*SvLateReadyFunc) (gpointer opaque);

/* @ready: NULL: it always is */
SvLateWrites *sv_late_writes_new (SvLateWriteFunc write, SvLateReadyFunc ready, gpointer opaque);
void sv_late_writes_free (SvLateWrites *self); /* forgets them */
/* Puts off a write of the current vCPU; FALSE: this is no vCPU's thread, which has to do it itself. */
gboolean sv_late_writes_defer (SvLateWrites *self, guint64 offset, guint64 value, guint size);
gboolean sv_late_writes_is_pending (SvLateWrites *self);
/* The main thread looks at them soon. Any thread, with the VM lock or without. */
void sv_late_writes_schedule (SvLateWrites *self);
/* Does them now, ready or not: nothing is in flight. Main thread. */
void sv_late_writes_finish (SvLateWrites *self);
/* They come to nothing, and nobody waits. */
void sv_late_writes_forget (SvLateWrites *self);

G_END_DECLS
