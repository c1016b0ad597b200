/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Packets to the driver, many reads at once: they wait in the back end, each for a packet, one after the other, and
 * are told of together. Each has one buffer of the driver's. That does for packets of a frame's size. When a larger
 * one comes, which takes several buffers, all that has been read is kept aside and dealt with the other way.
 */

#include "hw/virtio/sv-virtio-net-queue-private.h"

#include <errno.h>
#include <string.h>

/* After so many small packets the next will be small, too. */
#define MIN_SMALL 64

gboolean
sv_virtio_net_rx_can_chain (SvVirtioNetQueue *self)
{
  return self->rx_active && self->chain_n == 0 && !self->chain_failed && self->n_small >= MIN_SMALL
         && self->waiting == 0 && self->stash_first == self->stash_end
         && sv_net_queue_can_start_reads (self->path);
}

static gboolean
is_fit (SvVirtioNetQueue *self, const SvVirtqElement *element)
{
  return element->n_in < SV_VIRTIO_NET_CHAIN_IOV
         && (!self->card->mergeable || element->in_size >= SV_VIRTIO_NET_MAX_FRAME);
}

static void
prepare_read (SvVirtioNetQueue *self, guint n, const SvVirtqElement *element, guint at)
{
  gsize skip = self->card->header ? 0 : SV_NET_HEADER_SIZE;
  gsize room = MIN (element->in_size, SV_VIRTIO_NET_STASH_SIZE / 2);
  struct iovec *iov = self->chain_iov + n * SV_VIRTIO_NET_CHAIN_IOV;
  guint n_iov = 0;

  for (guint i = 0; i < element->n_in; i++)
    {
      struct iovec piece = self->rx_iov[at + i];
      gsize part = MIN (skip, piece.iov_len);

      skip -= part;
      piece.iov_base = (guint8 *) piece.iov_base + part;
      piece.iov_len -= part;
      if (piece.iov_len > 0)
        iov[n_iov++] = piece;
    }
  iov[n_iov++] = (struct iovec){ self->stash + n * SV_VIRTIO_NET_STASH_SIZE + room, SV_VIRTIO_NET_MAX_PACKET };
  self->chain[n] = (SvNetPacket){ iov, n_iov, -ECANCELED };
  self->chain_at[n] = at;
  self->chain_size[n] = element->in_size;
  self->chain_element[n] = self->first + n;
}

gboolean
sv_virtio_net_rx_chain_start (SvVirtioNetQueue *self)
{
  guint most = MIN (MAX (sv_virtqueue_get_size (self->rx) / 2, 1), SV_NET_BATCH);
  guint at;
  guint n = 0;

  /* Not all that the driver has: it would be asked to kick with each it adds. */
  while (self->n_posted < most && sv_virtio_net_rx_post_one (self))
    continue;
  self->rx_starved = self->n_posted == 0;
  if (self->rx_starved)
    return TRUE;

  at = self->first_iov;
  for (; n < MIN (self->n_posted, most); n++)
    {
      const SvVirtqElement *element = &self->posted[self->first + n];

      if (!is_fit (self, element))
        break;
      prepare_read (self, n, element, at);
      at += element->n_in;
    }
  if (n == 0)
    {
      self->n_small = 0;
      return FALSE;
    }
  self->chain_n = n;
  self->chain_seen = 0;
  sv_net_queue_start_reads (self->path, self->chain, n);
  return TRUE;
}

/* The first @size bytes of the pieces. */
static void
copy_out (const struct iovec *iov, guint n_iov, guint8 *to, gsize size)
{
  for (guint i = 0; i < n_iov && size > 0; i++)
    {
      gsize part = MIN (iov[i].iov_len, size);

      memcpy (to, iov[i].iov_base, part);
      to += part;
      size -= part;
    }
}

static gsize
size_of (SvVirtioNetQueue *self, guint n)
{
  return self->chain[n].result + (self->card->header ? 0 : SV_NET_HEADER_SIZE);
}

