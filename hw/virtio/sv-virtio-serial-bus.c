/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-serial-bus.h"

#include "hw/virtio/sv-virtio-serial-port.h"
#include "src/migration/sv-migratable.h"

struct _SvVirtioSerialBus
{
  SvBus parent_instance;

  const SvVirtioSerialBusFuncs *funcs; /* NULL: disconnected */
  gpointer opaque;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVirtioSerialBus, sv_virtio_serial_bus, SV_TYPE_BUS,
                               SV_MIGRATABLE_STATELESS ("what is on it has its own state"))

static gboolean
is_taken (SvVirtioSerialBus *self, SvDevice *except, guint number)
{
  SvBus *bus = SV_BUS (self);

  for (guint i = 0; i < sv_bus_get_n_devices (bus); i++)
    {
      SvDevice *device = sv_bus_get_device (bus, i);

      if (device != except
          && sv_virtio_serial_port_get_number (SV_VIRTIO_SERIAL_PORT (device)) == (gint)number)
        return TRUE;
    }
  return FALSE;
}

/* The number for @port; -1 with an error */
static gint
choose_number (SvVirtioSerialBus *self, SvVirtioSerialPort *port, GError **error)
{
  gint wanted = sv_virtio_serial_port_get_number (port);
  guint first = SV_VIRTIO_SERIAL_PORT_GET_CLASS (port)->console ? 0 : 1;

  if (wanted >= 0)
    {
      if ((guint)wanted < first)
        g_set_error (
            error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
            "Port number 0 of a virtio-serial device is for a virtconsole: take nr=1 or more");
      else if (wanted >= SV_VIRTIO_SERIAL_MAX_PORTS)
        g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                     "Port number nr=%d is not below %d", wanted, SV_VIRTIO_SERIAL_MAX_PORTS);
      else if (is_taken (self, SV_DEVICE (port), (guint)wanted))
        g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_EXISTS,
                     "Port number nr=%d of the virtio-serial device is taken", wanted);
      else
        return wanted;
      return -1;
    }
  for (guint number = first; number < SV_VIRTIO_SERIAL_MAX_PORTS; number++)
    if (!is_taken (self, SV_DEVICE (port), number))
      return (gint)number;
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_EXISTS,
               "The virtio-serial device has %d ports already", SV_VIRTIO_SERIAL_MAX_PORTS);
  return -1;
}

static gboolean
sv_virtio_serial_bus_can_plug (SvBus *bus, SvDevice *device, GError **error)
{
  SvVirtioSerialBus *self = SV_VIRTIO_SERIAL_BUS (bus);
  gint number;

  number = choose_number (self, SV_VIRTIO_SERIAL_PORT (device), error);
  return number >= 0
         && (self->funcs == NULL || self->funcs->check_number (self->opaque, (guint)number, error));
}

static void
sv_virtio_serial_bus_plug (SvBus *bus, SvDevice *device)
{
  SvVirtioSerialPort *port = SV_VIRTIO_SERIAL_PORT (device);

  sv_virtio_serial_port_set_number (port, choose_number (SV_VIRTIO_SERIAL_BUS (bus), port, NULL));
}

static void
sv_virtio_serial_bus_class_init (SvVirtioSerialBusClass *klass)
{
  SV_BUS_CLASS (klass)->can_plug = sv_virtio_serial_bus_can_plug;
  SV_BUS_CLASS (klass)->plug = sv_virtio_serial_bus_plug;
}

static void
sv_virtio_serial_bus_init (SvVirtioSerialBus *self)
{
}

SvVirtioSerialBus *
sv_virtio_serial_bus_new (const SvVirtioSerialBusFuncs *funcs, gpointer opaque)
{
  SvVirtioSerialBus *self = g_object_new (SV_TYPE_VIRTIO_SERIAL_BUS, NULL);

  self->funcs = funcs;
  self->opaque = opaque;
  return self;
}

void
sv_virtio_serial_bus_disconnect (SvVirtioSerialBus *self)
{
  self->funcs = NULL;
}

const SvVirtioSerialBusFuncs *
sv_virtio_serial_bus_get_funcs (SvVirtioSerialBus *self, gpointer *opaque)
{
  *opaque = self->opaque;
  return self->funcs;
}

SvVirtioSerialPort *
sv_virtio_serial_bus_get_port (SvVirtioSerialBus *self, guint number)
{
  SvBus *bus = SV_BUS (self);

  for (guint i = 0; i < sv_bus_get_n_devices (bus); i++)
    {
      SvVirtioSerialPort *port = SV_VIRTIO_SERIAL_PORT (sv_bus_get_device (bus, i));

      if (sv_virtio_serial_port_get_number (port) == (gint)number
          && sv_virtio_serial_port_is_attached (port))
        return port;
    }
  return NULL;
}
