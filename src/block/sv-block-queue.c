/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/block/sv-block-queue.h"

#include <errno.h>

#include "src/block/sv-block-node.h"

/* One thread writes a counter, any thread reads it: plain loads and stores that cannot tear. */
#define COUNTER_ADD(counter, n)                                                                    \
  __atomic_store_n (&(counter), __atomic_load_n (&(counter), __ATOMIC_RELAXED) + (n),              \
                    __ATOMIC_RELAXED)

/**
 * sv_block_queue_init:
 * @queue: zeroed memory, first member of the implementation's struct
 * @ops: the implementation
 * @node: the node that the queue belongs to
 * @context: (nullable): where completions run; %NULL for the default context
 * @depth: how many requests the user means to have in flight
 *
 * Fills in the part of a queue that all nodes share.
 */
void
sv_block_queue_init (SvBlockQueue *queue,
                     const SvBlockQueueOps *ops,
                     SvBlockNode *node,
                     GMainContext *context,
                     guint depth)
{
  queue->ops = ops;
  queue->node = g_object_ref (node);
  queue->context = context ? g_main_context_ref (context) : NULL;
  queue->depth = depth;
  queue->ready_tail = &queue->ready;
  queue->waiting_tail = &queue->waiting;
  sv_block_node_add_queue (node, queue);
}

/* --- limits --- */

static SvBlockRequest *
pop_waiting (SvBlockQueue *queue)
{
  SvBlockRequest *request = queue->waiting;

  queue->waiting = request->next;
  if (queue->waiting == NULL)
    queue->waiting_tail = &queue->waiting;
  request->next = NULL;
  return request;
}

/* Hands over what may go by now, and sees to the rest later. */
static void
release_waiting (SvBlockQueue *queue)
{
  SvBlockThrottle *throttle = sv_block_node_get_throttle (queue->node);
  gint64 now = sv_clock_get_ns ();
  gint64 wait = 0;

  while (queue->waiting)
    {
      wait = sv_block_throttle_take (throttle, queue->waiting->op, queue->waiting->length, now);
      if (wait > 0)
        break;
      queue->ops->submit (queue, pop_waiting (queue));
    }
  sv_timer_set (queue->timer, queue->waiting ? now + wait : -1);
}

/* Those who drain cannot wait: who comes after them waits the longer. */
static void
release_all (SvBlockQueue *queue)
{
  SvBlockThrottle *throttle = sv_block_node_get_throttle (queue->node);
  gint64 now = sv_clock_get_ns ();

  while (queue->waiting)
    {
      sv_block_throttle_charge (throttle, queue->waiting->op, queue->waiting->length, now);
      queue->ops->submit (queue, pop_waiting (queue));
    }
}

static void
on_timer (gpointer opaque)
{
  SvBlockQueue *queue = opaque;

  release_waiting (queue);
  sv_block_queue_kick (queue);
}

static void
add_timer (SvBlockQueue *queue)
{
  sv_block_node_set_timer (queue->node, queue,
                           sv_timer_new ("disk limits", queue->context, on_timer, queue));
}

static void
remove_timer (SvBlockQueue *queue)
{
  SvTimer *timer = queue->timer;

  if (!timer)
    return;
  sv_block_node_set_timer (queue->node, queue, NULL);
  sv_timer_free (timer);
}

/* TRUE: the request waits. */
static gboolean
must_wait (SvBlockQueue *queue, SvBlockRequest *request)
{
  SvBlockThrottle *throttle = sv_block_node_get_throttle (queue->node);
  gint64 wait = 0;

  /* Flushes cost nothing and are about what was completed before. */
  if ((!queue->waiting && !sv_block_throttle_is_active (throttle)) || request->op == SV_BLOCK_FLUSH)
    return FALSE;
  if (!queue->waiting)
    wait = sv_block_throttle_take (throttle, request->op, request->length, request->started);
  if (!queue->waiting && wait == 0)
    return FALSE;

  if (!queue->timer)
    add_timer (queue);
  if (!queue->waiting)
    sv_timer_set (queue->timer, request->started + wait);
  *queue->waiting_tail = request;
  queue->waiting_tail = &request->next;
  return TRUE;
}

