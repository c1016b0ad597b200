/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "virtio-echo.h"

#include "src/accel/sv-vcpu.h"

G_DEFINE_FINAL_TYPE (EchoDevice, echo_device, SV_TYPE_VIRTIO_DEVICE)

static gboolean
echo_setup (SvVirtioDevice *device, GError **error)
{
  EchoDevice *self = ECHO_DEVICE (device);
  EchoConfig *config = sv_virtio_device_get_config (device);

  if (self->fail_setup)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no echo here");
      return FALSE;
    }

  self->n_setups++;
  config->capacity = GUINT64_TO_LE (G_GUINT64_CONSTANT (0x1122334455667788));
  config->word = GUINT16_TO_LE (0xabcd);
  config->byte = 0x42;
  for (guint i = 0; i < ECHO_QUEUES; i++)
    {
      g_assert_cmpuint (sv_virtio_device_add_queue (device, ECHO_QUEUE_SIZE), ==, i);
      sv_virtio_device_set_queue_context (device, i, self->context);
      for (guint j = 0; j < ECHO_QUEUE_SIZE; j++)
        {
          self->held[i][j].iov = self->iov[i][j];
          self->held[i][j].max_iov = 4;
        }
    }
  return TRUE;
}

static void
echo_teardown (SvVirtioDevice *device)
{
  ECHO_DEVICE (device)->n_teardowns++;
}

static guint64
echo_get_features (SvVirtioDevice *device)
{
  return ECHO_F_A | ECHO_F_B;
}

static gboolean
echo_check_features (SvVirtioDevice *device, guint64 features)
{
  return (features & (ECHO_F_A | ECHO_F_B)) != (ECHO_F_A | ECHO_F_B);
}

static void
echo_write_config (SvVirtioDevice *device, guint offset, guint64 value, guint size)
{
  EchoDevice *self = ECHO_DEVICE (device);
  EchoConfig *config = sv_virtio_device_get_config (device);

  self->written_offset = offset;
  self->written_value = value;
  self->written_size = size;
  if (offset == G_STRUCT_OFFSET (EchoConfig, byte) && size == 1)
    config->byte = value;
}

static gboolean
echo_start (SvVirtioDevice *device, GError **error)
{
  EchoDevice *self = ECHO_DEVICE (device);

  if (self->fail_start)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no echo today");
      return FALSE;
    }
  self->n_starts++;
  return TRUE;
}

static void
echo_stop (SvVirtioDevice *device)
{
  EchoDevice *self = ECHO_DEVICE (device);

  for (guint i = 0; i < ECHO_QUEUES; i++)
    g_assert_cmpuint (self->n_held[i], ==, 0);
  self->n_stops++;
}

static void
answer (SvVirtqueue *queue, SvVirtqElement *element)
{
  guint32 written = 0;

  for (guint i = 0; i < element->n_out; i++)
    written += sv_virtq_element_fill (element, element->out[i].iov_base, element->out[i].iov_len);
  sv_virtqueue_push (queue, element, written);
}

static void
echo_handle_queue (SvVirtioDevice *device, guint n)
{
  EchoDevice *self = ECHO_DEVICE (device);
  SvVirtqueue *queue = sv_virtio_device_get_queue (device, n);

  __atomic_add_fetch (&self->n_handled[n], 1, __ATOMIC_SEQ_CST);
  if (!sv_virtqueue_begin (queue))
    return;
  while (self->n_held[n] < ECHO_QUEUE_SIZE
         && sv_virtqueue_pop (queue, &self->held[n][self->n_held[n]]))
    {
      if (self->hold)
        self->n_held[n]++;
      else
        answer (queue, &self->held[n][self->n_held[n]]);
    }
  sv_virtqueue_end (queue);
}

static void
echo_drain_queue (SvVirtioDevice *device, guint n)
{
  EchoDevice *self = ECHO_DEVICE (device);
  SvVirtqueue *queue = sv_virtio_device_get_queue (device, n);
  gboolean batch = sv_virtqueue_begin (queue);

  g_assert_true (sv_vcpu_get_current () == NULL || !self->slow || self->n_held[n] == 0);
  while (self->n_held[n] > 0)
    answer (queue, &self->held[n][--self->n_held[n]]);
  if (batch)
    sv_virtqueue_end (queue);
}

static gboolean
echo_hurry_queue (SvVirtioDevice *device, guint n)
{
  return !ECHO_DEVICE (device)->slow || ECHO_DEVICE (device)->n_held[n] == 0;
}

void
echo_device_release (EchoDevice *self)
{
  for (guint i = 0; i < ECHO_QUEUES; i++)
    if (self->n_held[i] > 0)
      echo_drain_queue (SV_VIRTIO_DEVICE (self), i);
  sv_virtio_device_settled (SV_VIRTIO_DEVICE (self));
}

static void
echo_device_class_init (EchoDeviceClass *klass)
{
  SvVirtioDeviceClass *virtio_class = SV_VIRTIO_DEVICE_CLASS (klass);

  virtio_class->device_id = ECHO_DEVICE_ID;
  virtio_class->config_size = sizeof (EchoConfig);
  virtio_class->setup = echo_setup;
  virtio_class->teardown = echo_teardown;
  virtio_class->get_features = echo_get_features;
  virtio_class->check_features = echo_check_features;
  virtio_class->write_config = echo_write_config;
  virtio_class->start = echo_start;
  virtio_class->stop = echo_stop;
  virtio_class->handle_queue = echo_handle_queue;
  virtio_class->drain_queue = echo_drain_queue;
  virtio_class->hurry_queue = echo_hurry_queue;
}

static void
echo_device_init (EchoDevice *self)
{
}
