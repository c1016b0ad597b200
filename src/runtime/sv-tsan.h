/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * ThreadSanitizer does not see into GLib, which is not built with it: GMutex, GCond and GMainContext
 * order memory by futexes of their own. These tell it about an order they establish.
 */
#if defined(__SANITIZE_THREAD__)
#define SV_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SV_TSAN 1
#endif
#endif

#ifdef SV_TSAN
void __tsan_acquire (void *address);
void __tsan_release (void *address);
/* For accesses to memory that the guest shares with us without any order */
#define SV_NO_TSAN __attribute__ ((no_sanitize ("thread")))
#define sv_tsan_acquire(address) __tsan_acquire ((void *) (address))
#define sv_tsan_release(address) __tsan_release ((void *) (address))
#else
#define SV_NO_TSAN
#define sv_tsan_acquire(address) ((void) (address))
#define sv_tsan_release(address) ((void) (address))
#endif