/* What came with read @n, in one piece. */
static guint8 *
stash (SvVirtioNetQueue *self, guint n)
{
  guint8 *area = self->stash + n * SV_VIRTIO_NET_STASH_SIZE;
  gsize size = MIN (self->chain_size[n], SV_VIRTIO_NET_STASH_SIZE / 2);

  copy_out (&self->rx_iov[self->chain_at[n]], self->posted[self->chain_element[n]].n_in, area,
            MIN (size, size_of (self, n)));
  return area;
}

/* Ends the reads, and keeps what came with @n and later ones. The buffers go back. */
static void
stop_and_stash (SvVirtioNetQueue *self, guint n)
{
  sv_net_queue_cancel_reads (self->path);
  self->stash_first = n;
  self->stash_end = self->chain_n;
  /* The end of one read starts the next, which may find a packet. */
  for (; n < self->stash_end; n++)
    {
      self->stash_size[n] = self->chain[n].result < 0 ? 0 : size_of (self, n);
      if (self->stash_size[n] > 0)
        stash (self, n);
    }
  self->chain_n = self->chain_seen = 0;
  self->n_small = 0;
  sv_virtio_net_rx_give_back (self);
}

/*
 * Deals with read @n. Buffers leave in the order in which they were taken, so that the rest can be given back: when a
 * packet before was not wanted, this one moves to that one's buffer. FALSE: the chain was ended.
 */
static gboolean
take_one (SvVirtioNetQueue *self, guint n)
{
  SvVirtqElement *element = &self->posted[self->first];
  struct iovec *iov = &self->rx_iov[self->first_iov];
  gsize size;

  if (self->chain[n].result < 0)
    {
      self->chain_failed |= self->chain[n].result != -ECANCELED;
      return TRUE;
    }
  size = size_of (self, n);
  if (size > self->chain_size[n] && !self->card->mergeable)
    {
      sv_virtio_net_count (&self->counters->rx_dropped, 1);
      return TRUE;
    }
  if (size > self->chain_size[n] || size > element->in_size)
    {
      stop_and_stash (self, n);
      return FALSE;
    }
  if (!sv_virtio_net_rx_is_wanted (self, &self->rx_iov[self->chain_at[n]],
                                   self->posted[self->chain_element[n]].n_in, size))
    return TRUE;

  if (self->chain_element[n] != self->first)
    sv_virtio_net_write_at (iov, element->n_in, 0, stash (self, n), size);
  sv_virtio_net_rx_write_header (self, iov, element->n_in, 1);
  sv_virtio_net_count (&self->counters->rx_packets, 1);
  sv_virtio_net_count (&self->counters->rx_bytes, size - SV_NET_HEADER_SIZE);
  sv_virtqueue_push (self->rx, element, size);
  sv_virtio_net_rx_unpost (self);
  return TRUE;
}

/* TRUE: go on reading, one way or the other */
static gboolean
take (SvVirtioNetQueue *self, guint n)
{
  for (; self->chain_seen < n; self->chain_seen++)
    if (!take_one (self, self->chain_seen))
      return TRUE;
  if (n < self->chain_n)
    return FALSE;
  self->chain_n = self->chain_seen = 0;
  return TRUE;
}

void
sv_virtio_net_rx_chain_done (SvVirtioNetQueue *self, guint n)
{
  gboolean go_on = FALSE;
  gboolean run = FALSE;

  if (!sv_virtqueue_begin (self->rx))
    {
      /* A broken queue: nothing of it is used any more. */
      if (n == self->chain_n)
        self->chain_n = self->chain_seen = 0;
      return;
    }
  go_on = take (self, n);
  /* Within the batch, to be submitted with its interrupt. */
  if (go_on && sv_virtio_net_rx_can_chain (self))
    run = !sv_virtio_net_rx_chain_start (self);
  else
    run = go_on;
  sv_virtqueue_end (self->rx);
  if ((run || (self->rx_starved && sv_virtqueue_take_more (self->rx))) && self->rx_active)
    sv_virtio_net_rx_run (self);
}

void
sv_virtio_net_rx_chain_stop (SvVirtioNetQueue *self)
{
  if (self->chain_n == 0)
    return;
  sv_net_queue_cancel_reads (self->path);
  if (sv_virtqueue_begin (self->rx))
    {
      take (self, self->chain_n);
      sv_virtqueue_end (self->rx);
    }
  self->chain_n = self->chain_seen = 0;
}
