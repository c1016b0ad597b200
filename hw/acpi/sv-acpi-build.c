/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/acpi/sv-acpi-build.h"

#include <string.h>

#include "hw/acpi/sv-aml.h"

#define OEM_ID "STRATO"
#define OEM_TABLE_ID "STRATOVT"
#define CREATOR_ID "SVVM"

#define TABLE_ALIGNMENT 16
#define TABLE_HEADER_SIZE 36
#define RSDP_SIZE 36
#define RSDP_V1_SIZE 20

/* FADT (ACPI 6.5 §5.2.9): offsets of what a hardware-reduced platform fills in */
#define FADT_SIZE 276
#define FADT_REVISION 6
#define FADT_MINOR_REVISION 5
#define FADT_PREFERRED_PROFILE 45
#define FADT_BOOT_ARCH 109
#define FADT_FLAGS 112
#define FADT_RESET_REG 116
#define FADT_RESET_VALUE 128
#define FADT_MINOR 131
#define FADT_X_DSDT 140
#define FADT_SLEEP_CONTROL 244
#define FADT_SLEEP_STATUS 256
#define FADT_HYPERVISOR 268

#define PROFILE_ENTERPRISE_SERVER 4

#define BOOT_ARCH_LEGACY_DEVICES (1u << 0)
#define BOOT_ARCH_8042 (1u << 1)
#define BOOT_ARCH_NO_VGA (1u << 2)
#define BOOT_ARCH_NO_ASPM (1u << 4)
#define BOOT_ARCH_NO_CMOS_RTC (1u << 5)

#define FADT_F_WBINVD (1u << 0)
#define FADT_F_PROC_C1 (1u << 2)
#define FADT_F_POWER_BUTTON (1u << 4)
#define FADT_F_SLEEP_BUTTON (1u << 5)
#define FADT_F_RESET_REG (1u << 10)
#define FADT_F_HEADLESS (1u << 12)
#define FADT_F_HW_REDUCED (1u << 20)

#define MADT_REVISION 5
#define MADT_LAPIC 0
#define MADT_IOAPIC 1
#define MADT_LAPIC_NMI 4
#define MADT_X2APIC 9
#define MADT_X2APIC_NMI 10
#define MADT_ENABLED 1
#define MADT_FIRST_X2APIC_ID 255

#define SLEEP_TYPE_S5 5

G_DEFINE_INTERFACE (SvAcpiDescribed, sv_acpi_described, SV_TYPE_OBJECT)

static void
sv_acpi_described_default_init (SvAcpiDescribedInterface *iface)
{
}

static void
put_le (guint8 *at, guint64 value, guint size)
{
  const guint64 bytes = GUINT64_TO_LE (value);

  memcpy (at, &bytes, size);
}

static void
append_le (GByteArray *table, guint64 value, guint size)
{
  const guint64 bytes = GUINT64_TO_LE (value);

  g_byte_array_append (table, (const guint8 *)&bytes, size);
}

static void
append_zeros (GByteArray *table, guint length)
{
  const guint at = table->len;

  g_byte_array_set_size (table, at + length);
  memset (table->data + at, 0, length);
}

/* Generic Address Structure (ACPI 6.5 §5.2.3.2): one byte of system memory */
static void
put_byte_register (guint8 *at, guint64 address)
{
  if (address == 0)
    return;

  at[0] = 0;
  at[1] = 8;
  at[2] = 0;
  at[3] = 1;
  put_le (at + 4, address, 8);
}

static guint8
checksum (const guint8 *bytes, gsize length)
{
  guint8 sum = 0;

  for (gsize i = 0; i < length; i++)
    sum += bytes[i];
  return -sum;
}

/* Starts a table at the next aligned place; returns its offset. */
static guint
begin_table (GByteArray *tables, const char *signature, guint8 revision)
{
  const guint padding = -tables->len & (TABLE_ALIGNMENT - 1);
  guint start;
  guint8 *header;

  append_zeros (tables, padding + TABLE_HEADER_SIZE);
  start = tables->len - TABLE_HEADER_SIZE;
  header = tables->data + start;
  memcpy (header, signature, 4);
  header[8] = revision;
  memcpy (header + 10, OEM_ID, 6);
  memcpy (header + 16, OEM_TABLE_ID, 8);
  put_le (header + 24, 1, 4);
  memcpy (header + 28, CREATOR_ID, 4);
  put_le (header + 32, 1, 4);
  return start;
}

static void
end_table (GByteArray *tables, guint start)
{
  guint8 *header = tables->data + start;
  const guint length = tables->len - start;

  put_le (header + 4, length, 4);
  header[9] = checksum (header, length);
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
  const guint start = begin_table (tables, "DSDT", 2);
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

  end_table (tables, start);
  return start;
}