/**
 * sv_block_queue_clear:
 * @queue: a queue with nothing in flight
 *
 * The reverse of sv_block_queue_init(); the node keeps the queue's counters.
 */
void
sv_block_queue_clear (SvBlockQueue *queue)
{
  remove_timer (queue);
  sv_block_node_remove_queue (queue->node, queue);
  g_clear_pointer (&queue->context, g_main_context_unref);
  g_clear_object (&queue->node);
}

/**
 * sv_block_queue_free:
 * @queue: (transfer full): a queue
 *
 * Waits for the requests in flight and frees the queue. Call it in the queue's context, or when
 * that context no longer runs.
 */
void
sv_block_queue_free (SvBlockQueue *queue)
{
  sv_block_queue_drain (queue);
  queue->ops->free (queue);
}

/**
 * sv_block_queue_submit:
 * @queue: a queue
 * @request: a request that stays untouched until its done callback
 *
 * Prepares a request; sv_block_queue_kick() starts it.
 */
void
sv_block_queue_submit (SvBlockQueue *queue, SvBlockRequest *request)
{
  guint64 size = sv_block_node_get_size (queue->node);

  COUNTER_ADD (queue->in_flight, 1);
  request->started = sv_clock_get_ns ();
  request->next = NULL;

  if (request->op != SV_BLOCK_FLUSH
      && (request->offset > size || request->length > size - request->offset))
    sv_block_queue_complete_later (queue, request, -EINVAL);
  else if ((request->op == SV_BLOCK_WRITE || request->op == SV_BLOCK_DISCARD
            || request->op == SV_BLOCK_WRITE_ZEROES)
           && sv_block_node_is_read_only (queue->node))
    sv_block_queue_complete_later (queue, request, -EROFS);
  else if (request->op != SV_BLOCK_FLUSH && request->length == 0)
    sv_block_queue_complete_later (queue, request, 0);
  else if (!must_wait (queue, request))
    queue->ops->submit (queue, request);
}

/**
 * sv_block_queue_kick:
 * @queue: a queue
 *
 * Starts what was submitted. Requests that need no waiting are completed before it returns.
 */
void
sv_block_queue_kick (SvBlockQueue *queue)
{
  /* A done callback that submits and kicks: the running batch starts it at its end. */
  if (queue->nesting > 0)
    return;

  sv_block_queue_begin_batch (queue);
  queue->ops->kick (queue);
  sv_block_queue_end_batch (queue);
}

/**
 * sv_block_queue_get_in_flight:
 * @queue: a queue
 *
 * Returns: number of requests that were submitted and are not done; any thread may ask
 */
guint
sv_block_queue_get_in_flight (SvBlockQueue *queue)
{
  return __atomic_load_n (&queue->in_flight, __ATOMIC_RELAXED);
}

/**
 * sv_block_queue_hurry:
 * @queue: a queue
 *
 * Starts what was submitted, limits notwithstanding, and does not wait. Call it in the queue's context.
 *
 * Returns: whether nothing is in flight
 */
gboolean
sv_block_queue_hurry (SvBlockQueue *queue)
{
  release_all (queue);
  sv_block_queue_kick (queue);
  return queue->in_flight == 0;
}

/**
 * sv_block_queue_drain:
 * @queue: a queue
 *
 * Starts what was submitted, limits notwithstanding, and waits until nothing is in flight. Call it in the queue's context.
 */
void
sv_block_queue_drain (SvBlockQueue *queue)
{
  release_all (queue);
  sv_block_queue_kick (queue);
  while (queue->in_flight > 0)
    {
      /* What the done callbacks submitted may wait as well. */
      release_all (queue);
      sv_block_queue_begin_batch (queue);
      queue->ops->wait (queue);
      sv_block_queue_end_batch (queue);
    }
}

