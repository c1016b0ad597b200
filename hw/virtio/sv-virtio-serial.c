/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-serial-private.h"

#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <string.h>

#include "hw/virtio/sv-virtio-serial-data.h"
#include "hw/virtio/sv-virtio-serial-port.h"
#include "src/runtime/sv-log.h"

#define FEATURE(bit) (G_GUINT64_CONSTANT (1) << (bit))
#define CONTROL_RX 2
#define CONTROL_TX 3
#define MAX_PORTS SV_VIRTIO_SERIAL_MAX_PORTS

G_STATIC_ASSERT (2 * MAX_PORTS + 2 <= 64);

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVirtioSerial, sv_virtio_serial, SV_TYPE_VIRTIO_DEVICE,
                               SV_MIGRATABLE_STATE (&sv_virtio_serial_migration))

enum
{
  PROP_0,
  PROP_MAX_PORTS,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

/* VIRTIO 1.2 §5.3.2: the control queues are between port 0 and port 1. */
static guint
rx_queue_of (guint number)
{
  return number == 0 ? 0 : 2 * number + 2;
}

static gboolean
is_multiport (SvVirtioSerial *self)
{
  return sv_virtio_device_has_feature (SV_VIRTIO_DEVICE (self), VIRTIO_CONSOLE_F_MULTIPORT);
}

/* NULL: not in use, or the machine is paused */
static SvVirtqueue *
get_queue (SvVirtioSerial *self, guint n)
{
  SvVirtqueue *queue = sv_virtio_device_get_queue (SV_VIRTIO_DEVICE (self), n);

  return (self->active & (G_GUINT64_CONSTANT (1) << n)) != 0 ? queue : NULL;
}

static void
send_control (SvVirtioSerial *self)
{
  SvVirtqueue *queue = is_multiport (self) ? get_queue (self, CONTROL_RX) : NULL;

  if (queue)
    sv_serial_control_send (&self->control, self->bus, queue);
}

/* --- bytes --- */

static void
send_output (SvVirtioSerial *self, guint number)
{
  guint n = rx_queue_of (number) + 1;
  SvVirtqueue *queue = get_queue (self, n);
  SvVirtioSerialPort *port = sv_virtio_serial_bus_get_port (self->bus, number);

  if (queue && sv_serial_data_send (queue, port, &self->sent[number]))
    sv_virtio_device_kick (SV_VIRTIO_DEVICE (self), n);
}

static SvVirtqueue *
get_input_queue (SvVirtioSerial *self, SvVirtioSerialPort *port)
{
  return get_queue (self, rx_queue_of ((guint)sv_virtio_serial_port_get_number (port)));
}

static gsize
input_room (gpointer opaque, SvVirtioSerialPort *port)
{
  SvVirtioSerial *self = opaque;
  guint number = (guint)sv_virtio_serial_port_get_number (port);
  SvVirtqueue *queue = get_input_queue (self, port);

  /* Without the control queue nobody says whether a program listens. */
  if (queue == NULL || (is_multiport (self) && !self->events.opened[number]))
    return 0;
  return sv_serial_data_get_room (queue);
}

static void
input (gpointer opaque, SvVirtioSerialPort *port, const guint8 *data, gsize length)
{
  SvVirtioSerial *self = opaque;
  SvVirtqueue *queue = get_input_queue (self, port);

  if (queue)
    sv_serial_data_receive (queue, data, length);
}

/* --- control queues, VIRTIO 1.2 §5.3.6.2 --- */

static void
port_is_ready (SvVirtioSerial *self, SvVirtioSerialPort *port, guint number)
{
  guint messages = 0;

  self->port_ready[number] = TRUE;
  if (SV_VIRTIO_SERIAL_PORT_GET_CLASS (port)->console)
    messages |= SV_SERIAL_CONSOLE;
  if (sv_virtio_serial_port_get_name (port))
    messages |= SV_SERIAL_NAME;
  if (sv_virtio_serial_port_is_open (port))
    messages |= SV_SERIAL_OPEN;
  sv_serial_control_want (&self->control, number, messages);
}

static void
driver_is_ready (SvVirtioSerial *self)
{
  self->driver_ready = TRUE;
  for (guint number = 0; number < self->n_ports; number++)
    if (sv_virtio_serial_bus_get_port (self->bus, number))
      sv_serial_control_want (&self->control, number, SV_SERIAL_ADD);
}

static void
handle_message (SvVirtioSerial *self, guint32 number, guint16 event, guint16 value)
{
  SvVirtioSerialPort *port;

  if (event == VIRTIO_CONSOLE_DEVICE_READY)
    {
      if (value)
        driver_is_ready (self);
      else
        sv_log_guest ("%s: the driver failed", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)));
      return;
    }
  port = number < self->n_ports ? sv_virtio_serial_bus_get_port (self->bus, number) : NULL;
  if (port == NULL)
    {
      sv_log_guest ("%s: message %u about port %u, which does not exist",
                    sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), event, number);
      return;
    }
  if (event == VIRTIO_CONSOLE_PORT_READY)
    {
      if (value)
        port_is_ready (self, port, number);
      else
        sv_log_guest ("%s: the driver cannot use port %u", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)),
                      number);
    }
  else if (event == VIRTIO_CONSOLE_PORT_OPEN)
    {
      sv_serial_events_set_opened (&self->events, number, value != 0);
      sv_virtio_serial_port_update_input (port);
    }
}

