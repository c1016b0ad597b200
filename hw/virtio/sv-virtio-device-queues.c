/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The queues of a virtio device: where they run, how they start and stop. */

#include "hw/virtio/sv-virtio-device-private.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/runtime/sv-log.h"

#define PRIV(self) (sv_virtio_device_priv (self))

/* --- start and stop --- */

static void
close_queues (SvVirtioDevice *self)
{
  SvVirtioDevicePrivate *priv = PRIV (self);

  for (guint i = 0; i < priv->n_queues; i++)
    {
      SvVirtioQueue *queue = &priv->queues[i];

      sv_virtqueue_stop (queue->ring);
      if (queue->kick_fd >= 0)
        close (queue->kick_fd);
      queue->kick_fd = -1;
      queue->call_fd = -1;
    }
}

static gboolean
open_queues (SvVirtioDevice *self, GError **error)
{
  SvVirtioDevicePrivate *priv = PRIV (self);
  SvAddressSpace *memory = sv_virtio_bus_get_memory (priv->bus);

  for (guint i = 0; i < priv->n_queues; i++)
    {
      SvVirtioQueue *queue = &priv->queues[i];

      if (!sv_virtqueue_is_ready (queue->ring))
        continue;

      queue->kick_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
      if (queue->kick_fd < 0)
        {
          int code = errno;

          g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                       "cannot make an eventfd for queue %u: %s", i, g_strerror (code));
          close_queues (self);
          return FALSE;
        }
      sv_virtqueue_start (queue->ring, memory, priv->negotiated);
    }

  return TRUE;
}

gboolean
sv_virtio_device_try_start (SvVirtioDevice *self, GError **error)
{
  SvVirtioDeviceClass *klass = SV_VIRTIO_DEVICE_GET_CLASS (self);
  SvVirtioDevicePrivate *priv = PRIV (self);

  if (!open_queues (self, error))
    return FALSE;

  if (klass->start != NULL && !klass->start (self, error))
    {
      close_queues (self);
      return FALSE;
    }

  if (!priv->bus_class->connect (priv->bus, error))
    {
      if (klass->stop != NULL)
        klass->stop (self);
      close_queues (self);
      return FALSE;
    }

  priv->started = TRUE;
  if (!priv->quiescent)
    sv_virtio_device_resume_queues (self);
  return TRUE;
}

void
sv_virtio_device_start (SvVirtioDevice *self)
{
  g_autoptr (GError) error = NULL;

  if (sv_virtio_device_try_start (self, &error))
    return;
  /* A driver can try for ever, with rings that no host takes. */
  sv_log_guest ("%s: cannot start: %s", sv_virtio_device_get_name (self), error->message);
  sv_virtio_device_set_broken (self, "it did not start");
}

void
sv_virtio_device_stop (SvVirtioDevice *self)
{
  SvVirtioDeviceClass *klass = SV_VIRTIO_DEVICE_GET_CLASS (self);
  SvVirtioDevicePrivate *priv = PRIV (self);

  if (!priv->started)
    return;

  sv_virtio_device_pause_queues (self);
  priv->started = FALSE;
  priv->bus_class->disconnect (priv->bus);
  if (klass->stop != NULL)
    klass->stop (self);
  close_queues (self);
}

static void
queue_notify (gpointer opaque, guint index)
{
  SvVirtioDevicePrivate *priv = PRIV (opaque);

  priv->bus_class->notify_queue (priv->bus, index);
}

static void
queue_broken (gpointer opaque, guint index, const char *reason)
{
  sv_virtio_device_set_broken (opaque, "queue %u: %s", index, reason);
}

static const SvVirtqueueFuncs queue_funcs = { queue_notify, queue_broken };

/**
 * sv_virtio_device_add_queue:
 * @self: a device in its setup, or one that no driver has begun to start
 * @max_size: most descriptors, at most %SV_VIRTQUEUE_MAX_SIZE
 *
 * Returns: the new queue's number
 */
guint
sv_virtio_device_add_queue (SvVirtioDevice *self, guint max_size)
{
  SvVirtioDevicePrivate *priv = PRIV (self);
  guint n = priv->n_queues++;

  priv->queues = g_renew (SvVirtioQueue, priv->queues, priv->n_queues);
  priv->queues[n] = (SvVirtioQueue){
    .ring = sv_virtqueue_new (n, max_size, &queue_funcs, self),
    .kick_fd = -1,
    .call_fd = -1,
  };

  return n;
}

/**
 * sv_virtio_device_set_queue_context:
 * @self: a device in its setup or start
 * @n: number of a queue
 * @context: (nullable): where its kicks are handled, %NULL for the default context
 *
 * Decides on the thread that a queue belongs to.
 */
void
sv_virtio_device_set_queue_context (SvVirtioDevice *self, guint n, GMainContext *context)
{
  SvVirtioQueue *queue = &PRIV (self)->queues[n];

  g_return_if_fail (n < PRIV (self)->n_queues && queue->kicks == NULL);

  if (context == g_main_context_default ())
    context = NULL;
  if (context != NULL)
    g_main_context_ref (context);
  g_clear_pointer (&queue->context, g_main_context_unref);
  queue->context = context;
}

