/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/*
 * The clock that devices go by. It is the host's, unless a test accelerator takes it over: then it stands still but for
 * what the test steps, and timers run on the way. One for the process, as the VM lock is.
 */

/* Nanoseconds; any thread. */
SV_API gint64 sv_clock_get_ns (void);
/* The time of day that goes with it: microseconds since 1970, UTC. */
SV_API gint64 sv_clock_get_real_us (void);

/**
 * SvTimer:
 *
 * Calls a function in a main context when the clock has come to a time.
 */
typedef struct _SvTimer SvTimer;
typedef void (*SvTimerFunc) (gpointer opaque);

/* @context: NULL for the default one */
SV_API SvTimer *sv_timer_new (const char *name, GMainContext *context, SvTimerFunc func, gpointer opaque);
/* Once, at @deadline_ns of the clock; 0: at once; negative: not at all. Any thread. */
SV_API void sv_timer_set (SvTimer *self, gint64 deadline_ns);
SV_API void sv_timer_free (SvTimer *self);

/* For test accelerators; main thread, VM lock held. */
SV_API void sv_clock_take_control (void); /* from now on it stands, at 0 */
SV_API gint64 sv_clock_get_next_deadline (void); /* -1: no timer waits */
SV_API void sv_clock_advance (gint64 target_ns); /* runs what is due until then; never goes back */
SV_API void sv_clock_release (void); /* the host's again */

G_END_DECLS
