/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/block/sv-block-queue-list.h"

void
sv_block_queue_list_init (SvBlockQueueList *self)
{
  g_mutex_init (&self->lock);
  self->queues = g_ptr_array_new ();
}

void
sv_block_queue_list_clear (SvBlockQueueList *self)
{
  g_ptr_array_unref (self->queues);
  g_mutex_clear (&self->lock);
}

void
sv_block_queue_list_add (SvBlockQueueList *self, SvBlockQueue *queue)
{
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->queues, queue);
  g_mutex_unlock (&self->lock);
}

void
sv_block_queue_list_remove (SvBlockQueueList *self, SvBlockQueue *queue)
{
  g_mutex_lock (&self->lock);
  sv_block_queue_read_stats (queue, &self->past);
  g_ptr_array_remove_fast (self->queues, queue);
  g_mutex_unlock (&self->lock);
}

void
sv_block_queue_list_get_stats (SvBlockQueueList *self, SvBlockStats *stats)
{
  g_mutex_lock (&self->lock);
  *stats = self->past;
  for (guint i = 0; i < self->queues->len; i++)
    sv_block_queue_read_stats (g_ptr_array_index (self->queues, i), stats);
  g_mutex_unlock (&self->lock);
}

void
sv_block_queue_list_set_timer (SvBlockQueueList *self, SvBlockQueue *queue, SvTimer *timer)
{
  g_mutex_lock (&self->lock);
  queue->timer = timer;
  g_mutex_unlock (&self->lock);
}

void
sv_block_queue_list_fire_timers (SvBlockQueueList *self)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->queues->len; i++)
    {
      SvBlockQueue *queue = g_ptr_array_index (self->queues, i);

      if (queue->timer)
        sv_timer_set (queue->timer, 0);
    }
  g_mutex_unlock (&self->lock);
}
