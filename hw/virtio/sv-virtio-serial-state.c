/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a virtio-serial device saves: how far the conversation with its driver is. */

#include "hw/virtio/sv-virtio-serial-private.h"

#include "hw/virtio/sv-virtio-serial-port.h"
#include "src/migration/sv-migration-values.h"

#define MESSAGES (SV_SERIAL_REMOVE | SV_SERIAL_ADD | SV_SERIAL_CONSOLE | SV_SERIAL_NAME | SV_SERIAL_OPEN)
#define PORT_TYPE "(bbbyt)"
/* The driver is ready; of each port: the driver knows it, a program of the guest has it open, somebody is at this side,
 * messages to be sent, bytes that were sent of the buffer that is next */
#define STATE_TYPE "(ba" PORT_TYPE ")"

static gboolean
is_open (SvVirtioSerial *self, guint number)
{
  SvVirtioSerialPort *port = sv_virtio_serial_bus_get_port (self->bus, number);

  return port != NULL && sv_virtio_serial_port_is_open (port);
}

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvVirtioSerial *self = SV_VIRTIO_SERIAL (migratable);
  g_auto (GVariantBuilder) ports = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a" PORT_TYPE));

  for (guint i = 0; i < self->n_ports; i++)
    g_variant_builder_add (&ports, PORT_TYPE, self->port_ready[i], self->events.opened[i], is_open (self, i),
                           self->control.wanted[i], self->sent[i]);
  return g_variant_new (STATE_TYPE, self->driver_ready, &ports);
}

static gboolean
load_port (SvVirtioSerial *self, guint number, GVariant *state, GError **error)
{
  gboolean opened, was_open;
  guint8 messages;

  g_variant_get (state, PORT_TYPE, &self->port_ready[number], &opened, &was_open, &messages, &self->sent[number]);
  if (!sv_migration_check_bits ("messages to be sent", messages, MESSAGES, error))
    return FALSE;
  sv_serial_events_set_opened (&self->events, number, opened);
  sv_serial_control_want (&self->control, number, messages);
  /* Peers come and go on their own. */
  if (self->port_ready[number] && was_open != is_open (self, number))
    sv_serial_control_want (&self->control, number, SV_SERIAL_OPEN);
  return TRUE;
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvVirtioSerial *self = SV_VIRTIO_SERIAL (migratable);
  g_autoptr (GVariant) ports = NULL;

  g_variant_get (state, "(b@a" PORT_TYPE ")", &self->driver_ready, &ports);
  if (!sv_migration_check_same ("number of ports", g_variant_n_children (ports), self->n_ports, error))
    return FALSE;
  sv_serial_control_clear (&self->control);
  for (guint i = 0; i < self->n_ports; i++)
    {
      g_autoptr (GVariant) port = g_variant_get_child_value (ports, i);

      if (!load_port (self, i, port, error))
        return FALSE;
    }
  return TRUE;
}

const SvMigratableState sv_virtio_serial_migration = {
  .types = (const char *const[]){ STATE_TYPE, NULL },
  .dup = dup_state,
  .load = load_state,
};
