/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtqueue-private.h"

#include <linux/virtio_config.h>

/**
 * sv_virtqueue_new:
 * @index: the queue's number in its device
 * @max_size: largest number of descriptors, at most %SV_VIRTQUEUE_MAX_SIZE
 * @funcs: what to call; not copied
 * @opaque: passed to @funcs
 *
 * Returns: (transfer full): a queue that is neither set up nor running
 */
SvVirtqueue *
sv_virtqueue_new (guint index, guint max_size, const SvVirtqueueFuncs *funcs, gpointer opaque)
{
  SvVirtqueue *self;

  g_return_val_if_fail (max_size > 0 && max_size <= SV_VIRTQUEUE_MAX_SIZE, NULL);

  self = g_new0 (SvVirtqueue, 1);
  self->index = index;
  self->max_size = max_size;
  self->funcs = funcs;
  self->opaque = opaque;
  sv_virtqueue_reset (self);

  return self;
}

/**
 * sv_virtqueue_free:
 * @self: (transfer full): a queue that no thread uses
 *
 * Stops and frees the queue.
 */
void
sv_virtqueue_free (SvVirtqueue *self)
{
  sv_virtqueue_stop (self);
  g_free (self);
}

/**
 * sv_virtqueue_get_index:
 * @self: a queue
 *
 * Returns: its number in its device
 */
guint
sv_virtqueue_get_index (SvVirtqueue *self)
{
  return self->index;
}

/**
 * sv_virtqueue_get_size:
 * @self: a queue
 *
 * Returns: how many descriptors the driver gave it; until then the most it may give
 */
guint
sv_virtqueue_get_size (SvVirtqueue *self)
{
  return self->layout.size;
}

/**
 * sv_virtqueue_get_max_size:
 * @self: a queue
 *
 * Returns: the most descriptors that the driver may give it
 */
guint
sv_virtqueue_get_max_size (SvVirtqueue *self)
{
  return self->max_size;
}

/**
 * sv_virtqueue_get_in_flight:
 * @self: a queue
 *
 * In the queue's thread, or while the queue is paused.
 *
 * Returns: how many buffers were popped and not yet pushed
 */
guint
sv_virtqueue_get_in_flight (SvVirtqueue *self)
{
  return self->in_flight;
}

/**
 * sv_virtqueue_set_layout:
 * @self: a queue
 * @layout: what the driver wrote
 *
 * Stores the driver's settings; they are checked by sv_virtqueue_set_ready().
 *
 * Returns: %FALSE, with nothing stored, when the queue is ready
 */
gboolean
sv_virtqueue_set_layout (SvVirtqueue *self, const SvVirtqueueLayout *layout)
{
  if (self->ready)
    return FALSE;

  self->layout = *layout;
  return TRUE;
}

/**
 * sv_virtqueue_get_layout:
 * @self: a queue
 * @layout: (out caller-allocates): its settings
 */
void
sv_virtqueue_get_layout (SvVirtqueue *self, SvVirtqueueLayout *layout)
{
  *layout = self->layout;
}

static gboolean
area_is_sane (guint64 address, guint64 size, guint alignment)
{
  return address % alignment == 0 && address + size > address;
}

/**
 * sv_virtqueue_set_ready:
 * @self: a queue that does not run
 * @ready: what the driver declares
 *
 * Checks size and alignment (VIRTIO 1.2 §2.7). Whether there is memory at the addresses is checked
 * when the queue is used: the guest's memory map may change until then.
 *
 * Returns: %FALSE when the settings cannot be used; the queue is not ready then
 */
gboolean
sv_virtqueue_set_ready (SvVirtqueue *self, gboolean ready)
{
  const SvVirtqueueLayout *layout = &self->layout;
  guint size = layout->size;

  g_return_val_if_fail (!self->running, FALSE);

  self->ready = FALSE;
  if (!ready)
    return TRUE;

  if (size == 0 || size > self->max_size || (size & (size - 1)) != 0
      || !area_is_sane (layout->descriptors, 16u * size, 16)
      || !area_is_sane (layout->driver, 6u + 2u * size, 2)
      || !area_is_sane (layout->device, 6u + 8u * size, 4))
    return FALSE;

  self->ready = TRUE;
  return TRUE;
}

/**
 * sv_virtqueue_is_ready:
 * @self: a queue
 *
 * Returns: whether the driver declared it ready, with settings that can be used
 */
gboolean
sv_virtqueue_is_ready (SvVirtqueue *self)
{
  return self->ready;
}

/**
 * sv_virtqueue_start:
 * @self: a queue that is ready
 * @memory: what the addresses in the rings mean; referenced until the queue stops
 * @features: negotiated feature bits; those of the ring count
 *
 * From now on batches can be opened, from one thread at a time. Goes on at the queue's position.
 */
void
sv_virtqueue_start (SvVirtqueue *self, SvAddressSpace *memory, guint64 features)
{
  g_return_if_fail (self->ready && !self->running);

  self->memory = g_object_ref (memory);
  self->event_idx = (features & (G_GUINT64_CONSTANT (1) << VIRTIO_RING_F_EVENT_IDX)) != 0;
  self->indirect = (features & (G_GUINT64_CONSTANT (1) << VIRTIO_RING_F_INDIRECT_DESC)) != 0;
  self->avail_seen = self->avail_next;
  self->in_flight = 0;
  self->kicks_on = FALSE;
  self->notify_known = FALSE;
  self->more = FALSE;
  self->running = TRUE;
}

