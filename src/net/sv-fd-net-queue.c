/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <liburing.h>
#include <sys/uio.h>

#include "src/net/sv-tap.h"
#include "src/runtime/sv-uring.h"

typedef struct
{
  GSource source;
  SvNetQueue base;
  int fd;
  /* Changed only where the context does not look at it at that time, so without waking it up. */
  GPollFD poll;
  gboolean polled;
  /* To send many packets by one system call, where the kernel lets us have it. */
  struct io_uring ring;
  gboolean has_ring;
} FdQueue;

static inline FdQueue *
queue_of (SvNetQueue *base)
{
  return (FdQueue *) ((guint8 *) base - G_STRUCT_OFFSET (FdQueue, base));
}

/* --- the source --- */

static gboolean
fd_queue_prepare (GSource *source, gint *timeout)
{
  *timeout = -1;
  return FALSE;
}

static gboolean
fd_queue_check (GSource *source)
{
  FdQueue *self = (FdQueue *) source;

  return self->polled && self->poll.revents != 0;
}

static void
stop_polling (FdQueue *self)
{
  if (self->polled)
    g_source_remove_poll (&self->source, &self->poll);
  self->polled = FALSE;
}

static gboolean
fd_queue_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  FdQueue *self = (FdQueue *) source;
  SvNetQueue *base = &self->base;
  gushort revents = self->poll.revents;

  self->poll.revents = 0;
  if ((revents & (G_IO_IN | G_IO_OUT)) == 0)
    {
      /* The interface is gone, or this queue was taken off it: nothing more comes, and the descriptor
       * would be ready for ever. Watching it again begins anew. */
      if ((revents & (G_IO_ERR | G_IO_HUP | G_IO_NVAL)) != 0)
        stop_polling (self);
      return G_SOURCE_CONTINUE;
    }

  if ((revents & G_IO_OUT) != 0 && (base->watch & SV_NET_WATCH_WRITABLE) != 0)
    base->funcs->writable (base->opaque);
  if ((revents & G_IO_IN) != 0 && (base->watch & SV_NET_WATCH_READABLE) != 0)
    base->funcs->readable (base->opaque);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs fd_queue_source_funcs = {
  .prepare = fd_queue_prepare,
  .check = fd_queue_check,
  .dispatch = fd_queue_dispatch,
};

/* --- the queue --- */

static gssize
fd_queue_read (SvNetQueue *base, const struct iovec *iov, guint n_iov)
{
  gssize n;

  do
    n = readv (queue_of (base)->fd, iov, (int) n_iov);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

static gssize
fd_queue_write (SvNetQueue *base, const struct iovec *iov, guint n_iov)
{
  gssize n;

  do
    n = writev (queue_of (base)->fd, iov, (int) n_iov);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

/* Sends a chain of requests: each begins when the one before is done, and after the first that
 * fails none is tried. Nothing waits. FALSE: the ring does not work. */
static gboolean
submit_chain (FdQueue *self, SvNetPacket *packets, guint n)
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
drop_ring (FdQueue *self)
{
  if (self->has_ring)
    io_uring_queue_exit (&self->ring);
  self->has_ring = FALSE;
}

static guint
write_one_by_one (FdQueue *self, SvNetPacket *packets, guint from, guint n)
{
  for (guint i = from; i < n; i++)
    {
      if (packets[i].n_iov == 0)
        continue;
      packets[i].result = fd_queue_write (&self->base, packets[i].iov, packets[i].n_iov);
      if (packets[i].result == -EAGAIN)
        return i;
    }
  return n;
}

static guint
fd_queue_write_many (SvNetQueue *base, SvNetPacket *packets, guint n)
{
  FdQueue *self = queue_of (base);
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

static void
fd_queue_watch (SvNetQueue *base)
{
  FdQueue *self = queue_of (base);

  self->poll.events = ((base->watch & SV_NET_WATCH_READABLE) != 0 ? G_IO_IN : 0)
                      | ((base->watch & SV_NET_WATCH_WRITABLE) != 0 ? G_IO_OUT : 0);
  if (self->poll.events == 0)
    stop_polling (self);
  else if (!self->polled)
    {
      self->poll.revents = 0;
      g_source_add_poll (&self->source, &self->poll);
      self->polled = TRUE;
    }
}

static void
fd_queue_free (SvNetQueue *base)
{
  FdQueue *self = queue_of (base);

  drop_ring (self);
  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

static const SvNetQueueOps fd_queue_ops = {
  .read = fd_queue_read,
  .write = fd_queue_write,
  .write_many = fd_queue_write_many,
  .watch = fd_queue_watch,
  .free = fd_queue_free,
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
sv_fd_net_queue_new (int fd, GMainContext *context)
{
  GSource *source = g_source_new (&fd_queue_source_funcs, sizeof (FdQueue));
  FdQueue *self = (FdQueue *) source;

  self->base.ops = &fd_queue_ops;
  self->fd = self->poll.fd = fd;
  self->has_ring = make_ring (&self->ring);
  g_source_set_static_name (source, "network queue");
  /* Otherwise GLib takes the descriptor off the poll set while it dispatches. */
  g_source_set_can_recurse (source, TRUE);
  g_source_attach (source, context);
  return &self->base;
}