static void
take_messages (SvVirtioSerial *self)
{
  SvVirtqueue *queue = get_queue (self, CONTROL_TX);
  struct iovec iov[SV_SERIAL_CONTROL_QUEUE_SIZE + 4];
  SvVirtqElement element = { .iov = iov, .max_iov = G_N_ELEMENTS (iov) };

  if (queue == NULL || !sv_virtqueue_begin (queue))
    return;
  while (sv_virtqueue_pop (queue, &element))
    {
      struct virtio_console_control message;
      gboolean whole = sv_virtq_element_pull (&element, &message, sizeof message);

      sv_virtqueue_push (queue, &element, 0);
      if (whole)
        handle_message (self, GUINT32_FROM_LE (message.id), GUINT16_FROM_LE (message.event),
                        GUINT16_FROM_LE (message.value));
    }
  sv_virtqueue_end (queue);
  send_control (self);
}

static void
sv_virtio_serial_handle_queue (SvVirtioDevice *device, guint n)
{
  SvVirtioSerial *self = SV_VIRTIO_SERIAL (device);
  guint number = n < CONTROL_RX ? 0 : (n - CONTROL_RX) / 2;

  self->active |= G_GUINT64_CONSTANT (1) << n;
  if (n == CONTROL_RX)
    send_control (self);
  else if (n == CONTROL_TX)
    take_messages (self);
  else if (n % 2 == 1)
    send_output (self, number);
  else
    {
      SvVirtioSerialPort *port = sv_virtio_serial_bus_get_port (self->bus, number);

      if (port)
        sv_virtio_serial_port_update_input (port);
    }
}

/* Nothing is in flight: what waits is in the ring. But the peers do not know of the pause. */
static void
sv_virtio_serial_drain_queue (SvVirtioDevice *device, guint n)
{
  SV_VIRTIO_SERIAL (device)->active &= ~(G_GUINT64_CONSTANT (1) << n);
}

/* --- the bus --- */

/* Queues for ports come as the ports do, until the driver counts them. */
static void
make_room (SvVirtioSerial *self, guint n_ports)
{
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (self);
  struct virtio_console_config *config = sv_virtio_device_get_config (device);

  if (self->n_ports == 0)
    {
      for (guint i = 0; i < 2; i++)
        sv_virtio_device_add_queue (device, SV_SERIAL_DATA_QUEUE_SIZE);
      for (guint i = 0; i < 2; i++)
        sv_virtio_device_add_queue (device, SV_SERIAL_CONTROL_QUEUE_SIZE);
      self->n_ports = 1;
    }
  for (; self->n_ports < n_ports; self->n_ports++)
    for (guint i = 0; i < 2; i++)
      sv_virtio_device_add_queue (device, SV_SERIAL_DATA_QUEUE_SIZE);
  if (config->max_nr_ports == GUINT32_TO_LE (self->n_ports))
    return;
  config->max_nr_ports = GUINT32_TO_LE (self->n_ports);
  sv_virtio_device_config_changed (device);
}

