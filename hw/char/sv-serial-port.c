/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/char/sv-serial-port.h"

#include "hw/acpi/sv-aml.h"
#include "hw/char/sv-uart.h"
#include "qom/sv-object.h"

#define UNSET SV_SERIAL_PORT_UNSET
#define N_PORTS 4
#define LAST_IOBASE (0x10000 - SV_UART_N_REGISTERS)

static const struct
{
  guint16 iobase;
  guint8 irq;
} ports[N_PORTS] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } };

void
sv_serial_port_init (SvSerialPort *self)
{
  *self = (SvSerialPort){ .index = UNSET, .iobase = UNSET, .irq = UNSET };
}

gboolean
sv_serial_port_choose (SvSerialPort *self, guint taken, GError **error)
{
  guint index = self->index;

  if (index == UNSET)
    for (index = 0; index < N_PORTS && (taken & 1u << index) != 0; index++)
      ;
  if (index >= N_PORTS || (taken & 1u << index) != 0)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "isa-serial: no serial port %s: a PC has %d, index 0 to %d, each once",
                   self->index == UNSET ? "is left" : "with this index is free", N_PORTS,
                   N_PORTS - 1);
      return FALSE;
    }

  self->index = index;
  if (self->iobase == UNSET)
    self->iobase = ports[index].iobase;
  if (self->irq == UNSET)
    self->irq = ports[index].irq;
  if (self->iobase > LAST_IOBASE)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "isa-serial: iobase 0x%x is past the last possible, 0x%x", self->iobase,
                   LAST_IOBASE);
      return FALSE;
    }
  return TRUE;
}

void
sv_serial_port_build_aml (const SvSerialPort *self, GByteArray *scope)
{
  const char name[] = { 'C', 'O', 'M', '1' + self->index, '\0' };
  guint device = sv_aml_begin_device (scope, name);
  guint resources;

  sv_aml_name_eisaid (scope, "_HID", "PNP0501");
  sv_aml_name_int (scope, "_UID", self->index + 1);
  sv_aml_name (scope, "_CRS");
  resources = sv_aml_begin_resources (scope);
  sv_aml_resource_io (scope, self->iobase, SV_UART_N_REGISTERS);
  sv_aml_resource_irq (scope, self->irq);
  sv_aml_end_resources (scope, resources);
  sv_aml_end (scope, device);
}
