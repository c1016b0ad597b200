/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serial Port Console Redirection Table, revision 2 */

#include "hw/acpi/sv-acpi-table.h"

#define SPCR_REVISION 2
#define TYPE_16550 0
#define SPACE_IO 1
#define INTERRUPT_8259 1u
#define INTERRUPT_IOAPIC 2u
#define BAUD_115200 7
#define TERMINAL_ANSI 3

guint
sv_acpi_append_spcr (GByteArray *tables, const SvAcpiConfig *config)
{
  const guint start = sv_acpi_begin_table (tables, "SPCR", SPCR_REVISION);

  sv_acpi_append (tables, TYPE_16550, 1);
  sv_acpi_append (tables, 0, 3);
  /* Generic Address Structure: registers of a byte */
  sv_acpi_append (tables, SPACE_IO, 1);
  sv_acpi_append (tables, 8, 1);
  sv_acpi_append (tables, 0, 1);
  sv_acpi_append (tables, 1, 1);
  sv_acpi_append (tables, config->console_port, 8);
  sv_acpi_append (tables, INTERRUPT_8259 | INTERRUPT_IOAPIC, 1);
  sv_acpi_append (tables, config->console_irq, 1);
  sv_acpi_append (tables, config->console_irq, 4);
  sv_acpi_append (tables, BAUD_115200, 1);
  sv_acpi_append (tables, 0, 1); /* no parity, one stop bit, no flow control */
  sv_acpi_append (tables, 1, 1);
  sv_acpi_append (tables, 0, 1);
  sv_acpi_append (tables, TERMINAL_ANSI, 1);
  sv_acpi_append (tables, 0, 1);
  sv_acpi_append (tables, 0xffff, 2); /* no PCI device */
  sv_acpi_append (tables, 0xffff, 2);
  sv_acpi_append_zeros (tables, 3 + 4 + 1 + 4);
  sv_acpi_end_table (tables, start);
  return start;
}
