/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-mptable.h"

#include <string.h>

#include "hw/x86/sv-x86-layout.h"
#include "src/accel/sv-x86-topology.h"

#define MP_MAX_CPUS 254u /* APIC ids of one byte; 0xff means all of them */
#define MP_IOAPIC_PINS 24u
#define MP_IOAPIC_ID 0u
#define MP_ISA_BUS 0u
#define MP_SPEC_REVISION 4 /* 1.4 */
#define MP_ENTRY_CPU 0
#define MP_ENTRY_BUS 1
#define MP_ENTRY_IOAPIC 2
#define MP_ENTRY_IO_INTERRUPT 3
#define MP_ENTRY_LOCAL_INTERRUPT 4
#define MP_INTERRUPT 0
#define MP_NMI 1
#define MP_EXTINT 3
#define MP_CPU_ENABLED 1
#define MP_CPU_BOOT 2
#define MP_APIC_VERSION 0x14
#define MP_IOAPIC_VERSION 0x11
#define MP_POINTER_SIZE 16
#define BDA_EBDA_SEGMENT 0x40eu
#define EBDA_END 0xa0000u

static void
append_le (GByteArray *table, guint64 value, guint size)
{
  const guint64 bytes = GUINT64_TO_LE (value);

  g_byte_array_append (table, (const guint8 *)&bytes, size);
}

static guint8
checksum (const guint8 *bytes, gsize length)
{
  guint8 sum = 0;

  for (gsize i = 0; i < length; i++)
    sum += bytes[i];
  return -sum;
}

static void
append_cpu (GByteArray *table, guint id)
{
  append_le (table, MP_ENTRY_CPU, 1);
  append_le (table, id, 1);
  append_le (table, MP_APIC_VERSION, 1);
  append_le (table, MP_CPU_ENABLED | (id == 0 ? MP_CPU_BOOT : 0), 1);
  append_le (table, 0x600, 4); /* signature: family 6 */
  append_le (table, 0x201, 4); /* features: FPU, APIC */
  append_le (table, 0, 8);
}

static void
append_interrupt (GByteArray *table, guint entry, guint type, guint irq, guint apic, guint pin)
{
  append_le (table, entry, 1);
  append_le (table, type, 1);
  append_le (table, 0, 2); /* polarity and trigger as on the ISA bus: edge, active high */
  append_le (table, MP_ISA_BUS, 1);
  append_le (table, irq, 1);
  append_le (table, apic, 1);
  append_le (table, pin, 1);
}

static GByteArray *
build_table (const SvCpuLayout *layout, guint n_cpus)
{
  GByteArray *table = g_byte_array_sized_new (8192);
  guint16 n_entries = 0;
  guint16 length;

  g_byte_array_append (table, (const guint8 *)"PCMP", 4);
  append_le (table, 0, 2); /* length */
  append_le (table, MP_SPEC_REVISION, 1);
  append_le (table, 0, 1); /* checksum */
  g_byte_array_append (table, (const guint8 *)"STRATOVTMICROVM     ", 20);
  append_le (table, 0, 4); /* no OEM table */
  append_le (table, 0, 2);
  append_le (table, 0, 2); /* number of entries */
  append_le (table, SV_X86_LAPIC_BASE, 4);
  append_le (table, 0, 4); /* no extended table */

  for (guint id = 0; id < n_cpus; id++, n_entries++)
    append_cpu (table, sv_x86_topology_get_apic_id (layout, id));

  append_le (table, MP_ENTRY_BUS, 1);
  append_le (table, MP_ISA_BUS, 1);
  g_byte_array_append (table, (const guint8 *)"ISA   ", 6);
  n_entries++;

  append_le (table, MP_ENTRY_IOAPIC, 1);
  append_le (table, MP_IOAPIC_ID, 1);
  append_le (table, MP_IOAPIC_VERSION, 1);
  append_le (table, 1, 1); /* usable */
  append_le (table, SV_X86_IOAPIC_BASE, 4);
  n_entries++;

  for (guint pin = 0; pin < MP_IOAPIC_PINS; pin++, n_entries++)
    append_interrupt (table, MP_ENTRY_IO_INTERRUPT, MP_INTERRUPT, pin, MP_IOAPIC_ID, pin);

  append_interrupt (table, MP_ENTRY_LOCAL_INTERRUPT, MP_EXTINT, 0, 0, 0);
  append_interrupt (table, MP_ENTRY_LOCAL_INTERRUPT, MP_NMI, 0, 0xff, 1);
  n_entries += 2;

  length = GUINT16_TO_LE (table->len);
  memcpy (table->data + 4, &length, 2);
  n_entries = GUINT16_TO_LE (n_entries);
  memcpy (table->data + 34, &n_entries, 2);
  table->data[7] = checksum (table->data, table->len);
  return table;
}

/**
 * sv_mptable_write:
 * @memory: guest memory; RAM at the addresses below 1 MiB
 * @layout: how processors are arranged
 * @n_cpus: how many there are, 1 to 254
 *
 * Writes the floating pointer at the start of the EBDA, where guests look for it, and the table
 * behind it. A table that is too long for the EBDA goes to %SV_X86_MPTABLE_LARGE.
 *
 * Returns: whether all of it lies in RAM
 */
gboolean
sv_mptable_write (SvAddressSpace *memory, const SvCpuLayout *layout, guint n_cpus, GError **error)
{
  g_autoptr (GByteArray) table = NULL;
  guint8 pointer[MP_POINTER_SIZE] = { '_', 'M', 'P', '_' };
  const guint16 ebda_segment = GUINT16_TO_LE (SV_X86_EBDA_START >> 4);
  guint32 address = SV_X86_EBDA_START + MP_POINTER_SIZE;
  guint32 address_le;

  if (n_cpus < 1 || n_cpus > MP_MAX_CPUS)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "MP table: %u processors; 1 to %u are possible", n_cpus, MP_MAX_CPUS);
      return FALSE;
    }

  table = build_table (layout, n_cpus);
  if (address + table->len > EBDA_END)
    address = SV_X86_MPTABLE_LARGE;

  address_le = GUINT32_TO_LE (address);
  memcpy (pointer + 4, &address_le, 4);
  pointer[8] = MP_POINTER_SIZE / 16;
  pointer[9] = MP_SPEC_REVISION;
  pointer[10] = checksum (pointer, sizeof pointer);

  if (!sv_address_space_write (memory, SV_X86_EBDA_START, pointer, sizeof pointer)
      || !sv_address_space_write (memory, address, table->data, table->len)
      || !sv_address_space_write (memory, BDA_EBDA_SEGMENT, &ebda_segment, sizeof ebda_segment))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "MP table: no RAM for %u bytes at 0x%x",
                   table->len, address);
      return FALSE;
    }
  return TRUE;
}
