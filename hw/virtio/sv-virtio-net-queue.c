/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-net-queue-private.h"

#include <errno.h>
#include <sys/mman.h>

void
sv_virtio_net_queue_update_watch (SvVirtioNetQueue *self)
{
  SvNetWatch watch = SV_NET_WATCH_NONE;

  if (self->rx_active && !self->rx_starved && self->chain_n == 0)
    watch |= SV_NET_WATCH_READABLE;
  if (self->tx_blocked)
    watch |= SV_NET_WATCH_WRITABLE;
  sv_net_queue_watch (self->path, watch);
}

/* --- set-up --- */

static void
on_readable (gpointer opaque)
{
  sv_virtio_net_rx_run (opaque);
}

static void
on_reads_done (gpointer opaque, guint n)
{
  sv_virtio_net_rx_chain_done (opaque, n);
}

static void
on_writable (gpointer opaque)
{
  sv_virtio_net_tx_writable (opaque);
}

static const SvNetQueueFuncs path_funcs
    = { .readable = on_readable, .reads_done = on_reads_done, .writable = on_writable };

/* What is never used of it costs address space only. */
static gboolean
map_memory (SvVirtioNetQueue *self, GError **error)
{
  gsize posted = 2 * SV_VIRTQUEUE_MAX_SIZE * sizeof (SvVirtqElement);
  gsize rx_iov = (4 * self->rx_max_iov + 1) * sizeof (struct iovec);
  gsize tx_iov = 2 * self->tx_max_iov * sizeof (struct iovec);
  gsize chain_iov = SV_NET_BATCH * SV_VIRTIO_NET_CHAIN_IOV * sizeof (struct iovec);
  guint8 *memory;

  self->memory_size = posted + rx_iov + tx_iov + chain_iov + SV_VIRTIO_NET_MAX_PACKET
                      + SV_NET_BATCH * SV_VIRTIO_NET_STASH_SIZE;
  memory = mmap (NULL, self->memory_size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                   "no memory for network queues: %s", g_strerror (code));
      return FALSE;
    }
  self->posted = (SvVirtqElement *) memory;
  self->rx_iov = (struct iovec *) (memory + posted);
  self->tx_iov = (struct iovec *) (memory + posted + rx_iov);
  self->chain_iov = (struct iovec *) (memory + posted + rx_iov + tx_iov);
  self->overflow_area = self->overflow = memory + posted + rx_iov + tx_iov + chain_iov;
  self->stash = self->overflow_area + SV_VIRTIO_NET_MAX_PACKET;
  return TRUE;
}

/**
 * sv_virtio_net_queue_new:
 * @card: what the card's queues share; outlives the queue
 * @n: number of the pair
 * @rx: virtqueue for packets to the driver, set up by it
 * @tx: virtqueue for packets from the driver, set up by it
 * @context: (nullable): where both are handled
 * @counters: what happened; outlives the queue
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): a pair of queues
 */
SvVirtioNetQueue *
sv_virtio_net_queue_new (const SvVirtioNetCard *card,
                         guint n,
                         SvVirtqueue *rx,
                         SvVirtqueue *tx,
                         GMainContext *context,
                         SvVirtioNetCounters *counters,
                         GError **error)
{
  SvVirtioNetQueue *self = g_new0 (SvVirtioNetQueue, 1);

  self->card = card;
  self->rx = rx;
  self->tx = tx;
  self->counters = counters;
  self->n_small = G_MAXINT;
  /* A chain of the longest kind, and a few more: one that crosses from one piece of RAM to the
   * next. */
  self->rx_max_iov = sv_virtqueue_get_max_size (rx) + 4;
  self->tx_max_iov = sv_virtqueue_get_max_size (tx) + 4;
  if (map_memory (self, error))
    {
      self->path = sv_netdev_create_queue (card->netdev, n, context, &path_funcs, self, error);
    }
  if (self->path == NULL)
    g_clear_pointer (&self, sv_virtio_net_queue_free);
  return self;
}

/**
 * sv_virtio_net_queue_free:
 * @self: (transfer full): a pair of queues with nothing in flight
 */
void
sv_virtio_net_queue_free (SvVirtioNetQueue *self)
{
  if (self->path != NULL)
    sv_net_queue_free (self->path);
  if (self->posted != NULL)
    munmap (self->posted, self->memory_size);
  g_free (self);
}
