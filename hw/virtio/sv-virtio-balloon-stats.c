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
sv_balloon_stats_clear (SvBalloonStats *self)
{
  for (guint i = 0; i < SV_BALLOON_N_STATS; i++)
    self->values[i] = G_MAXUINT64;
  self->last_update = 0;
}

void
sv_balloon_stats_read (SvBalloonStats *self, SvVirtqElement *element)
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
