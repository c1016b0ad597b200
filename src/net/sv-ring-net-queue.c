/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packets of a descriptor by io_uring: many in one system call. */

#include "src/net/sv-ring-net-queue.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>

#include "src/runtime/sv-io-ring.h"
#include "src/runtime/sv-uring.h"

typedef struct _RingQueue RingQueue;

typedef struct
{
  SvIoRingOp op;
  RingQueue *queue;
  SvNetPacket *packet;
} Read;

struct _RingQueue
{
  SvNetQueue base;
  int fd;
  /* The context's: what waits is in it. */
  SvIoRing *waits;
  SvIoRingOp poll;
  short polled; /* events; 0: not polling */
  gboolean repoll;
  gboolean gone;

  Read reads[SV_NET_BATCH];
  guint n_reads;
  guint n_done;
  gboolean cancelling;
  SvIoRingBatch batch;

  /* To send, which never waits and is waited for */
  struct io_uring ring;
  gboolean has_ring;
};

static inline RingQueue *
queue_of (SvNetQueue *base)
{
  return (RingQueue *) base;
}

/* --- polling --- */

static void
update_poll (RingQueue *self)
{
  short events = ((self->base.watch & SV_NET_WATCH_READABLE) != 0 ? POLLIN : 0)
                 | ((self->base.watch & SV_NET_WATCH_WRITABLE) != 0 ? POLLOUT : 0);

  if (self->polled == events)
    return;
  if (self->polled != 0)
    {
      /* Once is enough: what is wanted is looked at when it has ended. */
      if (!self->repoll)
        sv_io_ring_cancel (self->waits, &self->poll);
      self->repoll = TRUE;
      return;
    }
  self->polled = events;
  io_uring_prep_poll_add (sv_io_ring_prepare (self->waits, &self->poll), self->fd, (guint) events);
}

static void
poll_done (SvIoRingOp *op, int result, gboolean more)
{
  RingQueue *self = (RingQueue *) ((guint8 *) op - G_STRUCT_OFFSET (RingQueue, poll));
  SvNetQueue *base = &self->base;
  gboolean repoll = self->repoll;

  self->polled = 0;
  self->repoll = FALSE;
  if (self->gone)
    return;
  if (result > 0 && (result & POLLOUT) != 0 && (base->watch & SV_NET_WATCH_WRITABLE) != 0)
    base->funcs->writable (base->opaque);
  if (result > 0 && (result & POLLIN) != 0 && (base->watch & SV_NET_WATCH_READABLE) != 0)
    base->funcs->readable (base->opaque);
  /* The kernel cancels what was begun by a thread that ends. Else the interface is gone, or this queue was taken off it: nothing more comes, and the descriptor would be
   * ready for ever. Watching it again begins anew. */
  if (repoll || result == -ECANCELED || (result > 0 && (result & (POLLIN | POLLOUT)) != 0))
    update_poll (self);
}

static void
ring_queue_watch (SvNetQueue *base)
{
  update_poll (queue_of (base));
}

/* --- reading --- */

