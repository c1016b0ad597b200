/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "hw/virtio/sv-virtqueue.h"

G_BEGIN_DECLS

#define SV_BALLOON_N_STATS 10

/**
 * SvBalloonStats:
 *
 * What a guest last told about its memory (VIRTIO 1.2 §5.5.6.3).
 */
typedef struct
{
  guint64 values[SV_BALLOON_N_STATS]; /* G_MAXUINT64: not told */
  gint64 last_update;                 /* seconds since 1970; 0: never */
} SvBalloonStats;

void sv_balloon_stats_clear (SvBalloonStats *self);
/* Takes a buffer of the statistics queue. */
void sv_balloon_stats_read (SvBalloonStats *self, SvVirtqElement *element);
/* As property guest-stats has it. (transfer full) */
JsonNode *sv_balloon_stats_to_json (const SvBalloonStats *self);

G_END_DECLS
