/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-net-queue.h"

#include <errno.h>
#include <limits.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/mman.h>

/* The largest packet: 64 KiB of IP with an Ethernet and a VLAN header. */
#define MAX_PACKET (65535 + 14 + 4)
#define MAX_FRAME (SV_NET_HEADER_SIZE + 1500 + 14 + 4)
/* Packets to the driver in one go, before other sources have their turn. */
#define RX_BUDGET 128
/* Pieces that are read into at once: all that readv() takes, with one left for the overflow. */
#define MAX_READ_IOV (IOV_MAX - 1)

G_STATIC_ASSERT (sizeof (struct virtio_net_hdr_v1) == SV_NET_HEADER_SIZE);

struct _SvVirtioNetQueue
{
  const SvVirtioNetCard *card;
  SvVirtqueue *rx;
  SvVirtqueue *tx;
  SvNetQueue *path;
  SvVirtioNetCounters *counters;
  gboolean rx_starved;
  gboolean rx_active;
  gboolean tx_blocked;

  /*
   * Buffers taken from the driver that wait for packets: elements from @first on, @n_posted of them, with
   * @posted_size bytes in @n_posted_iov pieces that lie side by side in @rx_iov from @first_iov on.
   */
  SvVirtqElement *posted;
  guint first;
  guint n_posted;
  gsize posted_size;
  struct iovec *rx_iov;
  guint first_iov;
  guint n_posted_iov;
  guint rx_max_iov;
  /* What of a packet did not fit into them, and the size of the packet that waits for more; 0: none. */
  guint8 *overflow;
  gsize overflow_at;
  gsize waiting;

  SvVirtqElement sent[SV_NET_BATCH];
  struct iovec *tx_iov;
  guint tx_max_iov;

  gsize memory_size;
};

static inline void
count (guint64 *counter, guint64 n)
{
  __atomic_store_n (counter, *counter + n, __ATOMIC_RELAXED);
}

static inline gboolean
is_link_down (SvVirtioNetQueue *self)
{
  return __atomic_load_n (&self->card->link_down, __ATOMIC_RELAXED);
}

static void
update_watch (SvVirtioNetQueue *self)
{
  SvNetWatch watch = SV_NET_WATCH_NONE;

  if (self->rx_active && !self->rx_starved)
    watch |= SV_NET_WATCH_READABLE;
  if (self->tx_blocked)
    watch |= SV_NET_WATCH_WRITABLE;
  sv_net_queue_watch (self->path, watch);
}

/* --- packets to the driver --- */

/* Takes one more buffer from the driver; FALSE when there is none, or no room for it. */
static gboolean
post_one (SvVirtioNetQueue *self)
{
  guint last = self->first + self->n_posted;
  guint last_iov = self->first_iov + self->n_posted_iov;
  SvVirtqElement *element;

  if (self->n_posted == sv_virtqueue_get_size (self->rx) || self->n_posted_iov >= self->rx_max_iov)
    return FALSE;
  if (last == 2 * SV_VIRTQUEUE_MAX_SIZE)
    {
      memmove (self->posted, self->posted + self->first, self->n_posted * sizeof *self->posted);
      self->first = 0;
      last = self->n_posted;
    }
  if (last_iov > 3 * self->rx_max_iov)
    {
      memmove (self->rx_iov, self->rx_iov + self->first_iov,
               self->n_posted_iov * sizeof *self->rx_iov);
      self->first_iov = 0;
      last_iov = self->n_posted_iov;
    }

  element = &self->posted[last];
  element->iov = &self->rx_iov[last_iov];
  element->max_iov = self->rx_max_iov;
  if (!sv_virtqueue_pop (self->rx, element))
    return FALSE;
  if (element->n_out > 0 || element->in_size < SV_NET_HEADER_SIZE)
    {
      sv_virtqueue_break (self->rx,
                          "a buffer for packets has %" G_GUINT64_FORMAT
                          " bytes to write and %" G_GUINT64_FORMAT " to read",
                          element->in_size, element->out_size);
      sv_virtqueue_push (self->rx, element, 0);
      return FALSE;
    }
  self->n_posted++;
  self->n_posted_iov += element->n_in;
  self->posted_size += element->in_size;
  return TRUE;
}