static guint
get_limit (SvVirtioSerial *self)
{
  return self->max_ports > 0 ? self->max_ports : MAX_PORTS;
}

static guint
sv_virtio_serial_get_max_queues (SvVirtioDevice *device)
{
  return 2 * (get_limit (SV_VIRTIO_SERIAL (device)) + 1);
}

static gboolean
check_number (gpointer opaque, guint number, GError **error)
{
  SvVirtioSerial *self = opaque;
  guint limit = get_limit (self);

  /* From the first step of its start on the driver may have counted. */
  if (sv_virtio_device_get_status (SV_VIRTIO_DEVICE (self)) != 0)
    limit = self->n_ports;
  if (number < limit)
    return TRUE;
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
               "Port number %u is too high: '%s' has %u ports (max_ports)", number,
               sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), limit);
  return FALSE;
}

static void
forget_port (SvVirtioSerial *self, guint number)
{
  self->port_ready[number] = FALSE;
  self->sent[number] = 0;
  sv_serial_events_forget (&self->events, number);
}

static void
port_added (gpointer opaque, SvVirtioSerialPort *port)
{
  SvVirtioSerial *self = opaque;
  guint number = (guint)sv_virtio_serial_port_get_number (port);

  make_room (self, MAX (self->n_ports, number + 1));
  forget_port (self, number);
  if (self->driver_ready)
    sv_serial_control_want (&self->control, number, SV_SERIAL_ADD);
  send_control (self);
}

static void
port_removed (gpointer opaque, SvVirtioSerialPort *port)
{
  SvVirtioSerial *self = opaque;
  guint number = (guint)sv_virtio_serial_port_get_number (port);

  forget_port (self, number);
  if (self->driver_ready)
    sv_serial_control_want (&self->control, number, SV_SERIAL_REMOVE);
  send_control (self);
  /* What waits for a peer would wait for ever. */
  send_output (self, number);
}

static void
output_wanted (gpointer opaque, SvVirtioSerialPort *port)
{
  SvVirtioSerial *self = opaque;
  guint n = rx_queue_of ((guint)sv_virtio_serial_port_get_number (port)) + 1;

  if (get_queue (self, n))
    sv_virtio_device_kick (SV_VIRTIO_DEVICE (self), n);
}

static void
open_changed (gpointer opaque, SvVirtioSerialPort *port)
{
  SvVirtioSerial *self = opaque;
  guint number = (guint)sv_virtio_serial_port_get_number (port);

  if (SV_VIRTIO_SERIAL_PORT_GET_CLASS (port)->console || !self->port_ready[number])
    return;
  sv_serial_control_want (&self->control, number, SV_SERIAL_OPEN);
  send_control (self);
}

static const SvVirtioSerialBusFuncs bus_funcs = {
  .check_number = check_number,
  .port_added = port_added,
  .port_removed = port_removed,
  .output_wanted = output_wanted,
  .input_room = input_room,
  .input = input,
  .open_changed = open_changed,
};

/* --- the device --- */

static void
sv_virtio_serial_stop (SvVirtioDevice *device)
{
  SvVirtioSerial *self = SV_VIRTIO_SERIAL (device);

  self->active = 0;
  sv_serial_control_clear (&self->control);
  self->driver_ready = FALSE;
  for (guint number = 0; number < MAX_PORTS; number++)
    {
      sv_serial_events_set_opened (&self->events, number, FALSE);
      self->port_ready[number] = FALSE;
      self->sent[number] = 0;
    }
}

