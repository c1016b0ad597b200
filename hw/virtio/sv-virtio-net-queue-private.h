/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by the parts of a pair of queues: set-up, packets from the driver, packets to it. */

#include <limits.h>
#include <linux/virtio_net.h>

#include "hw/virtio/sv-virtio-net-queue.h"

G_BEGIN_DECLS

/* The largest packet: 64 KiB of IP with an Ethernet and a VLAN header. */
#define SV_VIRTIO_NET_MAX_PACKET (65535 + 14 + 4)
#define SV_VIRTIO_NET_MAX_FRAME (SV_NET_HEADER_SIZE + 1500 + 14 + 4)
/* Pieces that are read into at once: all that readv() takes, with one left for the overflow. */
#define SV_VIRTIO_NET_MAX_READ_IOV (IOV_MAX - 1)
/* Pieces of a buffer that one of several reads may have, and one for the overflow */
#define SV_VIRTIO_NET_CHAIN_IOV 20u
/* Room for a packet and for what is read behind a buffer that is as large */
#define SV_VIRTIO_NET_STASH_SIZE (2 * (SV_NET_HEADER_SIZE + SV_VIRTIO_NET_MAX_PACKET))

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
   * @posted_size bytes in @n_posted_iov pieces that lie side by side in @rx_iov from @first_iov on. They are the
   * last that were taken: they can be given back.
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
  guint8 *overflow_area;
  gsize overflow_at;
  gsize waiting;

  /*
   * Reads that the back end has at hand, one posted buffer for each: @chain_n of them, of which the first
   * @chain_seen are dealt with. Packets of those that were not big enough are in the stash.
   */
  SvNetPacket chain[SV_NET_BATCH];
  guint chain_at[SV_NET_BATCH]; /* where their pieces are in @rx_iov */
  gsize chain_size[SV_NET_BATCH];
  guint chain_element[SV_NET_BATCH];
  guint chain_n;
  guint chain_seen;
  gboolean chain_failed;
  guint n_small; /* packets in a row that fit into a frame */
  struct iovec *chain_iov;
  guint8 *stash;
  guint stash_first;
  guint stash_end;
  gsize stash_size[SV_NET_BATCH]; /* 0: nothing came with that read */

  SvVirtqElement sent[SV_NET_BATCH];
  struct iovec *tx_iov;
  guint tx_max_iov;

  gsize memory_size;
};

static inline void
sv_virtio_net_count (guint64 *counter, guint64 n)
{
  __atomic_store_n (counter, *counter + n, __ATOMIC_RELAXED);
}

static inline gboolean
sv_virtio_net_queue_is_link_down (SvVirtioNetQueue *self)
{
  return __atomic_load_n (&self->card->link_down, __ATOMIC_RELAXED);
}

void sv_virtio_net_queue_update_watch (SvVirtioNetQueue *self);

/* sv-virtio-net-rx.c: one read after the other */
void sv_virtio_net_rx_run (SvVirtioNetQueue *self);
gboolean sv_virtio_net_rx_post_one (SvVirtioNetQueue *self);
/* Of the first of the posted buffers, when it was pushed. */
void sv_virtio_net_rx_unpost (SvVirtioNetQueue *self);
gboolean sv_virtio_net_rx_is_wanted (SvVirtioNetQueue *self,
                                     const struct iovec *iov,
                                     guint n_iov,
                                     gsize size);
void
sv_virtio_net_rx_write_header (SvVirtioNetQueue *self, const struct iovec *iov, guint n_iov, guint n_buffers);
/* Writes at @offset of the pieces. */
void sv_virtio_net_write_at (
    const struct iovec *iov, guint n_iov, gsize offset, gconstpointer data, gsize size);
void sv_virtio_net_rx_give_back (SvVirtioNetQueue *self);

/* sv-virtio-net-rx-chain.c: many reads at once, where the back end can have them and packets are small */
gboolean sv_virtio_net_rx_can_chain (SvVirtioNetQueue *self);
/* Within a batch of the queue. FALSE: buffers of this kind do not do. */
gboolean sv_virtio_net_rx_chain_start (SvVirtioNetQueue *self);
void sv_virtio_net_rx_chain_done (SvVirtioNetQueue *self, guint n);
/* Ends the reads; what had come is with the driver or in the stash. */
void sv_virtio_net_rx_chain_stop (SvVirtioNetQueue *self);

/* sv-virtio-net-tx.c */
void sv_virtio_net_tx_writable (SvVirtioNetQueue *self);

G_END_DECLS
