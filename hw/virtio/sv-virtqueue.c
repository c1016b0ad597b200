/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtqueue-private.h"

#include <linux/virtio_config.h>

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

void
sv_virtqueue_free (SvVirtqueue *self)
{
  sv_virtqueue_stop (self);
  g_free (self);
}

guint
sv_virtqueue_get_index (SvVirtqueue *self)
{
  return self->index;
}

guint
sv_virtqueue_get_size (SvVirtqueue *self)
{
  return self->layout.size;
}

guint
sv_virtqueue_get_max_size (SvVirtqueue *self)
{
  return self->max_size;
}

guint
sv_virtqueue_get_in_flight (SvVirtqueue *self)
{
  return self->in_flight;
}

gboolean
sv_virtqueue_set_layout (SvVirtqueue *self, const SvVirtqueueLayout *layout)
{
  if (self->ready)
    return FALSE;

  self->layout = *layout;
  return TRUE;
}

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

gboolean
sv_virtqueue_is_ready (SvVirtqueue *self)
{
  return self->ready;
}

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

void
sv_virtqueue_stop (SvVirtqueue *self)
{
  if (!self->running)
    return;

  g_warn_if_fail (self->depth == 0);
  self->running = FALSE;
  g_clear_object (&self->memory);
}

gboolean
sv_virtqueue_is_running (SvVirtqueue *self)
{
  return self->running;
}

gboolean
sv_virtqueue_take_more (SvVirtqueue *self)
{
  gboolean more = self->more;

  self->more = FALSE;
  return more;
}

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

void
sv_virtqueue_get_position (SvVirtqueue *self, guint16 *avail_idx, guint16 *used_idx)
{
  *avail_idx = self->avail_next;
  *used_idx = self->used_idx;
}

void
sv_virtqueue_set_position (SvVirtqueue *self, guint16 avail_idx, guint16 used_idx)
{
  g_return_if_fail (!self->running);

  self->avail_next = avail_idx;
  self->used_idx = used_idx;
}

gboolean
sv_virtqueue_is_broken (SvVirtqueue *self)
{
  return __atomic_load_n (&self->broken, __ATOMIC_RELAXED);
}

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