/* Has enough buffers at hand for most packets. FALSE: not even one. */
static gboolean
post_enough (SvVirtioNetQueue *self)
{
  gsize wanted = self->card->large ? SV_NET_HEADER_SIZE + MAX_PACKET : MAX_FRAME;

  if (!self->card->mergeable)
    return self->n_posted > 0 || post_one (self);
  while (self->posted_size < wanted)
    if (!post_one (self))
      break;
  return self->n_posted > 0;
}

static inline void
unpost (SvVirtioNetQueue *self, SvVirtqElement *element)
{
  self->first++;
  self->n_posted--;
  self->posted_size -= element->in_size;
  self->first_iov += element->n_in;
  self->n_posted_iov -= element->n_in;
  if (self->n_posted == 0)
    self->first = self->first_iov = 0;
}

/* Writes at @offset of the pieces. */
static void
write_at (const struct iovec *iov, guint n_iov, gsize offset, gconstpointer data, gsize size)
{
  const guint8 *from = data;

  for (guint i = 0; i < n_iov && size > 0; i++)
    {
      gsize part;

      if (offset >= iov[i].iov_len)
        {
          offset -= iov[i].iov_len;
          continue;
        }
      part = MIN (iov[i].iov_len - offset, size);
      memcpy ((guint8 *) iov[i].iov_base + offset, from, part);
      from += part;
      size -= part;
      offset = 0;
    }
}

/* The back end writes no number of buffers, and without headers of its own nothing (§5.1.6.4). */
static void
write_header (SvVirtioNetQueue *self, guint n_buffers)
{
  struct virtio_net_hdr_v1 header = { .num_buffers = GUINT16_TO_LE (n_buffers) };
  gsize skip = self->card->header ? offsetof (struct virtio_net_hdr_v1, num_buffers) : 0;

  write_at (&self->rx_iov[self->first_iov], self->n_posted_iov, skip, (guint8 *) &header + skip,
            sizeof header - skip);
}

/*
 * Gives a packet of @size bytes, header included, to the driver. It is in the posted buffers already,
 * but for what did not fit. FALSE: it waits for more buffers.
 */
static gboolean
deliver (SvVirtioNetQueue *self, gsize size)
{
  guint n_buffers = 0;

  while (self->posted_size < size)
    {
      if (!self->card->mergeable || self->n_posted == sv_virtqueue_get_size (self->rx)
          || self->n_posted_iov >= self->rx_max_iov)
        {
          count (&self->counters->rx_dropped, 1);
          return TRUE;
        }
      if (!post_one (self))
        return FALSE;
    }

  if (size > self->overflow_at)
    write_at (&self->rx_iov[self->first_iov], self->n_posted_iov, self->overflow_at,
              self->overflow, size - self->overflow_at);
  for (gsize room = 0; room < size; n_buffers++)
    room += self->posted[self->first + n_buffers].in_size;
  write_header (self, n_buffers);

  count (&self->counters->rx_packets, 1);
  count (&self->counters->rx_bytes, size - SV_NET_HEADER_SIZE);
  while (size > 0)
    {
      SvVirtqElement *element = &self->posted[self->first];
      gsize part = MIN (size, element->in_size);

      sv_virtqueue_push (self->rx, element, part);
      size -= part;
      unpost (self, element);
    }
  return TRUE;
}

