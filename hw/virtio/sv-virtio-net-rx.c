/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packets to the driver, one read after the other. */

#include "hw/virtio/sv-virtio-net-queue-private.h"

#include <errno.h>
#include <string.h>

/* Packets to the driver in one go, before other sources have their turn. */
#define RX_BUDGET 128

/* Takes one more buffer from the driver; FALSE when there is none, or no room for it. */
gboolean
sv_virtio_net_rx_post_one (SvVirtioNetQueue *self)
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
  gsize wanted = self->card->large ? SV_NET_HEADER_SIZE + SV_VIRTIO_NET_MAX_PACKET : SV_VIRTIO_NET_MAX_FRAME;

  if (!self->card->mergeable)
    return self->n_posted > 0 || sv_virtio_net_rx_post_one (self);
  while (self->posted_size < wanted)
    if (!sv_virtio_net_rx_post_one (self))
      break;
  return self->n_posted > 0;
}

void
sv_virtio_net_rx_unpost (SvVirtioNetQueue *self)
{
  SvVirtqElement *element = &self->posted[self->first];

  self->first++;
  self->n_posted--;
  self->posted_size -= element->in_size;
  self->first_iov += element->n_in;
  self->n_posted_iov -= element->n_in;
  if (self->n_posted == 0)
    self->first = self->first_iov = 0;
}

void
sv_virtio_net_write_at (
    const struct iovec *iov, guint n_iov, gsize offset, gconstpointer data, gsize size)
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
void
sv_virtio_net_rx_write_header (SvVirtioNetQueue *self, const struct iovec *iov, guint n_iov, guint n_buffers)
{
  struct virtio_net_hdr_v1 header = { .num_buffers = GUINT16_TO_LE (n_buffers) };
  gsize skip = self->card->header ? offsetof (struct virtio_net_hdr_v1, num_buffers) : 0;

  sv_virtio_net_write_at (iov, n_iov, skip, (guint8 *) &header + skip, sizeof header - skip);
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
          sv_virtio_net_count (&self->counters->rx_dropped, 1);
          return TRUE;
        }
      if (!sv_virtio_net_rx_post_one (self))
        return FALSE;
    }

  if (size > self->overflow_at)
    sv_virtio_net_write_at (&self->rx_iov[self->first_iov], self->n_posted_iov, self->overflow_at,
              self->overflow, size - self->overflow_at);
  for (gsize room = 0; room < size; n_buffers++)
    room += self->posted[self->first + n_buffers].in_size;
  sv_virtio_net_rx_write_header (self, &self->rx_iov[self->first_iov], self->n_posted_iov, n_buffers);

  sv_virtio_net_count (&self->counters->rx_packets, 1);
  sv_virtio_net_count (&self->counters->rx_bytes, size - SV_NET_HEADER_SIZE);
  while (size > 0)
    {
      SvVirtqElement *element = &self->posted[self->first];
      gsize part = MIN (size, element->in_size);

      sv_virtqueue_push (self->rx, element, part);
      size -= part;
      sv_virtio_net_rx_unpost (self);
    }
  return TRUE;
}

