/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <liburing.h>

#include "src/runtime/sv-io-ring.h"

G_BEGIN_DECLS

/* user_data of an entry is 0 where nobody is interested, an operation, or a number with this bit, that of a descriptor of GLib's */
#define SV_IO_RING_IS_POLL 1u
/* How long to leave the kernel alone when it is out of memory */
#define SV_IO_RING_RETRY_MS 1

struct _SvIoRing
{
  struct io_uring ring;
  GMainContext *context;
  SvIoRingBatch *batches;
  /* That have not been done to the end */
  guint n_ops;
  guint n_called;
  /* In the kernel, the VM lock not held: others may be at work on the ring meanwhile */
  gboolean waiting;
  gboolean nudged; /* whoever waits will look */

  /* sv-io-ring-poll.c: what GLib polls, while it does; those of another round are of no interest any more. */
  GPollFD *fds;
  guint n_ready;
  guint64 round;
};

SvIoRing *sv_io_ring_find (GMainContext *context);
/* Shows the kernel what was prepared; returns how many it has not taken yet. */
guint sv_io_ring_publish (SvIoRing *self);
/* io_uring_enter(): starts @n_submit operations and waits for @n_wait, up to @timeout milliseconds (-1: for ever). A negative errno
 * when it fails */
int sv_io_ring_enter (SvIoRing *self, guint n_submit, guint n_wait, gint timeout);
/* Tells of what is done, in the thread that polls: what that leads to is submitted later. Returns of how many operations. */
guint sv_io_ring_process_as_poller (SvIoRing *self);
/* A descriptor's poll, @data, is done. */
void sv_io_ring_poll_done (SvIoRing *self, guint64 data, int result);

G_END_DECLS