/* Reads a packet into the posted buffers and what does not fit behind them; its size with header. */
static gssize
read_packet (SvVirtioNetQueue *self)
{
  guint n = MIN (self->n_posted_iov, MAX_READ_IOV);
  struct iovec *iov = &self->rx_iov[self->first_iov];
  struct iovec *start = iov, *end = iov + n;
  struct iovec kept_start, kept_end = *end;
  gsize skip = self->card->header ? 0 : SV_NET_HEADER_SIZE;
  gssize size;

  self->overflow_at = self->posted_size;
  for (guint i = n; i < self->n_posted_iov; i++)
    self->overflow_at -= iov[i].iov_len;

  *end = (struct iovec){ .iov_base = self->overflow, .iov_len = MAX_PACKET };
  for (; skip >= start->iov_len && start < end; start++)
    skip -= start->iov_len;
  kept_start = *start;
  start->iov_base = (guint8 *) start->iov_base + skip;
  start->iov_len -= skip;
  size = sv_net_queue_read (self->path, start, end + 1 - start);
  *start = kept_start;
  *end = kept_end;

  if (size >= 0 && !self->card->header)
    size += SV_NET_HEADER_SIZE;
  return size;
}

/* Whether the driver gets to see a packet that is in the posted buffers. */
static gboolean
is_wanted (SvVirtioNetQueue *self, gsize size)
{
  if (G_UNLIKELY (is_link_down (self) || size <= SV_NET_HEADER_SIZE))
    {
      count (&self->counters->rx_dropped, 1);
      return FALSE;
    }
  if (!sv_virtio_net_filter_accepts (&self->card->filter, &self->rx_iov[self->first_iov],
                                     MIN (self->n_posted_iov, MAX_READ_IOV), SV_NET_HEADER_SIZE,
                                     size))
    {
      count (&self->counters->rx_filtered, 1);
      return FALSE;
    }
  return TRUE;
}

/* TRUE: the batch took all that one may, and there may be more. */
static gboolean
run_rx_batch (SvVirtioNetQueue *self, guint *budget)
{
  if (!sv_virtqueue_begin (self->rx))
    {
      self->rx_starved = TRUE;
      return FALSE;
    }

  self->rx_starved = FALSE;
  for (; *budget > 0; (*budget)--)
    {
      gssize size = self->waiting;

      if (!post_enough (self))
        {
          self->rx_starved = TRUE;
          break;
        }
      if (size == 0)
        {
          size = read_packet (self);
          if (size == -EAGAIN)
            break;
          if (size < 0)
            {
              count (&self->counters->rx_dropped, 1);
              break;
            }
          if (!is_wanted (self, size))
            continue;
        }
      self->waiting = deliver (self, size) ? 0 : size;
      if (self->waiting > 0)
        {
          self->rx_starved = TRUE;
          break;
        }
    }
  sv_virtqueue_end (self->rx);
  return self->rx_starved && sv_virtqueue_take_more (self->rx);
}

static void
run_rx (SvVirtioNetQueue *self)
{
  guint budget = RX_BUDGET;

  while (run_rx_batch (self, &budget))
    continue;
  update_watch (self);
}

static void
on_readable (gpointer opaque)
{
  run_rx (opaque);
}

void
sv_virtio_net_queue_handle_rx (SvVirtioNetQueue *self)
{
  self->rx_active = TRUE;
  if (self->rx_starved)
    run_rx (self);
  else
    update_watch (self);
}

void
sv_virtio_net_queue_drain_rx (SvVirtioNetQueue *self)
{
  self->rx_active = FALSE;
  update_watch (self);
  for (guint i = self->n_posted; i > 0; i--)
    sv_virtqueue_unpop (self->rx, &self->posted[self->first + i - 1]);
  self->first = self->n_posted = self->first_iov = self->n_posted_iov = 0;
  self->posted_size = 0;
  if (self->waiting > 0)
    count (&self->counters->rx_dropped, 1);
  self->waiting = 0;
  self->rx_starved = FALSE;
}

/* --- packets from the driver --- */

