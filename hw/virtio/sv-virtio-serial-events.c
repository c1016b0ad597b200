/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-serial-events.h"

#include "hw/core/sv-machine.h"
#include "hw/virtio/sv-virtio-serial-port.h"

/* The id that the user gave; what has none is no concern of his. */
static const char *
get_user_id (SvVirtioSerialPort *port)
{
  SvObject *container = sv_object_get_parent (SV_OBJECT (port));

  if (container == NULL || g_strcmp0 (sv_object_get_id (container), "peripheral") != 0)
    return NULL;
  return sv_object_get_id (SV_OBJECT (port));
}

static void
tell (SvVirtioSerialPort *port, gboolean opened)
{
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (port));
  const char *id = get_user_id (port);
  g_autoptr (JsonObject) data = NULL;

  if (machine == NULL || id == NULL)
    return;
  data = json_object_new ();
  json_object_set_string_member (data, "id", id);
  json_object_set_boolean_member (data, "open", opened);
  sv_machine_emit_device_event (machine, "VSERPORT_CHANGE", data);
}

static gboolean
tell_changes (gpointer user_data)
{
  SvSerialEvents *self = user_data;

  self->source = 0;
  for (guint number = 0; number < SV_VIRTIO_SERIAL_MAX_PORTS; number++)
    {
      SvVirtioSerialPort *port = sv_virtio_serial_bus_get_port (self->bus, number);
      gboolean due = self->due[number];

      self->due[number] = FALSE;
      if (port && due)
        tell (port, self->opened[number]);
    }
  return G_SOURCE_REMOVE;
}

void
sv_serial_events_set_opened (SvSerialEvents *self, guint number, gboolean opened)
{
  if (self->opened[number] == opened)
    return;
  self->opened[number] = opened;
  self->due[number] = TRUE;
  if (self->source == 0)
    self->source = g_idle_add (tell_changes, self);
}

void
sv_serial_events_forget (SvSerialEvents *self, guint number)
{
  self->opened[number] = self->due[number] = FALSE;
}

void
sv_serial_events_disconnect (SvSerialEvents *self)
{
  g_clear_handle_id (&self->source, g_source_remove);
  self->bus = NULL;
}
