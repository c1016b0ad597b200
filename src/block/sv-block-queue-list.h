/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/block/sv-block-queue.h"

G_BEGIN_DECLS

/*
 * The queues of a node, and the counters of those that it had. Queues come and go on any thread, and any thread may sum
 * up their counters.
 */
typedef struct
{
  GMutex lock;
  GPtrArray *queues;
  SvBlockStats past;
} SvBlockQueueList;

void sv_block_queue_list_init (SvBlockQueueList *self);
void sv_block_queue_list_clear (SvBlockQueueList *self);
void sv_block_queue_list_add (SvBlockQueueList *self, SvBlockQueue *queue);
/* Its counters are kept. */
void sv_block_queue_list_remove (SvBlockQueueList *self, SvBlockQueue *queue);
/* Sum over all queues, present and past */
void sv_block_queue_list_get_stats (SvBlockQueueList *self, SvBlockStats *stats);
/* Changes where a queue's timer is; NULL: it has none. In the queue's context. */
void sv_block_queue_list_set_timer (SvBlockQueueList *self, SvBlockQueue *queue, SvTimer *timer);
/* All queues look at once whether what waits for limits may go on. */
void sv_block_queue_list_fire_timers (SvBlockQueueList *self);

G_END_DECLS