/* Whether a packet that was taken from the driver can be sent; what is left of it to the back end. */
static gboolean
check_packet (SvVirtioNetQueue *self, SvVirtqElement *element)
{
  struct virtio_net_hdr_v1 header;

  if (G_UNLIKELY (element->out_size < SV_NET_HEADER_SIZE))
    {
      sv_virtqueue_break (self->tx, "a packet of %" G_GUINT64_FORMAT " bytes has no header",
                          element->out_size);
      return FALSE;
    }
  if (G_UNLIKELY (is_link_down (self) || element->out_size > SV_NET_HEADER_SIZE + MAX_PACKET
                  || element->out_size == SV_NET_HEADER_SIZE || element->n_out > IOV_MAX))
    {
      count (&self->counters->tx_dropped, 1);
      return FALSE;
    }
  if (!self->card->header)
    sv_virtq_element_pull (element, &header, sizeof header);
  return TRUE;
}

static void
finish_packet (SvVirtioNetQueue *self, SvVirtqElement *element, const SvNetPacket *packet)
{
  if (packet->n_iov > 0 && packet->result < 0)
    count (&self->counters->tx_dropped, 1);
  else if (packet->n_iov > 0)
    {
      count (&self->counters->tx_packets, 1);
      count (&self->counters->tx_bytes,
             packet->result - (self->card->header ? SV_NET_HEADER_SIZE : 0));
    }
  sv_virtqueue_push (self->tx, element, 0);
}

/* Sends what the driver has ready, as much as goes in one go. TRUE: there may be more. */
static gboolean
send_batch (SvVirtioNetQueue *self)
{
  SvNetPacket packets[SV_NET_BATCH];
  guint n, n_iov = 0;
  guint n_done;

  for (n = 0; n < SV_NET_BATCH && n_iov <= self->tx_max_iov; n++)
    {
      SvVirtqElement *element = &self->sent[n];
      gboolean good;

      element->iov = self->tx_iov + n_iov;
      element->max_iov = self->tx_max_iov;
      if (!sv_virtqueue_pop (self->tx, element))
        break;
      n_iov += element->n_out + element->n_in;
      good = check_packet (self, element);
      packets[n] = (SvNetPacket){ element->out, good ? element->n_out : 0, 0 };
    }

  n_done = sv_net_queue_write_many (self->path, packets, n);
  for (guint i = 0; i < n_done; i++)
    finish_packet (self, &self->sent[i], &packets[i]);
  for (guint i = n; i > n_done; i--)
    sv_virtqueue_unpop (self->tx, &self->sent[i - 1]);
  self->tx_blocked = n_done < n;
  return !self->tx_blocked && (n == SV_NET_BATCH || n_iov > self->tx_max_iov);
}

static void
run_tx (SvVirtioNetQueue *self)
{
  if (!sv_virtqueue_begin (self->tx))
    return;

  while (send_batch (self))
    continue;
  sv_virtqueue_end (self->tx);
}

static void
on_writable (gpointer opaque)
{
  SvVirtioNetQueue *self = opaque;

  self->tx_blocked = FALSE;
  run_tx (self);
  /* Nobody kicks for what a batch left. */
  if (sv_virtqueue_take_more (self->tx))
    self->tx_blocked = TRUE;
  update_watch (self);
}

void
sv_virtio_net_queue_handle_tx (SvVirtioNetQueue *self)
{
  if (self->tx_blocked)
    return;
  run_tx (self);
  if (self->tx_blocked)
    update_watch (self);
}

void
sv_virtio_net_queue_drain_tx (SvVirtioNetQueue *self)
{
  self->tx_blocked = FALSE;
  update_watch (self);
}

/* --- set-up --- */

static const SvNetQueueFuncs path_funcs = { .readable = on_readable, .writable = on_writable };

/* What is never used of it costs address space only. */
static gboolean
map_memory (SvVirtioNetQueue *self, GError **error)
{
  gsize posted = 2 * SV_VIRTQUEUE_MAX_SIZE * sizeof (SvVirtqElement);
  gsize rx_iov = (4 * self->rx_max_iov + 1) * sizeof (struct iovec);
  gsize tx_iov = 2 * self->tx_max_iov * sizeof (struct iovec);
  guint8 *memory;

  self->memory_size = posted + rx_iov + tx_iov + MAX_PACKET;
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
  self->overflow = memory + posted + rx_iov + tx_iov;
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
