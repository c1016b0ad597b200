/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-kicks.h"

#include <liburing.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <unistd.h>

#include "src/runtime/sv-io-ring.h"
#include "src/runtime/sv-tsan.h"

struct _SvVirtioKicks
{
  /* One of the two: a poll that stays in the ring, or a source. */
  SvIoRingOp op;
  SvIoRing *ring;
  gboolean ended;
  GSource *source;

  SvVirtioDevice *device; /* NULL: not listening any more */
  SvVirtqueue *queue;
  guint n;
  int fd;
};

typedef struct
{
  GSource source;
  SvVirtioKicks *kicks;
} KickSource;

static void
handle (SvVirtioKicks *self)
{
  if ((sv_virtio_device_get_status (self->device) & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
    return;

  SV_VIRTIO_DEVICE_GET_CLASS (self->device)->handle_queue (self->device, self->n);
  if (sv_virtqueue_take_more (self->queue))
    sv_virtio_device_kick (self->device, self->n);
}

/* --- by a source --- */

static gboolean
kick_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  SvVirtioKicks *self = ((KickSource *) source)->kicks;
  guint64 count;

  sv_tsan_acquire (self);
  /* Fails only when somebody else emptied it, which changes nothing. */
  if (read (self->fd, &count, sizeof count) < 0)
    count = 0;
  handle (self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs kick_funcs = { .dispatch = kick_dispatch };

static void
add_source (SvVirtioKicks *self, GMainContext *context)
{
  self->source = g_source_new (&kick_funcs, sizeof (KickSource));
  ((KickSource *) self->source)->kicks = self;
  g_source_set_static_name (self->source, "virtqueue kicks");
  /* Otherwise GLib takes the descriptor off the poll set while it dispatches, and wakes itself up for it:
   * four more system calls. */
  g_source_set_can_recurse (self->source, TRUE);
  g_source_add_unix_fd (self->source, self->fd, G_IO_IN);
  sv_tsan_release (self);
  g_source_attach (self->source, context);
}

/* --- by the ring --- */

/* Each kick ends the poll once, whatever the eventfd counts, so nobody has to read it. */
static void
arm (SvVirtioKicks *self)
{
  io_uring_prep_poll_multishot (sv_io_ring_prepare (self->ring, &self->op), self->fd, POLLIN);
}

static void
on_kick (SvIoRingOp *op, int result, gboolean more)
{
  SvVirtioKicks *self = (SvVirtioKicks *) op;

  if (self->device != NULL)
    handle (self);
  if (more)
    return;
  /* The kernel ends it with the thread that began it, or for want of room for results. */
  if (self->device != NULL)
    arm (self);
  else
    self->ended = TRUE;
}

SvVirtioKicks *
sv_virtio_kicks_new (SvVirtioDevice *device, guint n, int fd, GMainContext *context, gboolean by_ring)
{
  SvVirtioKicks *self = g_new0 (SvVirtioKicks, 1);

  self->op.done = on_kick;
  self->device = device;
  self->queue = sv_virtio_device_get_queue (device, n);
  self->n = n;
  self->fd = fd;
  self->ring = by_ring ? sv_io_ring_get (context) : NULL;
  if (self->ring == NULL)
    {
      add_source (self, context);
      return self;
    }
  arm (self);
  /* Whoever polls may not know of the ring yet. */
  g_main_context_wakeup (context);
  return self;
}

void
sv_virtio_kicks_stop (SvVirtioKicks *self)
{
  self->device = NULL;
  if (self->source != NULL)
    g_source_destroy (self->source);
}

void
sv_virtio_kicks_free (SvVirtioKicks *self)
{
  if (self->source != NULL)
    g_source_unref (self->source);
  else
    {
      sv_io_ring_cancel (self->ring, &self->op);
      while (!self->ended)
        sv_io_ring_wait (self->ring);
      /* What was prepared meanwhile */
      sv_io_ring_submit (self->ring);
    }
  g_free (self);
}
