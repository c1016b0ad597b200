/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* System Resource Affinity Table, System Locality Information Table (ACPI 6.5 §5.2.16, §5.2.17) */

#include "hw/acpi/sv-acpi-table.h"

#define SRAT_REVISION 3
#define SRAT_LAPIC 0
#define SRAT_MEMORY 1
#define SRAT_X2APIC 2
#define SRAT_ENABLED 1
#define FIRST_X2APIC_ID 255

static void
append_cpu (GByteArray *tables, guint32 apic_id, guint node)
{
  if (apic_id < FIRST_X2APIC_ID)
    {
      sv_acpi_append (tables, SRAT_LAPIC, 1);
      sv_acpi_append (tables, 16, 1);
      sv_acpi_append (tables, node & 0xff, 1);
      sv_acpi_append (tables, apic_id, 1);
      sv_acpi_append (tables, SRAT_ENABLED, 4);
      sv_acpi_append_zeros (tables, 8); /* upper bits of the node, clock domain */
      return;
    }
  sv_acpi_append (tables, SRAT_X2APIC, 1);
  sv_acpi_append (tables, 24, 1);
  sv_acpi_append (tables, 0, 2);
  sv_acpi_append (tables, node, 4);
  sv_acpi_append (tables, apic_id, 4);
  sv_acpi_append (tables, SRAT_ENABLED, 4);
  sv_acpi_append_zeros (tables, 8);
}

static void
append_memory (GByteArray *tables, guint node, guint64 start, guint64 size)
{
  if (size == 0)
    return;
  sv_acpi_append (tables, SRAT_MEMORY, 1);
  sv_acpi_append (tables, 40, 1);
  sv_acpi_append (tables, node, 4);
  sv_acpi_append (tables, 0, 2);
  sv_acpi_append (tables, start, 8);
  sv_acpi_append (tables, size, 8);
  sv_acpi_append (tables, 0, 4);
  sv_acpi_append (tables, SRAT_ENABLED, 4);
  sv_acpi_append (tables, 0, 8);
}

guint
sv_acpi_append_srat (GByteArray *tables, const SvAcpiConfig *config)
{
  const guint start = sv_acpi_begin_table (tables, "SRAT", SRAT_REVISION);
  const SvNuma *numa = config->numa;
  guint64 offset = 0;

  sv_acpi_append (tables, 1, 4);
  sv_acpi_append (tables, 0, 8);
  for (guint i = 0; i < config->n_cpus; i++)
    append_cpu (tables, config->cpus[i].apic_id, numa->cpu_nodes[i]);
  /* A node's memory may lie on both sides of the hole below 4 GiB. */
  for (guint node = 0; node < numa->n_nodes; offset += numa->ram[node++].memory)
    {
      const guint64 end = offset + numa->ram[node].memory;
      const guint64 low = config->ram_below_4g;

      if (offset < low)
        append_memory (tables, node, offset, MIN (end, low) - offset);
      if (end > low)
        append_memory (tables, node, (1ull << 32) + MAX (offset, low) - low, end - MAX (offset, low));
    }
  sv_acpi_end_table (tables, start);
  return start;
}

guint
sv_acpi_append_slit (GByteArray *tables, const SvNuma *numa)
{
  const guint start = sv_acpi_begin_table (tables, "SLIT", 1);

  sv_acpi_append (tables, numa->n_nodes, 8);
  g_byte_array_append (tables, numa->distances, numa->n_nodes * numa->n_nodes);
  sv_acpi_end_table (tables, start);
  return start;
}