static guint64
sv_virtio_serial_get_features (SvVirtioDevice *device)
{
  return FEATURE (VIRTIO_CONSOLE_F_MULTIPORT) | FEATURE (VIRTIO_CONSOLE_F_EMERG_WRITE);
}

/* A character without queues, from a guest that is early or in trouble (VIRTIO 1.2 §5.3.4) */
static void
sv_virtio_serial_write_config (SvVirtioDevice *device, guint offset, guint64 value, guint size)
{
  SvVirtioSerialPort *port = sv_virtio_serial_bus_get_port (SV_VIRTIO_SERIAL (device)->bus, 0);
  guint8 byte = value & 0xff;

  if (offset == offsetof (struct virtio_console_config, emerg_wr) && port)
    sv_virtio_serial_port_write (port, &byte, 1);
}

static gboolean
sv_virtio_serial_setup (SvVirtioDevice *device, GError **error)
{
  SvVirtioSerial *self = SV_VIRTIO_SERIAL (device);
  const char *id = sv_virtio_device_get_name (device);
  /* As QEMU names the buses of devices with an id and without */
  gboolean anonymous = sv_object_get_id (SV_OBJECT (self)) == NULL || strchr (id, '[') != NULL;
  g_autofree char *name = g_strdup_printf ("%s.0", anonymous ? "virtio-serial-bus" : id);

  self->bus = sv_virtio_serial_bus_new (&bus_funcs, self);
  if (!sv_object_add_child (SV_OBJECT (self), name, SV_OBJECT (self->bus), error))
    {
      g_clear_object (&self->bus);
      return FALSE;
    }
  self->events.bus = self->bus;
  make_room (self, MAX (self->max_ports, 1));
  return TRUE;
}

static void
sv_virtio_serial_teardown (SvVirtioDevice *device)
{
  SvVirtioSerial *self = SV_VIRTIO_SERIAL (device);

  sv_serial_events_disconnect (&self->events);
  sv_virtio_serial_bus_disconnect (self->bus);
  sv_object_unparent (SV_OBJECT (self->bus));
  g_clear_object (&self->bus);
  self->n_ports = 0;
}

static void
sv_virtio_serial_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_MAX_PORTS)
    g_value_set_uint (value, SV_VIRTIO_SERIAL (object)->max_ports);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_virtio_serial_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_MAX_PORTS)
    {
      SV_VIRTIO_SERIAL (object)->max_ports = g_value_get_uint (value);
      g_object_notify_by_pspec (object, pspec);
    }
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_virtio_serial_class_init (SvVirtioSerialClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);
  SvVirtioDeviceClass *virtio_class = SV_VIRTIO_DEVICE_CLASS (klass);

  object_class->get_property = sv_virtio_serial_get_property;
  object_class->set_property = sv_virtio_serial_set_property;

  device_class->user_creatable = TRUE;
  device_class->category = "input";
  device_class->description = "virtio console device: a bus for virtconsole and virtserialport";

  virtio_class->device_id = VIRTIO_ID_CONSOLE;
  virtio_class->config_size = sizeof (struct virtio_console_config);
  virtio_class->setup = sv_virtio_serial_setup;
  virtio_class->teardown = sv_virtio_serial_teardown;
  virtio_class->get_features = sv_virtio_serial_get_features;
  virtio_class->write_config = sv_virtio_serial_write_config;
  virtio_class->get_max_queues = sv_virtio_serial_get_max_queues;
  virtio_class->stop = sv_virtio_serial_stop;
  virtio_class->handle_queue = sv_virtio_serial_handle_queue;
  virtio_class->drain_queue = sv_virtio_serial_drain_queue;

  /**
   * SvVirtioSerial:max_ports:
   *
   * How many ports the driver makes room for; each costs the guest two queues.
   */
  props[PROP_MAX_PORTS] = g_param_spec_uint (
      "max-ports", "max_ports",
      "Ports that the driver makes room for; 0: those that there are when it starts", 0, MAX_PORTS,
      0, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_virtio_serial_init (SvVirtioSerial *self)
{
}
