/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packets from the driver. */

#include "hw/virtio/sv-virtio-net-queue-private.h"

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
  if (G_UNLIKELY (sv_virtio_net_queue_is_link_down (self) || element->out_size > SV_NET_HEADER_SIZE + SV_VIRTIO_NET_MAX_PACKET
                  || element->out_size == SV_NET_HEADER_SIZE || element->n_out > IOV_MAX))
    {
      sv_virtio_net_count (&self->counters->tx_dropped, 1);
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
    sv_virtio_net_count (&self->counters->tx_dropped, 1);
  else if (packet->n_iov > 0)
    {
      sv_virtio_net_count (&self->counters->tx_packets, 1);
      sv_virtio_net_count (&self->counters->tx_bytes,
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

void
sv_virtio_net_tx_writable (SvVirtioNetQueue *self)
{
  self->tx_blocked = FALSE;
  run_tx (self);
  /* Nobody kicks for what a batch left. */
  if (sv_virtqueue_take_more (self->tx))
    self->tx_blocked = TRUE;
  sv_virtio_net_queue_update_watch (self);
}

void
sv_virtio_net_queue_handle_tx (SvVirtioNetQueue *self)
{
  if (self->tx_blocked)
    return;
  run_tx (self);
  if (self->tx_blocked)
    sv_virtio_net_queue_update_watch (self);
}

void
sv_virtio_net_queue_drain_tx (SvVirtioNetQueue *self)
{
  self->tx_blocked = FALSE;
  sv_virtio_net_queue_update_watch (self);
}
