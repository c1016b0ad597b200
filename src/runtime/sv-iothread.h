/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

G_BEGIN_DECLS

/**
 * SvIothread:
 *
 * A host thread, named after the object's id, that runs a [struct@GLib.MainContext] of its own
 * (wire name `iothread`). The thread starts when the object is completed and ends with it. A container holds at most
 * SV_IOTHREAD_MAX of them.
 */
#define SV_IOTHREAD_MAX 8
#define SV_TYPE_IOTHREAD (sv_iothread_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvIothread, sv_iothread, SV, IOTHREAD, SvObject)

SV_API GMainContext *sv_iothread_get_context (SvIothread *self); /* (transfer none) */
SV_API gint sv_iothread_get_thread_id (SvIothread *self);        /* kernel tid */
/* Runs @func in @context's thread and waits for it; runs it here when this thread owns @context. */
typedef void (*SvContextFunc) (gpointer data);
SV_API void sv_context_run_sync (GMainContext *context, SvContextFunc func, gpointer data);

G_END_DECLS
