/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a virtqueue saves: the driver's settings and the position in the rings, which are guest memory. */

#include "hw/virtio/sv-virtqueue-private.h"
#include "src/migration/sv-migration-values.h"

/**
 * sv_virtqueue_dup_state: (skip)
 * @self: a queue that is paused or stopped
 *
 * Returns: (transfer floating): %SV_VIRTQUEUE_STATE_TYPE
 */
GVariant *
sv_virtqueue_dup_state (SvVirtqueue *self)
{
  return g_variant_new (SV_VIRTQUEUE_STATE_TYPE, self->layout.size, self->layout.descriptors, self->layout.driver,
                        self->layout.device, self->ready, self->avail_next, self->used_idx,
                        sv_virtqueue_is_broken (self));
}

/**
 * sv_virtqueue_load_state: (skip)
 * @self: a queue that does not run
 * @state: %SV_VIRTQUEUE_STATE_TYPE
 * @error: return location
 *
 * Takes over what another queue had. Addresses are looked up when the queue is used, as always.
 *
 * Returns: %FALSE when no driver can have set it up so
 */
gboolean
sv_virtqueue_load_state (SvVirtqueue *self, GVariant *state, GError **error)
{
  SvVirtqueueLayout layout;
  gboolean ready, broken;
  guint16 avail_next, used_idx;

  sv_virtqueue_reset (self);
  g_variant_get (state, SV_VIRTQUEUE_STATE_TYPE, &layout.size, &layout.descriptors, &layout.driver, &layout.device,
                 &ready, &avail_next, &used_idx, &broken);
  if (!sv_migration_check_range ("size of a queue", layout.size, 0, self->max_size, error))
    return FALSE;
  sv_virtqueue_set_layout (self, &layout);
  if (ready && !sv_virtqueue_set_ready (self, TRUE))
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID,
                   "queue %u of size %u has its rings at 0x%" G_GINT64_MODIFIER "x, 0x%" G_GINT64_MODIFIER
                   "x and 0x%" G_GINT64_MODIFIER "x: it cannot be used like that",
                   self->index, layout.size, layout.descriptors, layout.driver, layout.device);
      return FALSE;
    }
  /* What was taken and not given back yet is no more than the ring has. */
  if (ready
      && !sv_migration_check_range ("buffers of a queue that are in use", (guint16)(avail_next - used_idx), 0,
                                    layout.size, error))
    return FALSE;
  sv_virtqueue_set_position (self, avail_next, used_idx);
  __atomic_store_n (&self->broken, broken, __ATOMIC_RELAXED);
  return TRUE;
}

/**
 * sv_virtqueue_take_again: (skip)
 * @self: a queue that runs
 * @element: an element with storage, not in flight
 * @id: of a buffer that was popped before the queue's state was saved
 *
 * Makes the buffer one in flight again; sv_virtqueue_refetch() reads what it is.
 *
 * Returns: %FALSE when the queue cannot have such a buffer
 */
gboolean
sv_virtqueue_take_again (SvVirtqueue *self, SvVirtqElement *element, guint16 id)
{
  if (!self->running || id >= self->layout.size || self->in_flight == self->layout.size)
    return FALSE;
  *element = (SvVirtqElement){ .iov = element->iov, .max_iov = element->max_iov, .id = id };
  self->in_flight++;
  return TRUE;
}
