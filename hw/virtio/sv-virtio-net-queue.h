/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"
#include "hw/virtio/sv-virtio-net-filter.h"
#include "src/net/sv-netdev.h"

G_BEGIN_DECLS

/**
 * SvVirtioNetCounters:
 * @rx_packets: packets given to the driver
 * @rx_bytes: bytes of them
 * @rx_dropped: packets from the back end that did not fit, or came while the link was down
 * @rx_filtered: packets that the driver does not want
 * @tx_packets: packets sent
 * @tx_bytes: bytes of them
 * @tx_dropped: packets that the back end refused, or that came while the link was down
 *
 * Written by one thread, read by any with atomic loads.
 */
typedef struct
{
  guint64 rx_packets;
  guint64 rx_bytes;
  guint64 rx_dropped;
  guint64 rx_filtered;
  guint64 tx_packets;
  guint64 tx_bytes;
  guint64 tx_dropped;
} SvVirtioNetCounters;

/**
 * SvVirtioNetCard:
 * @netdev: the back end
 * @header: packets of the back end have a header
 * @mergeable: a packet may take several buffers (VIRTIO_NET_F_MRG_RXBUF)
 * @large: packets to the driver may be as large as 64 KiB
 * @link_down: nothing passes; atomic
 * @filter: what the driver wants to get
 *
 * What the queues of a card share. Settled before they run, but for the last two.
 */
typedef struct
{
  SvNetdev *netdev;
  gboolean header;
  gboolean mergeable;
  gboolean large;
  gboolean link_down;
  SvVirtioNetFilter filter;
} SvVirtioNetCard;

/**
 * SvVirtioNetQueue:
 *
 * A pair of virtqueues and the data path of the back end between them (VIRTIO 1.2 §5.1.6). Packets are
 * read straight into the driver's buffers and written straight from them. In the context of the queues.
 */
typedef struct _SvVirtioNetQueue SvVirtioNetQueue;

SvVirtioNetQueue *sv_virtio_net_queue_new (const SvVirtioNetCard *card,
                                           guint n,
                                           SvVirtqueue *rx,
                                           SvVirtqueue *tx,
                                           GMainContext *context,
                                           SvVirtioNetCounters *counters,
                                           GError **error);
/* Both are drained. */
void sv_virtio_net_queue_free (SvVirtioNetQueue *self);

void sv_virtio_net_queue_handle_rx (SvVirtioNetQueue *self);
void sv_virtio_net_queue_handle_tx (SvVirtioNetQueue *self);
/* Gives back buffers that no packet came for; nothing is in flight then. */
void sv_virtio_net_queue_drain_rx (SvVirtioNetQueue *self);
void sv_virtio_net_queue_drain_tx (SvVirtioNetQueue *self);

G_END_DECLS