static guint
build_fadt (GByteArray *tables, const SvAcpiConfig *config, guint64 dsdt)
{
  const guint start = begin_table (tables, "FACP", FADT_REVISION);
  guint boot_arch = BOOT_ARCH_LEGACY_DEVICES | BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_ASPM;
  /* With the button flags set the guest looks for buttons in the namespace, not in fixed hardware.
   */
  guint flags = FADT_F_WBINVD | FADT_F_PROC_C1 | FADT_F_POWER_BUTTON | FADT_F_SLEEP_BUTTON
                | FADT_F_HEADLESS | FADT_F_HW_REDUCED;
  guint8 *fadt;

  append_zeros (tables, FADT_SIZE - TABLE_HEADER_SIZE);
  fadt = tables->data + start;

  if (config->has_8042)
    boot_arch |= BOOT_ARCH_8042;
  if (!config->has_cmos_rtc)
    boot_arch |= BOOT_ARCH_NO_CMOS_RTC;
  if (config->reset_register != 0)
    flags |= FADT_F_RESET_REG;

  fadt[FADT_PREFERRED_PROFILE] = PROFILE_ENTERPRISE_SERVER;
  put_le (fadt + FADT_BOOT_ARCH, boot_arch, 2);
  put_le (fadt + FADT_FLAGS, flags, 4);
  put_byte_register (fadt + FADT_RESET_REG, config->reset_register);
  fadt[FADT_RESET_VALUE] = config->reset_value;
  fadt[FADT_MINOR] = FADT_MINOR_REVISION;
  put_le (fadt + FADT_X_DSDT, dsdt, 8);
  put_byte_register (fadt + FADT_SLEEP_CONTROL, config->sleep_control);
  put_byte_register (fadt + FADT_SLEEP_STATUS, config->sleep_status);
  memcpy (fadt + FADT_HYPERVISOR, "STRATOVT", 8);

  end_table (tables, start);
  return start;
}

static void
append_lapic (GByteArray *tables, guint id)
{
  append_le (tables, MADT_LAPIC, 1);
  append_le (tables, 8, 1);
  append_le (tables, id, 1); /* ACPI processor UID */
  append_le (tables, id, 1);
  append_le (tables, MADT_ENABLED, 4);
}

static void
append_x2apic (GByteArray *tables, guint id)
{
  append_le (tables, MADT_X2APIC, 1);
  append_le (tables, 16, 1);
  append_le (tables, 0, 2);
  append_le (tables, id, 4);
  append_le (tables, MADT_ENABLED, 4);
  append_le (tables, id, 4);
}

/* LINT1 is the NMI of every processor. */
static void
append_nmi (GByteArray *tables, gboolean x2apic)
{
  append_le (tables, MADT_LAPIC_NMI, 1);
  append_le (tables, 6, 1);
  append_le (tables, 0xff, 1);
  append_le (tables, 0, 2);
  append_le (tables, 1, 1);
  if (!x2apic)
    return;

  append_le (tables, MADT_X2APIC_NMI, 1);
  append_le (tables, 12, 1);
  append_le (tables, 0, 2);
  append_le (tables, G_MAXUINT32, 4);
  append_le (tables, 1, 1);
  append_le (tables, 0, 3);
}

static guint
build_madt (GByteArray *tables, const SvAcpiConfig *config)
{
  const guint start = begin_table (tables, "APIC", MADT_REVISION);

  append_le (tables, config->lapic_base, 4);
  /* PCAT_COMPAT stays clear: the guest need not mask and wait for a pair of 8259s. */
  append_le (tables, 0, 4);

  for (guint id = 0; id < config->n_cpus; id++)
    {
      if (id < MADT_FIRST_X2APIC_ID)
        append_lapic (tables, id);
      else
        append_x2apic (tables, id);
    }

  append_le (tables, MADT_IOAPIC, 1);
  append_le (tables, 12, 1);
  append_le (tables, 0, 1); /* I/O APIC ID */
  append_le (tables, 0, 1);
  append_le (tables, config->ioapic_base, 4);
  append_le (tables, 0, 4); /* first GSI; ISA interrupts are identity mapped, so no overrides */

  append_nmi (tables, config->n_cpus > MADT_FIRST_X2APIC_ID);

  end_table (tables, start);
  return start;
}

static guint
build_xsdt (GByteArray *tables, const guint64 *entries, gsize n_entries)
{
  const guint start = begin_table (tables, "XSDT", 1);

  for (gsize i = 0; i < n_entries; i++)
    append_le (tables, entries[i], 8);
  end_table (tables, start);
  return start;
}

static void
fill_rsdp (guint8 *rsdp, guint64 xsdt)
{
  memcpy (rsdp, "RSD PTR ", 8);
  memcpy (rsdp + 9, OEM_ID, 6);
  rsdp[15] = 2;
  put_le (rsdp + 20, RSDP_SIZE, 4);
  put_le (rsdp + 24, xsdt, 8);
  rsdp[8] = checksum (rsdp, RSDP_V1_SIZE);
  rsdp[32] = checksum (rsdp, RSDP_SIZE);
}

/**
 * sv_acpi_build:
 * @machine: root of the objects to describe
 * @config: what is not in the tree
 * @base: guest-physical address at which the result will lie; a multiple of 16
 *
 * Builds the tables of a hardware-reduced platform (ACPI 6.5 §4.1): RSDP, DSDT, FADT, MADT, XSDT.
 * No FACS and no PM timer exist there.
 *
 * Returns: (transfer full): the tables, or %NULL with @error set
 */
GByteArray *
sv_acpi_build (SvObject *machine, const SvAcpiConfig *config, guint64 base, GError **error)
{
  g_autoptr (GByteArray) tables = NULL;
  guint64 entries[2];
  guint64 dsdt;

  if (base % TABLE_ALIGNMENT != 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "ACPI tables at 0x%" G_GINT64_MODIFIER "x: the address must be a multiple of %u",
                   base, TABLE_ALIGNMENT);
      return NULL;
    }
  if (config->lapic_base > G_MAXUINT32 || config->ioapic_base > G_MAXUINT32)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "ACPI tables: interrupt controllers must lie below 4 GiB");
      return NULL;
    }

  tables = g_byte_array_sized_new (16 * 1024);
  append_zeros (tables, RSDP_SIZE);
  dsdt = base + build_dsdt (tables, machine);
  entries[0] = base + build_fadt (tables, config, dsdt);
  entries[1] = base + build_madt (tables, config);
  fill_rsdp (tables->data, base + build_xsdt (tables, entries, G_N_ELEMENTS (entries)));
  return g_steal_pointer (&tables);
}
