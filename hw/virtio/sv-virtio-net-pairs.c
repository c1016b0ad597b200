/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pairs of queues of a network card, each in its context. */

#include <linux/virtio_net.h>

#include "hw/virtio/sv-virtio-net-private.h"
#include "src/runtime/sv-iothread.h"
#include "src/runtime/sv-log.h"

GMainContext *
sv_virtio_net_get_context (SvVirtioNet *self)
{
  return self->iothread != NULL && !sv_netdev_is_main_context_only (self->card.netdev)
             ? sv_iothread_get_context (SV_IOTHREAD (self->iothread))
             : NULL;
}

typedef struct
{
  SvVirtioNet *self;
  guint n;
  const SvVirtioNetFilter *filter;
} QueueCall;

/* Where the queues run; for the default context the VM lock keeps it out. */
static void
call_in_context (SvVirtioNet *self, SvContextFunc func, QueueCall *call)
{
  GMainContext *context = sv_virtio_device_get_queue_context (SV_VIRTIO_DEVICE (self), 0);

  if (context != NULL)
    sv_context_run_sync (context, func, call);
  else
    func (call);
}

static void
set_filter_here (gpointer data)
{
  QueueCall *call = data;

  call->self->card.filter = *call->filter;
}

void
sv_virtio_net_set_filter (SvVirtioNet *self, const SvVirtioNetFilter *filter)
{
  call_in_context (self, set_filter_here, &(QueueCall){ self, 0, filter });
}

static void
set_pair_active_here (gpointer data)
{
  QueueCall *call = data;
  SvVirtioNet *self = call->self;

  if (self->queues[call->n] == NULL)
    return;
  if (call->n < self->active_pairs)
    sv_virtio_net_queue_handle_rx (self->queues[call->n]);
  else
    sv_virtio_net_queue_drain_rx (self->queues[call->n]);
}

gboolean
sv_virtio_net_set_active_pairs (SvVirtioNet *self, guint n)
{
  guint before = self->active_pairs;

  __atomic_store_n (&self->active_pairs, n, __ATOMIC_RELAXED);
  for (guint i = 0; i < self->n_pairs; i++)
    {
      gboolean active = i < n;
      g_autoptr (GError) error = NULL;

      if (active == (i < before))
        continue;
      if (!sv_netdev_set_queue_enabled (self->card.netdev, i, active, &error))
        {
          sv_log_guest ("%s: %s", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), error->message);
          sv_virtio_net_set_active_pairs (self, MIN (before, i));
          return FALSE;
        }
      if (self->queues != NULL)
        call_in_context (self, set_pair_active_here, &(QueueCall){ self, i, NULL });
    }
  if (self->vhosts != NULL)
    sv_virtio_net_vhost_update (self);
  return TRUE;
}

static void
free_queue_here (gpointer data)
{
  QueueCall *call = data;

  g_clear_pointer (&call->self->queues[call->n], sv_virtio_net_queue_free);
}

void
sv_virtio_net_free_pairs (SvVirtioNet *self)
{
  for (guint i = 0; i < self->n_pairs; i++)
    if (self->queues[i] != NULL)
      call_in_context (self, free_queue_here, &(QueueCall){ self, i, NULL });
  g_clear_pointer (&self->queues, g_free);
}

gboolean
sv_virtio_net_start_pairs (SvVirtioNet *self, GError **error)
{
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (self);
  guint n_pairs = sv_virtio_device_has_feature (device, VIRTIO_NET_F_MQ) ? self->n_pairs : 1;

  self->queues = g_new0 (SvVirtioNetQueue *, self->n_pairs);
  for (guint i = 0; i < n_pairs; i++)
    {
      SvVirtqueue *rx = sv_virtio_device_get_queue (device, 2 * i);
      SvVirtqueue *tx = sv_virtio_device_get_queue (device, 2 * i + 1);

      if (!sv_virtqueue_is_running (rx) && !sv_virtqueue_is_running (tx))
        continue;
      self->queues[i]
          = sv_virtio_net_queue_new (&self->card, i, rx, tx, sv_virtio_net_get_context (self), &self->counters[i],
                                     error);
      if (self->queues[i] == NULL)
        {
          sv_virtio_net_free_pairs (self);
          return FALSE;
        }
    }
  return TRUE;
}
