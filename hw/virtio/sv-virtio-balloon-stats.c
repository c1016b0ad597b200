/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-balloon-stats.h"

#include <linux/virtio_balloon.h>

static const char *const names[SV_BALLOON_N_STATS] = {
  [VIRTIO_BALLOON_S_SWAP_IN] = "stat-swap-in",
  [VIRTIO_BALLOON_S_SWAP_OUT] = "stat-swap-out",
  [VIRTIO_BALLOON_S_MAJFLT] = "stat-major-faults",
  [VIRTIO_BALLOON_S_MINFLT] = "stat-minor-faults",
  [VIRTIO_BALLOON_S_MEMFREE] = "stat-free-memory",
  [VIRTIO_BALLOON_S_MEMTOT] = "stat-total-memory",
  [VIRTIO_BALLOON_S_AVAIL] = "stat-available-memory",
  [VIRTIO_BALLOON_S_CACHES] = "stat-disk-caches",
  [VIRTIO_BALLOON_S_HTLB_PGALLOC] = "stat-htlb-pgalloc",
  [VIRTIO_BALLOON_S_HTLB_PGFAIL] = "stat-htlb-pgfail",
};

void
sv_balloon_stats_init (SvBalloonStats *self, GObject *object, GParamSpec *property)
{
  self->object = object;
  self->property = property;
  sv_balloon_stats_clear (self);
}

void
sv_balloon_stats_clear (SvBalloonStats *self)
{
  for (guint i = 0; i < SV_BALLOON_N_STATS; i++)
    self->values[i] = G_MAXUINT64;
  self->last_update = 0;
  self->read = FALSE;
}

static void
take (SvBalloonStats *self, SvVirtqElement *element)
{
  struct virtio_balloon_stat stat;
  /* One of each, and some that are new: more would only keep us busy. */
  guint left = 4 * SV_BALLOON_N_STATS;

  sv_balloon_stats_clear (self);
  while (left-- > 0 && sv_virtq_element_pull (element, &stat, sizeof stat))
    {
      guint tag = GUINT16_FROM_LE (stat.tag);

      if (tag < SV_BALLOON_N_STATS)
        self->values[tag] = GUINT64_FROM_LE (stat.val);
    }
  self->last_update = g_get_real_time () / G_USEC_PER_SEC;
  self->read = TRUE;
  g_object_notify_by_pspec (self->object, self->property);
}

/* @next: the buffer that was read goes back, which asks for a new one. */
static void
look (SvBalloonStats *self, gboolean next)
{
  struct iovec iov[SV_BALLOON_QUEUE_SIZE + 4];
  SvVirtqElement element = { .iov = iov, .max_iov = G_N_ELEMENTS (iov) };

  if (next)
    {
      self->read = FALSE;
      if (sv_virtqueue_pop (self->queue, &element))
        sv_virtqueue_push (self->queue, &element, 0);
    }
  if (!sv_virtqueue_pop (self->queue, &element))
    {
      self->read = FALSE;
      return;
    }
  if (!self->read)
    take (self, &element);
  /* It stays in the ring until the next are wanted (VIRTIO 1.2 §5.5.6.3). */
  sv_virtqueue_unpop (self->queue, &element);
}

void
sv_balloon_stats_handle (SvBalloonStats *self, SvVirtqueue *queue)
{
  self->queue = queue;
  look (self, FALSE);
}

void
sv_balloon_stats_pause (SvBalloonStats *self)
{
  self->queue = NULL;
}

static gboolean
poll_stats (gpointer user_data)
{
  SvBalloonStats *self = user_data;

  if (self->queue && self->read && sv_virtqueue_begin (self->queue))
    {
      look (self, TRUE);
      sv_virtqueue_end (self->queue);
    }
  return G_SOURCE_CONTINUE;
}

void
sv_balloon_stats_set_interval (SvBalloonStats *self, gint64 seconds)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  if (seconds > 0)
    {
      self->timer = g_timeout_add_seconds ((guint)seconds, poll_stats, self);
      poll_stats (self);
    }
}

JsonNode *
sv_balloon_stats_to_json (const SvBalloonStats *self)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *all = json_object_new ();
  JsonObject *stats = json_object_new ();

  /* JSON's integers are signed here: what was not told reads -1. */
  for (guint i = 0; i < SV_BALLOON_N_STATS; i++)
    json_object_set_int_member (stats, names[i], (gint64)self->values[i]);
  json_object_set_object_member (all, "stats", stats);
  json_object_set_int_member (all, "last-update", self->last_update);
  json_node_take_object (node, all);
  return node;
}
