/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-handover.h"

#include <linux/virtio_config.h>

#include "hw/virtio/sv-virtio-device-private.h"

typedef struct
{
  SvVirtqueueLayout layout;
  gboolean ready;
  guint16 avail_idx;
  guint16 used_idx;
} SavedQueue;

struct _SvVirtioHandover
{
  SvVirtioBus *bus;
  guint64 driver_features;
  guint64 negotiated;
  guint32 generation;
  guint8 status;
  gboolean quiescent;
  SavedQueue *queues;
  guint n_queues;
  gpointer config;
};

static void
save_queue (SavedQueue *saved, SvVirtqueue *ring)
{
  sv_virtqueue_get_layout (ring, &saved->layout);
  saved->ready = sv_virtqueue_is_ready (ring);
  sv_virtqueue_get_position (ring, &saved->avail_idx, &saved->used_idx);
}

static void
restore_queue (const SavedQueue *saved, SvVirtqueue *ring)
{
  sv_virtqueue_set_layout (ring, &saved->layout);
  if (saved->ready && sv_virtqueue_set_ready (ring, TRUE))
    sv_virtqueue_set_position (ring, saved->avail_idx, saved->used_idx);
}

static void
release (SvVirtioHandover *self)
{
  SvVirtioBusClass *bus_class = SV_VIRTIO_BUS_GET_CLASS (self->bus);

  if (bus_class->hold != NULL)
    bus_class->hold (self->bus, FALSE);
  g_object_unref (self->bus);
  g_free (self->config);
  g_free (self->queues);
  g_free (self);
}

/**
 * sv_virtio_handover_begin: (skip)
 * @from: a realized device
 *
 * Stops @from and keeps what its driver set up.
 *
 * Returns: (transfer full): to be finished or abandoned
 */
SvVirtioHandover *
sv_virtio_handover_begin (SvVirtioDevice *from)
{
  SvVirtioDevicePrivate *priv = sv_virtio_device_priv (from);
  SvVirtioHandover *self = g_new0 (SvVirtioHandover, 1);

  self->bus = g_object_ref (priv->bus);
  self->quiescent = priv->quiescent;
  /* Stopping forgets what the driver changed in it. */
  self->config = g_memdup2 (priv->config, MAX (sv_virtio_device_get_config_size (from), 1));
  /* Only then nobody but us writes to the registers. */
  sv_virtio_device_stop (from);
  if (priv->bus_class->hold != NULL)
    priv->bus_class->hold (priv->bus, TRUE);
  self->driver_features = priv->driver_features;
  self->negotiated = priv->negotiated;
  self->generation = priv->generation;
  self->status = sv_virtio_device_get_status (from);
  self->n_queues = priv->n_queues;
  self->queues = g_new0 (SavedQueue, priv->n_queues);
  for (guint i = 0; i < priv->n_queues; i++)
    save_queue (&self->queues[i], priv->queues[i].ring);
  return self;
}

/* Each queue that the driver uses must be there, in its size. */
static gboolean
check_successor (SvVirtioHandover *self, SvVirtioDevice *to, GError **error)
{
  SvVirtioDeviceClass *klass = SV_VIRTIO_DEVICE_GET_CLASS (to);
  SvVirtioDevicePrivate *priv = sv_virtio_device_priv (to);

  for (guint i = 0; i < self->n_queues; i++)
    {
      const SavedQueue *saved = &self->queues[i];

      if (!saved->ready
          || (i < priv->n_queues
              && saved->layout.size <= sv_virtqueue_get_max_size (priv->queues[i].ring)))
        continue;
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s': the guest's driver of this slot uses queue %u with %u descriptors, which the "
                   "device does not have",
                   sv_virtio_device_get_name (to), i, saved->layout.size);
      return FALSE;
    }
  return klass->check_handover == NULL
         || klass->check_handover (to, self->negotiated, self->n_queues, error);
}

/**
 * sv_virtio_handover_finish: (skip)
 * @self: what was begun
 * @to: the successor, without a driver so far
 * @error: return location
 *
 * Gives @to the driver and frees @self.
 *
 * Returns: %FALSE, with @self as it was, when @to cannot work with the driver
 */
gboolean
sv_virtio_handover_finish (SvVirtioHandover *self, SvVirtioDevice *to, GError **error)
{
  SvVirtioDeviceClass *klass = SV_VIRTIO_DEVICE_GET_CLASS (to);
  SvVirtioDevicePrivate *priv = sv_virtio_device_priv (to);
  gboolean driver_ok = (self->status & VIRTIO_CONFIG_S_DRIVER_OK) != 0;

  if (!check_successor (self, to, error))
    return FALSE;
  priv->driver_features = self->driver_features;
  priv->negotiated = self->negotiated;
  priv->inherited = TRUE;
  priv->generation = self->generation;
  priv->quiescent = self->quiescent;
  for (guint i = 0; i < MIN (self->n_queues, priv->n_queues); i++)
    restore_queue (&self->queues[i], priv->queues[i].ring);
  __atomic_store_n (&priv->status, self->status, __ATOMIC_SEQ_CST);

  if (klass->handed_over != NULL)
    klass->handed_over (to, self->config);
  release (self);
  if (driver_ok)
    sv_virtio_device_start (to);
  sv_virtio_device_config_changed (to);
  return TRUE;
}

/**
 * sv_virtio_handover_abandon: (skip)
 * @self: (transfer full): what was begun
 *
 * Ends a handover that nobody takes.
 */
void
sv_virtio_handover_abandon (SvVirtioHandover *self)
{
  release (self);
}
