/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "hw/virtio/sv-virtqueue.h"

G_BEGIN_DECLS

#define SV_BALLOON_N_STATS 10
#define SV_BALLOON_QUEUE_SIZE 128

/**
 * SvBalloonStats:
 *
 * What a guest last told about its memory (VIRTIO 1.2 §5.5.6.3). The buffer that it came in stays in the ring until news are
 * wanted.
 */
typedef struct
{
  GObject *object;                    /* that tells of news, by a property */
  GParamSpec *property;
  guint64 values[SV_BALLOON_N_STATS]; /* G_MAXUINT64: not told */
  gint64 last_update;                 /* seconds since 1970; 0: never */
  SvVirtqueue *queue;                 /* NULL: there is none, or it is paused */
  gboolean read;                      /* the buffer that waits in the ring was */
  guint timer;
} SvBalloonStats;

void sv_balloon_stats_init (SvBalloonStats *self, GObject *object, GParamSpec *property);
/* The driver told nothing. */
void sv_balloon_stats_clear (SvBalloonStats *self);
/* In a batch of @queue, which is in use from now on */
void sv_balloon_stats_handle (SvBalloonStats *self, SvVirtqueue *queue);
/* It is not, until handled again. */
void sv_balloon_stats_pause (SvBalloonStats *self);
/* Asks for news now, and then each time that so many @seconds passed; 0: never */
void sv_balloon_stats_set_interval (SvBalloonStats *self, gint64 seconds);
/* As property guest-stats has it. (transfer full) */
JsonNode *sv_balloon_stats_to_json (const SvBalloonStats *self);

G_END_DECLS