/**
 * sv_block_queue_set_batch_func:
 * @queue: a queue
 * @func: (nullable): runs after each batch of done callbacks, in the queue's context
 * @data: its argument
 *
 * Lets a device send one interrupt for several requests.
 */
void
sv_block_queue_set_batch_func (SvBlockQueue *queue, void (*func) (gpointer data), gpointer data)
{
  queue->batch_func = func;
  queue->batch_data = data;
}

/**
 * sv_block_queue_complete_later:
 * @queue: a queue
 * @request: a submitted request
 * @result: 0 or a negative errno
 *
 * Completes a request that needs no work, outside of sv_block_queue_submit().
 */
void
sv_block_queue_complete_later (SvBlockQueue *queue, SvBlockRequest *request, int result)
{
  request->result = result;
  request->next = NULL;
  *queue->ready_tail = request;
  queue->ready_tail = &request->next;
}

/**
 * sv_block_queue_complete:
 * @queue: a queue, within a batch
 * @request: a submitted request
 * @result: 0 or a negative errno
 *
 * Counts the request and tells its owner, who may free or reuse it.
 */
void
sv_block_queue_complete (SvBlockQueue *queue, SvBlockRequest *request, int result)
{
  SvBlockStats *stats = &queue->stats;

  COUNTER_ADD (stats->time_ns[request->op], (guint64)(sv_clock_get_ns () - request->started));
  if (result < 0)
    {
      COUNTER_ADD (stats->failed[request->op], 1);
    }
  else
    {
      COUNTER_ADD (stats->ops[request->op], 1);
      COUNTER_ADD (stats->bytes[request->op], request->op == SV_BLOCK_FLUSH ? 0 : request->length);
    }
  COUNTER_ADD (queue->in_flight, -1);
  queue->completed++;
  request->done (request, result);
}

/**
 * sv_block_queue_begin_batch:
 * @queue: a queue
 *
 * Starts a run of completions.
 */
void
sv_block_queue_begin_batch (SvBlockQueue *queue)
{
  queue->nesting++;
}

/**
 * sv_block_queue_end_batch:
 * @queue: a queue
 *
 * Ends a run of completions: starts what the done callbacks submitted, and tells the batch
 * function.
 */
void
sv_block_queue_end_batch (SvBlockQueue *queue)
{
  if (queue->nesting > 1)
    {
      queue->nesting--;
      return;
    }
  do
    {
      SvBlockRequest *ready = queue->ready;

      queue->ready = NULL;
      queue->ready_tail = &queue->ready;
      while (ready)
        {
          SvBlockRequest *next = ready->next;

          sv_block_queue_complete (queue, ready, ready->result);
          ready = next;
        }
      if (queue->completed > 0)
        {
          queue->completed = 0;
          if (queue->batch_func)
            queue->batch_func (queue->batch_data);
          /* What the callbacks submitted. */
          queue->ops->kick (queue);
        }
    }
  while (queue->completed > 0 || queue->ready);
  queue->nesting--;
}

/**
 * sv_block_queue_read_stats:
 * @queue: a queue
 * @stats: counters that the queue's are added to
 *
 * Any thread may read; no lock is taken.
 */
void
sv_block_queue_read_stats (SvBlockQueue *queue, SvBlockStats *stats)
{
  for (guint op = 0; op < SV_BLOCK_N_OPS; op++)
    {
      stats->ops[op] += __atomic_load_n (&queue->stats.ops[op], __ATOMIC_RELAXED);
      stats->bytes[op] += __atomic_load_n (&queue->stats.bytes[op], __ATOMIC_RELAXED);
      stats->failed[op] += __atomic_load_n (&queue->stats.failed[op], __ATOMIC_RELAXED);
      stats->time_ns[op] += __atomic_load_n (&queue->stats.time_ns[op], __ATOMIC_RELAXED);
    }
}
