/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/*
 * The VM lock (docs/architecture.md, Threads): one mutex in the process. Register emulation and
 * everything on the main thread run under it; the main loop drops it only while it polls. Data path
 * code in iothreads never takes it.
 */
SV_API void sv_vm_lock (void);
SV_API void sv_vm_unlock (void);
SV_API gboolean sv_vm_lock_is_mine (void);
/* Waits for @cond with the VM lock as its mutex; the caller holds the lock. */
SV_API void sv_vm_lock_wait (GCond *cond);
/* Makes @context (NULL: the default one) drop the lock around poll; the caller then takes the lock
 * before it runs the loop. Idempotent. */
SV_API void sv_vm_lock_attach (GMainContext *context);
SV_API gboolean sv_vm_lock_is_attached (GMainContext *context);
SV_API void sv_vm_lock_run (GMainLoop *loop);

G_END_DECLS
