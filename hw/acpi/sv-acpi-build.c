/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/acpi/sv-acpi-build.h"

#include <string.h>

#include "hw/acpi/sv-acpi-table.h"
#include "hw/acpi/sv-aml.h"

#define RSDP_ALIGNMENT 16
#define RSDP_SIZE 36
#define FACS_SIZE 64 /* and alignment */
#define FACS_VERSION 32
#define RSDP_V1_SIZE 20

#define MADT_REVISION 5
#define MADT_LAPIC 0
#define MADT_IOAPIC 1
#define MADT_OVERRIDE 2
#define MADT_LAPIC_NMI 4
#define MADT_X2APIC 9
#define MADT_X2APIC_NMI 10
#define MADT_ENABLED 1u
#define MADT_ONLINE_CAPABLE 2u
#define MADT_LEVEL_HIGH 0xd
#define MADT_FIRST_X2APIC_ID 255

#define SLEEP_TYPE_S5 5

G_DEFINE_INTERFACE (SvAcpiDescribed, sv_acpi_described, SV_TYPE_OBJECT)

static void
sv_acpi_described_default_init (SvAcpiDescribedInterface *iface)
{
}

static gboolean
describe (SvObject *object, gpointer user_data)
{
  if (SV_IS_ACPI_DESCRIBED (object))
    {
      SvAcpiDescribedInterface *iface = SV_ACPI_DESCRIBED_GET_IFACE (object);

      if (iface->build_aml)
        iface->build_aml (SV_ACPI_DESCRIBED (object), user_data);
    }
  return TRUE;
}

static guint
build_dsdt (GByteArray *tables, SvObject *machine)
{
  /* Revision 2 and later: integers of 64 bits */
  const guint start = sv_acpi_begin_table (tables, "DSDT", 2);
  guint block;

  block = sv_aml_begin_scope (tables, "\\_SB");
  sv_object_walk (machine, describe, tables);
  sv_aml_end (tables, block);

  sv_aml_name (tables, "\\_S5");
  block = sv_aml_begin_package (tables, 4);
  sv_aml_int (tables, SLEEP_TYPE_S5);
  sv_aml_int (tables, 0);
  sv_aml_int (tables, 0);
  sv_aml_int (tables, 0);
  sv_aml_end (tables, block);

  sv_acpi_end_table (tables, start);
  return start;
}

gboolean
sv_acpi_append_madt_cpu (GByteArray *table, guint uid, const SvAcpiCpu *cpu)
{
  const guint32 flags = cpu->absent ? MADT_ONLINE_CAPABLE : MADT_ENABLED;

  if (cpu->apic_id < MADT_FIRST_X2APIC_ID && uid < MADT_FIRST_X2APIC_ID)
    {
      sv_acpi_append (table, MADT_LAPIC, 1);
      sv_acpi_append (table, 8, 1);
      sv_acpi_append (table, uid, 1);
      sv_acpi_append (table, cpu->apic_id, 1);
      sv_acpi_append (table, flags, 4);
      return FALSE;
    }
  sv_acpi_append (table, MADT_X2APIC, 1);
  sv_acpi_append (table, 16, 1);
  sv_acpi_append (table, 0, 2);
  sv_acpi_append (table, cpu->apic_id, 4);
  sv_acpi_append (table, flags, 4);
  sv_acpi_append (table, uid, 4);
  return TRUE;
}

/* LINT1 is the NMI of every processor. */
static void
append_nmi (GByteArray *tables, gboolean x2apic)
{
  sv_acpi_append (tables, MADT_LAPIC_NMI, 1);
  sv_acpi_append (tables, 6, 1);
  sv_acpi_append (tables, 0xff, 1);
  sv_acpi_append (tables, 0, 2);
  sv_acpi_append (tables, 1, 1);
  if (!x2apic)
    return;

  sv_acpi_append (tables, MADT_X2APIC_NMI, 1);
  sv_acpi_append (tables, 12, 1);
  sv_acpi_append (tables, 0, 2);
  sv_acpi_append (tables, G_MAXUINT32, 4);
  sv_acpi_append (tables, 1, 1);
  sv_acpi_append (tables, 0, 3);
}

static guint
build_madt (GByteArray *tables, const SvAcpiConfig *config)
{
  const guint start = sv_acpi_begin_table (tables, "APIC", MADT_REVISION);
  gboolean x2apic = FALSE;

  sv_acpi_append (tables, config->lapic_base, 4);
  /* PCAT_COMPAT stays clear: the guest need not mask and wait for a pair of 8259s. */
  sv_acpi_append (tables, 0, 4);

  for (guint uid = 0; uid < config->n_cpus; uid++)
    x2apic |= sv_acpi_append_madt_cpu (tables, uid, &config->cpus[uid]);

  sv_acpi_append (tables, MADT_IOAPIC, 1);
  sv_acpi_append (tables, 12, 1);
  sv_acpi_append (tables, 0, 1); /* I/O APIC ID */
  sv_acpi_append (tables, 0, 1);
  sv_acpi_append (tables, config->ioapic_base, 4);
  sv_acpi_append (tables, 0, 4); /* first GSI; ISA interrupts are identity mapped */

  /* All are edges but this one. */
  if (config->pm_base != 0)
    {
      sv_acpi_append (tables, MADT_OVERRIDE, 1);
      sv_acpi_append (tables, 10, 1);
      sv_acpi_append (tables, 0, 1);
      sv_acpi_append (tables, config->sci, 1);
      sv_acpi_append (tables, config->sci, 4);
      sv_acpi_append (tables, MADT_LEVEL_HIGH, 2);
    }

  append_nmi (tables, x2apic);

  sv_acpi_end_table (tables, start);
  return start;
}

