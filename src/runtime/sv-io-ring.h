/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

struct io_uring_sqe;

/**
 * SvIoRing:
 *
 * The io_uring of a main context. While there are operations in it, the context waits for them and for GLib's
 * descriptors by one system call, which also starts what was prepared since the last one: neither poll() nor the
 * read of an eventfd nor the write of an interrupt costs a call of its own.
 *
 * Belongs to its context: it is used in the thread that runs the context or, for the default context, in any
 * thread that holds the VM lock. What operations of it call back may change descriptors and timers of the
 * context, but has to call g_main_context_wakeup() when it attaches a source to it.
 */
typedef struct _SvIoRing SvIoRing;
typedef struct _SvIoRingOp SvIoRingOp;
typedef struct _SvIoRingBatch SvIoRingBatch;

/**
 * SvIoRingOp:
 * @done: called with the result of the operation, or a negative errno. With @more there will be further calls
 *
 * An operation; embedded in what it is about, where it stays until the last call of @done.
 */
struct _SvIoRingOp
{
  void (*done) (SvIoRingOp *op, int result, gboolean more);
};

/**
 * SvIoRingBatch:
 * @end: called when all operations that are done by now have been told of
 *
 * Brings together what several operations lead to.
 */
struct _SvIoRingBatch
{
  void (*end) (SvIoRingBatch *batch);
  SvIoRingBatch *next;
  gboolean open;
};

SV_API SvIoRing *sv_io_ring_get (GMainContext *context);
SV_API void sv_io_ring_forget (GMainContext *context);

SV_API struct io_uring_sqe *sv_io_ring_prepare (SvIoRing *self, SvIoRingOp *op);
SV_API void sv_io_ring_reserve (SvIoRing *self, guint n);
SV_API void sv_io_ring_cancel (SvIoRing *self, SvIoRingOp *op);
SV_API void sv_io_ring_submit (SvIoRing *self);
SV_API void sv_io_ring_wait (SvIoRing *self);
SV_API void sv_io_ring_join (SvIoRing *self, SvIoRingBatch *batch);
SV_API void sv_io_ring_signal (int fd);
SV_API void sv_io_ring_settle (void);

/* For those who run contexts: a poll function. */
SV_API gint
sv_io_ring_poll (GMainContext *context, GPollFD *fds, guint n_fds, gint timeout, gboolean stay);
SV_API gboolean sv_io_ring_has_news (GMainContext *context);

G_END_DECLS