/**
 * sv_virtqueue_stop:
 * @self: a queue in which no batch is open
 *
 * The reverse of sv_virtqueue_start(). Settings and position stay.
 */
void
sv_virtqueue_stop (SvVirtqueue *self)
{
  if (!self->running)
    return;

  g_warn_if_fail (self->depth == 0);
  self->running = FALSE;
  g_clear_object (&self->memory);
}

/**
 * sv_virtqueue_is_running:
 * @self: a queue
 *
 * Returns: whether it was started
 */
gboolean
sv_virtqueue_is_running (SvVirtqueue *self)
{
  return self->running;
}

/**
 * sv_virtqueue_take_more:
 * @self: a queue
 *
 * Asks whether a batch ended at its limit with buffers left, and clears that.
 *
 * Returns: whether the queue should be looked at again soon
 */
gboolean
sv_virtqueue_take_more (SvVirtqueue *self)
{
  gboolean more = self->more;

  self->more = FALSE;
  return more;
}

/**
 * sv_virtqueue_reset:
 * @self: a queue in which no batch is open
 *
 * Stops the queue and forgets settings, position and whether it was broken.
 */
void
sv_virtqueue_reset (SvVirtqueue *self)
{
  sv_virtqueue_stop (self);
  self->ready = FALSE;
  self->layout = (SvVirtqueueLayout){ .size = self->max_size };
  self->avail_next = self->avail_seen = self->used_idx = 0;
  self->in_flight = 0;
  __atomic_store_n (&self->broken, FALSE, __ATOMIC_RELAXED);
}

/**
 * sv_virtqueue_get_position:
 * @self: a queue that is paused or stopped
 * @avail_idx: (out): index of the next available buffer to take
 * @used_idx: (out): index of the next used buffer to publish
 *
 * What migration needs beside the settings. Indices run from 0 to 65535 and wrap.
 */
void
sv_virtqueue_get_position (SvVirtqueue *self, guint16 *avail_idx, guint16 *used_idx)
{
  *avail_idx = self->avail_next;
  *used_idx = self->used_idx;
}

/**
 * sv_virtqueue_set_position:
 * @self: a queue that does not run
 * @avail_idx: index of the next available buffer to take
 * @used_idx: index of the next used buffer to publish
 *
 * Goes on where another queue stopped.
 */
void
sv_virtqueue_set_position (SvVirtqueue *self, guint16 avail_idx, guint16 used_idx)
{
  g_return_if_fail (!self->running);

  self->avail_next = avail_idx;
  self->used_idx = used_idx;
}

/**
 * sv_virtqueue_is_broken:
 * @self: a queue
 *
 * Any thread.
 *
 * Returns: whether the driver broke the rules since the last reset
 */
gboolean
sv_virtqueue_is_broken (SvVirtqueue *self)
{
  return __atomic_load_n (&self->broken, __ATOMIC_RELAXED);
}

/**
 * sv_virtqueue_break:
 * @self: a queue
 * @format: printf format of what is wrong
 * @...: its arguments
 *
 * Marks the queue broken and reports that, the first time. In the queue's thread.
 */
void
sv_virtqueue_break (SvVirtqueue *self, const char *format, ...)
{
  g_autofree char *reason = NULL;
  va_list args;

  if (sv_virtqueue_is_broken (self))
    return;

  __atomic_store_n (&self->broken, TRUE, __ATOMIC_RELAXED);
  va_start (args, format);
  reason = g_strdup_vprintf (format, args);
  va_end (args);
  if (self->funcs->broken != NULL)
    self->funcs->broken (self->opaque, self->index, reason);
}

/**
 * sv_virtqueue_begin:
 * @self: a queue
 *
 * Opens a batch: pins the view of guest memory and maps the rings in it. Batches nest. Neither
 * this nor what follows takes a lock or allocates memory.
 *
 * Returns: %FALSE when the queue does not run or is broken; the batch is not to be ended then
 */
gboolean
sv_virtqueue_begin (SvVirtqueue *self)
{
  if (G_UNLIKELY (!self->running || self->broken))
    return FALSE;

  if (self->depth == 0)
    {
      self->view = sv_address_space_enter (self->memory);
      if (G_UNLIKELY (!sv_virtqueue_split_map (self)))
        {
          sv_address_space_leave (self->memory);
          sv_virtqueue_break (self, "the rings are not in RAM");
          return FALSE;
        }
      self->n_popped = 0;
      self->n_pushed = 0;
    }
  self->depth++;

  return TRUE;
}

/**
 * sv_virtqueue_end:
 * @self: a queue with an open batch
 *
 * Ends a batch. The end of the outermost one publishes all that was pushed (VIRTIO 1.2 §2.7.8) and
 * interrupts the driver unless it asked for that not to be done (§2.7.7).
 */
void
sv_virtqueue_end (SvVirtqueue *self)
{
  gboolean notify = FALSE;

  g_return_if_fail (self->depth > 0);

  if (--self->depth > 0)
    return;

  if (self->n_pushed > 0)
    notify = sv_virtqueue_split_publish (self);
  sv_address_space_leave (self->memory);

  if (notify)
    self->funcs->notify (self->opaque, self->index);
}