static guint
build_mcfg (GByteArray *tables, const SvAcpiConfig *config)
{
  const guint start = sv_acpi_begin_table (tables, "MCFG", 1);

  sv_acpi_append (tables, 0, 8);
  sv_acpi_append (tables, config->ecam_base, 8);
  sv_acpi_append (tables, 0, 2); /* segment */
  sv_acpi_append (tables, 0, 1);
  sv_acpi_append (tables, config->ecam_buses - 1, 1);
  sv_acpi_append (tables, 0, 4);
  sv_acpi_end_table (tables, start);
  return start;
}

/* FACS (ACPI 6.5 §5.2.10) has a header of its own, and no checksum. */
static guint
build_facs (GByteArray *tables)
{
  const guint padding = -tables->len & (FACS_SIZE - 1);
  guint start;

  sv_acpi_append_zeros (tables, padding + FACS_SIZE);
  start = tables->len - FACS_SIZE;
  memcpy (tables->data + start, "FACS", 4);
  sv_acpi_put (tables->data + start + 4, FACS_SIZE, 4);
  tables->data[start + FACS_VERSION] = 2;
  return start;
}

static guint
build_xsdt (GByteArray *tables, const guint64 *entries, gsize n_entries)
{
  const guint start = sv_acpi_begin_table (tables, "XSDT", 1);

  for (gsize i = 0; i < n_entries; i++)
    sv_acpi_append (tables, entries[i], 8);
  sv_acpi_end_table (tables, start);
  return start;
}

static void
fill_rsdp (guint8 *rsdp, guint64 xsdt)
{
  memcpy (rsdp, "RSD PTR ", 8);
  memcpy (rsdp + 9, SV_ACPI_OEM_ID, 6);
  rsdp[15] = 2;
  sv_acpi_put (rsdp + 20, RSDP_SIZE, 4);
  sv_acpi_put (rsdp + 24, xsdt, 8);
  rsdp[8] = sv_acpi_checksum (rsdp, RSDP_V1_SIZE);
  rsdp[32] = sv_acpi_checksum (rsdp, RSDP_SIZE);
}

/**
 * sv_acpi_build:
 * @machine: root of the objects to describe
 * @config: what is not in the tree
 * @base: guest-physical address at which the result will lie; a multiple of 16
 *
 * Builds RSDP, DSDT, FADT, MADT, MCFG (with configuration space in memory), SPCR (with a serial console), SRAT and SLIT (with NUMA nodes) and XSDT. Without fixed hardware the
 * platform is a hardware-reduced one (ACPI 6.5 §4.1); otherwise there is a FACS, too.
 *
 * Returns: (transfer full): the tables, or %NULL with @error set
 */
GByteArray *
sv_acpi_build (SvObject *machine, const SvAcpiConfig *config, guint64 base, GError **error)
{
  g_autoptr (GByteArray) tables = NULL;
  guint64 entries[6];
  guint64 dsdt, facs = 0;
  guint n = 0;
  guint alignment = config->pm_base != 0 ? FACS_SIZE : RSDP_ALIGNMENT;

  if (base % alignment != 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "ACPI tables at 0x%" G_GINT64_MODIFIER "x: the address must be a multiple of %u",
                   base, alignment);
      return NULL;
    }
  if (config->lapic_base > G_MAXUINT32 || config->ioapic_base > G_MAXUINT32)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "ACPI tables: interrupt controllers must lie below 4 GiB");
      return NULL;
    }

  tables = g_byte_array_sized_new (16 * 1024);
  sv_acpi_append_zeros (tables, RSDP_SIZE);
  dsdt = base + build_dsdt (tables, machine);
  if (config->pm_base != 0)
    facs = base + build_facs (tables);
  entries[n++] = base + sv_acpi_append_fadt (tables, config, dsdt, facs);
  entries[n++] = base + build_madt (tables, config);
  if (config->ecam_base != 0)
    entries[n++] = base + build_mcfg (tables, config);
  if (config->console_port != 0)
    entries[n++] = base + sv_acpi_append_spcr (tables, config);
  if (config->numa != NULL)
    entries[n++] = base + sv_acpi_append_srat (tables, config);
  if (config->numa != NULL && config->numa->distances != NULL)
    entries[n++] = base + sv_acpi_append_slit (tables, config->numa);
  fill_rsdp (tables->data, base + build_xsdt (tables, entries, n));
  return g_steal_pointer (&tables);
}
