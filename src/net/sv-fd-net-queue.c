/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packets of a descriptor where there is no io_uring: each is a system call of its own. */

#include <errno.h>
#include <sys/uio.h>

#include "src/net/sv-ring-net-queue.h"
#include "src/net/sv-tap.h"

typedef struct
{
  GSource source;
  SvNetQueue base;
  int fd;
  /* Changed only where the context does not look at it at that time, so without waking it up. */
  GPollFD poll;
  gboolean polled;
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
    n = preadv2 (queue_of (base)->fd, iov, (int) n_iov, -1, 0);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

static gssize
fd_queue_write (SvNetQueue *base, const struct iovec *iov, guint n_iov)
{
  gssize n;

  do
    n = pwritev2 (queue_of (base)->fd, iov, (int) n_iov, -1, 0);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
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

  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

static const SvNetQueueOps fd_queue_ops = {
  .read = fd_queue_read,
  .write = fd_queue_write,
  .watch = fd_queue_watch,
  .free = fd_queue_free,
};

SvNetQueue *
sv_fd_net_queue_new (int fd, GMainContext *context)
{
  SvNetQueue *by_ring = sv_ring_net_queue_new (fd, context);
  GSource *source;
  FdQueue *self;

  if (by_ring != NULL)
    return by_ring;

  source = g_source_new (&fd_queue_source_funcs, sizeof (FdQueue));
  self = (FdQueue *) source;
  self->base.ops = &fd_queue_ops;
  self->fd = self->poll.fd = fd;
  g_source_set_static_name (source, "network queue");
  /* Otherwise GLib takes the descriptor off the poll set while it dispatches. */
  g_source_set_can_recurse (source, TRUE);
  g_source_attach (source, context);
  return &self->base;
}
