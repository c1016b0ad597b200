/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The queues of a virtio device while it is started: kicks come in, or the queue is paused and nothing is in flight. */

#include "hw/virtio/sv-virtio-device-private.h"

#include "hw/core/sv-machine.h"
#include "src/runtime/sv-iothread.h"

#define PRIV(self) (sv_virtio_device_priv (self))

typedef struct
{
  SvVirtioDevice *device;
  guint n;
} QueueCall;

static void
attach_here (gpointer data)
{
  QueueCall *call = data;
  SvVirtioQueue *queue = &PRIV (call->device)->queues[call->n];

  queue->kicks = sv_virtio_kicks_new (call->device, call->n, queue->kick_fd, queue->context, queue->by_ring);
}

static void
attach_kicks (SvVirtioDevice *self, guint n)
{
  SvVirtioQueue *queue = &PRIV (self)->queues[n];
  QueueCall call = { self, n };

  if (!sv_virtqueue_is_running (queue->ring) || queue->kicks != NULL)
    return;

  if (queue->call_fd >= 0)
    SV_VIRTIO_DEVICE_GET_CLASS (self)->resume_queue (self, n);
  else if (queue->context == NULL)
    attach_here (&call);
  else
    sv_context_run_sync (queue->context, attach_here, &call);
  /* Buffers may be there from before: the driver's kick for them is gone or was never sent. */
  sv_virtio_device_kick (self, n);
}

static void
pause_here (gpointer data)
{
  QueueCall *call = data;
  SvVirtioDeviceClass *klass = SV_VIRTIO_DEVICE_GET_CLASS (call->device);
  SvVirtioQueue *queue = &PRIV (call->device)->queues[call->n];

  SvVirtioKicks *kicks = g_steal_pointer (&queue->kicks);

  if (kicks != NULL)
    sv_virtio_kicks_stop (kicks);
  if (klass->drain_queue != NULL)
    klass->drain_queue (call->device, call->n);
  if (kicks != NULL)
    sv_virtio_kicks_free (kicks);
}

/*
 * A queue of the default context is paused right here: the VM lock keeps the main loop out, and waiting for it would be a
 * deadlock on a vCPU thread.
 */
void
sv_virtio_device_pause_queue (SvVirtioDevice *self, guint n)
{
  SvVirtioQueue *queue = &PRIV (self)->queues[n];
  QueueCall call = { self, n };

  if (!sv_virtqueue_is_running (queue->ring))
    return;
  if (queue->context == NULL)
    pause_here (&call);
  else
    sv_context_run_sync (queue->context, pause_here, &call);
}

typedef struct
{
  SvVirtioDevice *device;
  guint n;
  gboolean settled;
} SettleCall;

static void
settle_here (gpointer data)
{
  SettleCall *call = data;

  call->settled = SV_VIRTIO_DEVICE_GET_CLASS (call->device)->hurry_queue (call->device, call->n);
}

/**
 * sv_virtio_device_settle: (skip)
 * @self: a device
 *
 * Asks whether a reset, or what else waits for requests in flight, would have to wait for the host. If so, the requests are
 * hurried on, and the bus's `settled` tells when to ask again: until then main loop and VM lock are free. New kicks
 * are served meanwhile.
 *
 * Returns: whether nothing is in flight
 */
gboolean
sv_virtio_device_settle (SvVirtioDevice *self)
{
  SvVirtioDevicePrivate *priv = PRIV (self);
  gboolean settled = TRUE;

  if (!priv->started || SV_VIRTIO_DEVICE_GET_CLASS (self)->hurry_queue == NULL)
    return TRUE;
  for (guint i = 0; i < priv->n_queues; i++)
    {
      SettleCall call = { self, i, TRUE };

      if (!sv_virtqueue_is_running (priv->queues[i].ring))
        continue;
      if (priv->queues[i].context == NULL)
        settle_here (&call);
      else
        sv_context_run_sync (priv->queues[i].context, settle_here, &call);
      settled = settled && call.settled;
    }
  return settled;
}

/**
 * sv_virtio_device_settled: (skip)
 * @self: a device
 *
 * A queue that was asked to hurry has nothing in flight. Any thread.
 */
void
sv_virtio_device_settled (SvVirtioDevice *self)
{
  SvVirtioDevicePrivate *priv = PRIV (self);

  if (priv->bus_class->settled != NULL)
    priv->bus_class->settled (priv->bus);
  if (priv->machine != NULL)
    sv_machine_settled (priv->machine);
}

static void
do_nothing (gpointer data)
{
}

/**
 * sv_virtio_device_sync_queues: (skip)
 * @self: a device
 *
 * Returns when nothing goes on any more that a queue's context was in the midst of: what was replaced before the call
 * is used no more. Requests in flight are not waited for. VM lock held.
 */
void
sv_virtio_device_sync_queues (SvVirtioDevice *self)
{
  SvVirtioDevicePrivate *priv = PRIV (self);

  for (guint i = 0; i < priv->n_queues; i++)
    if (priv->queues[i].context != NULL)
      sv_context_run_sync (priv->queues[i].context, do_nothing, NULL);
}

void
sv_virtio_device_pause_queues (SvVirtioDevice *self)
{
  for (guint i = 0; i < PRIV (self)->n_queues; i++)
    sv_virtio_device_pause_queue (self, i);
}

void
sv_virtio_device_resume_queues (SvVirtioDevice *self)
{
  for (guint i = 0; i < PRIV (self)->n_queues; i++)
    attach_kicks (self, i);
}