/**
 * sv_virtio_device_set_queue_by_ring:
 * @self: a device in its setup or start
 * @n: number of a queue
 * @by_ring: whether its kicks may be handled while the context polls
 *
 * Says that what handle_queue does with the queue adds no sources to the context, or wakes it up when it does: the
 * kicks need no turn of the main loop then, see [struct@IoRing]. Off by default.
 */
void
sv_virtio_device_set_queue_by_ring (SvVirtioDevice *self, guint n, gboolean by_ring)
{
  g_return_if_fail (n < PRIV (self)->n_queues && PRIV (self)->queues[n].kicks == NULL);

  PRIV (self)->queues[n].by_ring = by_ring;
}

/**
 * sv_virtio_device_set_queue_external:
 * @self: a device that starts
 * @n: number of a queue
 * @call_fd: an eventfd, good until the device stops
 *
 * Says that the kernel works on the queue: kicks are not handled here.
 */
void
sv_virtio_device_set_queue_external (SvVirtioDevice *self, guint n, int call_fd)
{
  g_return_if_fail (n < PRIV (self)->n_queues);

  PRIV (self)->queues[n].call_fd = call_fd;
}

/**
 * sv_virtio_device_get_call_fd:
 * @self: a device
 * @n: number of a queue
 *
 * Returns: the eventfd by which the kernel interrupts for the queue; -1 when it does not
 */
int
sv_virtio_device_get_call_fd (SvVirtioDevice *self, guint n)
{
  return n < PRIV (self)->n_queues ? PRIV (self)->queues[n].call_fd : -1;
}

/**
 * sv_virtio_device_get_queue_context:
 * @self: a device
 * @n: number of a queue
 *
 * Returns: (transfer none) (nullable): where it runs, %NULL for the default context
 */
GMainContext *
sv_virtio_device_get_queue_context (SvVirtioDevice *self, guint n)
{
  return PRIV (self)->queues[n].context;
}

/**
 * sv_virtio_device_get_n_queues:
 * @self: a device
 *
 * Returns: how many queues were added
 */
guint
sv_virtio_device_get_n_queues (SvVirtioDevice *self)
{
  return PRIV (self)->n_queues;
}

/**
 * sv_virtio_device_get_max_queues:
 * @self: a device that is set up
 *
 * Returns: how many queues it has once everything is plugged in
 */
guint
sv_virtio_device_get_max_queues (SvVirtioDevice *self)
{
  SvVirtioDeviceClass *klass = SV_VIRTIO_DEVICE_GET_CLASS (self);

  return klass->get_max_queues != NULL ? klass->get_max_queues (self) : PRIV (self)->n_queues;
}

/**
 * sv_virtio_device_get_queue:
 * @self: a device
 * @n: number of a queue
 *
 * Returns: (transfer none) (nullable): the queue, %NULL when there are not so many
 */
SvVirtqueue *
sv_virtio_device_get_queue (SvVirtioDevice *self, guint n)
{
  return n < PRIV (self)->n_queues ? PRIV (self)->queues[n].ring : NULL;
}

/**
 * sv_virtio_device_kick:
 * @self: a device
 * @n: number of a queue
 *
 * Makes the queue be handled soon, in its context. Any thread.
 */
void
sv_virtio_device_kick (SvVirtioDevice *self, guint n)
{
  guint64 one = 1;

  /* Fails only when the counter is full, and then a kick is pending anyhow. */
  if (write (PRIV (self)->queues[n].kick_fd, &one, sizeof one) < 0)
    return;
}

/**
 * sv_virtio_device_set_queue_ready:
 * @self: a device
 * @n: number of a queue
 * @ready: what the driver declares
 *
 * VIRTIO 1.2 §4.2.2.2: a driver that takes a queue back reads the register until it is 0, and may
 * then free the memory; so this waits for what is in flight. Queues are set up before DRIVER_OK (§3.1.1).
 *
 * Returns: %FALSE when this was refused
 */
gboolean
sv_virtio_device_set_queue_ready (SvVirtioDevice *self, guint n, gboolean ready)
{
  SvVirtioDevicePrivate *priv = PRIV (self);
  SvVirtqueue *ring = sv_virtio_device_get_queue (self, n);

  if (ring == NULL || (ready && priv->started))
    return FALSE;

  sv_virtio_device_pause_queue (self, n);
  sv_virtqueue_stop (ring);
  return sv_virtqueue_set_ready (ring, ready);
}

/**
 * sv_virtio_device_get_kick_fd:
 * @self: a device
 * @n: number of a queue
 *
 * Returns: the eventfd that its kicks are written to, -1 while it does not run
 */
int
sv_virtio_device_get_kick_fd (SvVirtioDevice *self, guint n)
{
  return n < PRIV (self)->n_queues ? PRIV (self)->queues[n].kick_fd : -1;
}