static gssize
ring_queue_read (SvNetQueue *base, const struct iovec *iov, guint n_iov)
{
  gssize n;

  do
    n = preadv2 (queue_of (base)->fd, iov, (int) n_iov, -1, 0);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

static void
end_batch (SvIoRingBatch *batch)
{
  RingQueue *self = (RingQueue *) ((guint8 *) batch - G_STRUCT_OFFSET (RingQueue, batch));
  guint n = self->n_done;

  if (self->cancelling || n == 0)
    return;
  if (n == self->n_reads)
    self->n_reads = self->n_done = 0;
  self->base.funcs->reads_done (self->base.opaque, n);
}

static void
read_done (SvIoRingOp *op, int result, gboolean more)
{
  Read *read = (Read *) op;
  RingQueue *self = read->queue;

  read->packet->result = result;
  self->n_done++;
  sv_io_ring_join (self->waits, &self->batch);
}

/* Each begins when the one before is done, whatever came of it: packets are shorter than the memory for them. So one
 * of them waits for the descriptor, and the kernel reads all that there is without coming back in between. */
static void
ring_queue_start_reads (SvNetQueue *base, SvNetPacket *packets, guint n)
{
  RingQueue *self = queue_of (base);

  self->n_reads = n;
  self->n_done = 0;
  sv_io_ring_reserve (self->waits, n);
  for (guint i = 0; i < n; i++)
    {
      Read *read = &self->reads[i];
      struct io_uring_sqe *sqe;

      *read = (Read){ { read_done }, self, &packets[i] };
      sqe = sv_io_ring_prepare (self->waits, &read->op);
      io_uring_prep_readv (sqe, self->fd, packets[i].iov, packets[i].n_iov, 0);
      if (i + 1 < n)
        sqe->flags |= IOSQE_IO_HARDLINK;
    }
}

static void
ring_queue_cancel_reads (SvNetQueue *base)
{
  RingQueue *self = queue_of (base);

  self->cancelling = TRUE;
  /* The end of one begins the next. */
  while (self->n_done < self->n_reads)
    {
      sv_io_ring_cancel (self->waits, &self->reads[self->n_done].op);
      sv_io_ring_wait (self->waits);
    }
  self->cancelling = FALSE;
  self->n_reads = self->n_done = 0;
}

/* --- writing --- */

static gssize
ring_queue_write (SvNetQueue *base, const struct iovec *iov, guint n_iov)
{
  gssize n;

  do
    n = pwritev2 (queue_of (base)->fd, iov, (int) n_iov, -1, 0);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

/* Sends a chain of requests: each begins when the one before is done, and after the first that
 * fails none is tried. Nothing waits. FALSE: the ring does not work. */
static gboolean
submit_chain (RingQueue *self, SvNetPacket *packets, guint n)
{
  struct io_uring_sqe *sqe = NULL;
  guint n_queued = 0;
  struct io_uring_cqe *cqe;

  for (guint i = 0; i < n; i++)
    {
      if (packets[i].n_iov == 0)
        continue;
      sqe = io_uring_get_sqe (&self->ring);
      io_uring_prep_writev (sqe, self->fd, packets[i].iov, packets[i].n_iov, 0);
      io_uring_sqe_set_data64 (sqe, i);
      /* The kernel would wait for room by itself otherwise, even on a non-blocking descriptor. */
      sqe->rw_flags = RWF_NOWAIT;
      sqe->flags |= IOSQE_IO_LINK;
      packets[i].result = -ECANCELED;
      n_queued++;
    }
  if (n_queued == 0)
    return TRUE;
  sqe->flags &= ~IOSQE_IO_LINK;

  for (guint n_done = 0; n_done < n_queued;)
    {
      int result = io_uring_submit_and_wait (&self->ring, n_queued - n_done);

      if (result < 0 && result != -EINTR && result != -EAGAIN)
        return FALSE;
      while (io_uring_peek_cqe (&self->ring, &cqe) == 0)
        {
          packets[io_uring_cqe_get_data64 (cqe)].result = cqe->res;
          io_uring_cqe_seen (&self->ring, cqe);
          n_done++;
        }
    }
  return TRUE;
}

static void
drop_ring (RingQueue *self)
{
  if (self->has_ring)
    io_uring_queue_exit (&self->ring);
  self->has_ring = FALSE;
}

static guint
write_one_by_one (RingQueue *self, SvNetPacket *packets, guint from, guint n)
{
  for (guint i = from; i < n; i++)
    {
      if (packets[i].n_iov == 0)
        continue;
      packets[i].result = ring_queue_write (&self->base, packets[i].iov, packets[i].n_iov);
      if (packets[i].result == -EAGAIN)
        return i;
    }
  return n;
}

static guint
ring_queue_write_many (SvNetQueue *base, SvNetPacket *packets, guint n)
{
  RingQueue *self = queue_of (base);
  guint done = 0;

  while (self->has_ring && done < n)
    {
      if (!submit_chain (self, packets + done, n - done))
        {
          drop_ring (self);
          break;
        }
      /* What the kernel refuses is dropped, and the rest goes on behind it. */
      while (done < n && (packets[done].n_iov == 0 || packets[done].result >= 0))
        done++;
      if (done == n || packets[done].result == -EAGAIN)
        return done;
      /* Interfaces of some kernels do not know how not to wait. */
      if (packets[done].result == -EOPNOTSUPP)
        {
          drop_ring (self);
          break;
        }
      if (packets[done].result != -ECANCELED)
        done++;
    }
  return write_one_by_one (self, packets, done, n);
}

/* --- set-up --- */

static void
ring_queue_free (SvNetQueue *base)
{
  RingQueue *self = queue_of (base);

  ring_queue_cancel_reads (base);
  drop_ring (self);
  self->gone = TRUE;
  if (self->polled != 0 && !self->repoll)
    sv_io_ring_cancel (self->waits, &self->poll);
  while (self->polled != 0)
    sv_io_ring_wait (self->waits);
  /* The descriptor may be closed next. */
  sv_io_ring_submit (self->waits);
  g_free (self);
}

static const SvNetQueueOps ring_queue_ops = {
  .read = ring_queue_read,
  .write = ring_queue_write,
  .write_many = ring_queue_write_many,
  .start_reads = ring_queue_start_reads,
  .cancel_reads = ring_queue_cancel_reads,
  .watch = ring_queue_watch,
  .free = ring_queue_free,
};

static gboolean
make_ring (struct io_uring *ring)
{
  static const guint8 operations[] = { IORING_OP_WRITEV };

  if (io_uring_queue_init (SV_NET_BATCH, ring, IORING_SETUP_R_DISABLED) != 0)
    return FALSE;
  if (sv_uring_enable_only (ring, operations, G_N_ELEMENTS (operations), IOSQE_IO_LINK) == 0)
    return TRUE;
  io_uring_queue_exit (ring);
  return FALSE;
}

SvNetQueue *
sv_ring_net_queue_new (int fd, GMainContext *context)
{
  SvIoRing *waits = sv_io_ring_get (context);
  RingQueue *self;

  if (waits == NULL)
    return NULL;
  self = g_new0 (RingQueue, 1);
  self->base.ops = &ring_queue_ops;
  self->fd = fd;
  self->waits = waits;
  self->poll.done = poll_done;
  self->batch.end = end_batch;
  self->has_ring = make_ring (&self->ring);
  return &self->base;
}
