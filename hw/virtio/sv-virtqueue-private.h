/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtqueue.h"

#include <linux/virtio_ring.h>

G_BEGIN_DECLS

struct _SvVirtqueue
{
  guint index;
  guint max_size;
  const SvVirtqueueFuncs *funcs;
  gpointer opaque;

  SvVirtqueueLayout layout;
  gboolean ready;

  SvAddressSpace *memory;
  gboolean event_idx;
  gboolean indirect;
  gboolean running;
  gboolean broken;

  /* Position: next available entry to take, the driver's index as last seen, used index as published. */
  guint16 avail_next;
  guint16 avail_seen;
  guint16 used_idx;
  guint in_flight;
  /* The driver's index up to which it kicks us, when EVENT_IDX is on; or kicks are on at all. */
  guint16 kick_at;
  gboolean kicks_on;
  /* False after start: nothing is known of what the driver was told, so it is told. */
  gboolean notify_known;
  gboolean more;

  /* Of the open batch */
  guint depth;
  guint n_popped;
  guint n_pushed;
  const SvFlatView *view;
  const guint8 *descriptors; /* struct vring_desc */
  const struct vring_avail *avail;
  struct vring_used *used;
};

/* The split layout (VIRTIO 1.2 §2.7), within an open batch. */
gboolean sv_virtqueue_split_map (SvVirtqueue *self);
/* Publishes what was pushed; TRUE when the driver wants an interrupt for it. */
gboolean sv_virtqueue_split_publish (SvVirtqueue *self);

G_END_DECLS