/* Reads a packet into the posted buffers and what does not fit behind them; its size with header. */
static gssize
read_packet (SvVirtioNetQueue *self)
{
  guint n = MIN (self->n_posted_iov, SV_VIRTIO_NET_MAX_READ_IOV);
  struct iovec *iov = &self->rx_iov[self->first_iov];
  struct iovec *start = iov, *end = iov + n;
  struct iovec kept_start, kept_end = *end;
  gsize skip = self->card->header ? 0 : SV_NET_HEADER_SIZE;
  gssize size;

  self->overflow = self->overflow_area;
  self->overflow_at = self->posted_size;
  for (guint i = n; i < self->n_posted_iov; i++)
    self->overflow_at -= iov[i].iov_len;

  *end = (struct iovec){ .iov_base = self->overflow, .iov_len = SV_VIRTIO_NET_MAX_PACKET };
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

/* Whether the driver gets to see a packet of @size bytes, header included. */
gboolean
sv_virtio_net_rx_is_wanted (SvVirtioNetQueue *self, const struct iovec *iov, guint n_iov, gsize size)
{
  if (G_UNLIKELY (sv_virtio_net_queue_is_link_down (self) || size <= SV_NET_HEADER_SIZE))
    {
      sv_virtio_net_count (&self->counters->rx_dropped, 1);
      return FALSE;
    }
  if (!sv_virtio_net_filter_accepts (&self->card->filter, iov, n_iov, SV_NET_HEADER_SIZE, size))
    {
      sv_virtio_net_count (&self->counters->rx_filtered, 1);
      return FALSE;
    }
  return TRUE;
}

/* The next packet, from the stash or else from the back end: its size with header, or a negative errno. 0: the
 * driver does not get to see it. */
static gssize
next_packet (SvVirtioNetQueue *self)
{
  struct iovec whole;
  gssize size;
  guint n;

  while (self->stash_first < self->stash_end && self->stash_size[self->stash_first] == 0)
    self->stash_first++;
  n = self->stash_first;
  if (n == self->stash_end)
    {
      size = read_packet (self);
      self->n_small = size <= SV_VIRTIO_NET_MAX_FRAME ? self->n_small + (size > 0) : 0;
      return size < 0
                     || sv_virtio_net_rx_is_wanted (self, &self->rx_iov[self->first_iov],
                                                    MIN (self->n_posted_iov, SV_VIRTIO_NET_MAX_READ_IOV),
                                                    size)
                 ? size
                 : 0;
    }
  self->stash_first++;
  self->overflow = self->stash + n * SV_VIRTIO_NET_STASH_SIZE;
  self->overflow_at = 0;
  whole = (struct iovec){ self->overflow, self->stash_size[n] };
  return sv_virtio_net_rx_is_wanted (self, &whole, 1, whole.iov_len) ? (gssize) whole.iov_len : 0;
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
          size = next_packet (self);
          if (size == -EAGAIN)
            break;
          if (size < 0)
            {
              sv_virtio_net_count (&self->counters->rx_dropped, 1);
              break;
            }
          if (size == 0)
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

static gboolean
start_chain (SvVirtioNetQueue *self)
{
  gboolean started;

  if (!sv_virtio_net_rx_can_chain (self) || !sv_virtqueue_begin (self->rx))
    return FALSE;
  started = sv_virtio_net_rx_chain_start (self);
  sv_virtqueue_end (self->rx);
  return started;
}

void
sv_virtio_net_rx_run (SvVirtioNetQueue *self)
{
  guint budget = RX_BUDGET;

  if (self->chain_n > 0)
    return;
  if (!start_chain (self))
    while (run_rx_batch (self, &budget))
      continue;
  sv_virtio_net_queue_update_watch (self);
}

void
sv_virtio_net_queue_handle_rx (SvVirtioNetQueue *self)
{
  self->rx_active = TRUE;
  if (self->rx_starved || sv_virtio_net_rx_can_chain (self))
    sv_virtio_net_rx_run (self);
  else
    sv_virtio_net_queue_update_watch (self);
}

/* Gives back buffers that no packet came for. */
void
sv_virtio_net_rx_give_back (SvVirtioNetQueue *self)
{
  for (guint i = self->n_posted; i > 0; i--)
    sv_virtqueue_unpop (self->rx, &self->posted[self->first + i - 1]);
  self->first = self->n_posted = self->first_iov = self->n_posted_iov = 0;
  self->posted_size = 0;
}

void
sv_virtio_net_queue_drain_rx (SvVirtioNetQueue *self)
{
  guint n_lost;

  self->rx_active = FALSE;
  sv_virtio_net_queue_update_watch (self);
  sv_virtio_net_rx_chain_stop (self);
  sv_virtio_net_rx_give_back (self);
  n_lost = self->waiting > 0;
  for (guint i = self->stash_first; i < self->stash_end; i++)
    n_lost += self->stash_size[i] > 0;
  if (n_lost > 0)
    sv_virtio_net_count (&self->counters->rx_dropped, n_lost);
  self->waiting = self->stash_first = self->stash_end = 0;
  self->rx_starved = FALSE;
  self->chain_failed = FALSE;
}
