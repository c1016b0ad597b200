/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/unit/acpi-fixture.h"

#include <string.h>

#include "hw/acpi/sv-acpi-ged.h"
#include "hw/acpi/sv-aml.h"
#include "hw/pci/sv-pci-acpi.h"

static void
append_root_bus (GByteArray *scope)
{
  const SvPciAcpiHost host = {
    .last_bus = 255,
    .memory_base = SV_Q35_PCI_MMIO_BASE,
    .memory_size = SV_Q35_PCI_MMIO_SIZE,
    .prefetch_base = 0x100000000,
    .prefetch_size = 0x8000000000,
    .first_gsi = SV_Q35_PCI_GSI,
    .ecam_base = SV_Q35_ECAM_BASE,
    .ecam_size = 0x10000000,
  };

  sv_pci_acpi_append_host (scope, &host);
}

static void
test_described_build_aml (SvAcpiDescribed *described, GByteArray *scope)
{
  if (TEST_DESCRIBED (described)->number == ACPI_TEST_ROOT_BUS)
    {
      append_root_bus (scope);
      return;
    }

  g_autofree char *name = g_strdup_printf ("D%03u", TEST_DESCRIBED (described)->number);
  const guint device = sv_aml_begin_device (scope, name);
  guint block;

  sv_aml_name_string (scope, "_HID", "LNRO0005");
  sv_aml_name_int (scope, "_UID", TEST_DESCRIBED (described)->number);
  sv_aml_name_int (scope, "_CCA", 1);
  sv_aml_name (scope, "_CRS");
  block = sv_aml_begin_resources (scope);
  sv_aml_resource_io (scope, 0x3f8, 8);
  sv_aml_resource_irq (scope, 4);
  sv_aml_resource_memory32 (scope, 0xf0100000, 0x200);
  sv_aml_resource_interrupt (scope, 12, TRUE);
  sv_aml_resource_qword_memory (scope, 0x4000000000, 0x40000000, FALSE);
  sv_aml_end_resources (scope, block);
  sv_aml_end (scope, device);
}

static void
test_described_iface_init (SvAcpiDescribedInterface *iface)
{
  iface->build_aml = test_described_build_aml;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestDescribed,
                               test_described,
                               SV_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SV_TYPE_ACPI_DESCRIBED,
                                                      test_described_iface_init))

static void
test_described_init (TestDescribed *self)
{
}

static void
test_described_class_init (TestDescribedClass *klass)
{
}

SvAcpiCpu acpi_test_cpus[ACPI_TEST_MAX_CPUS];

const SvAcpiConfig acpi_test_config = {
  .cpus = acpi_test_cpus,
  .n_cpus = 1,
  .lapic_base = SV_X86_LAPIC_BASE,
  .ioapic_base = SV_X86_IOAPIC_BASE,
  .ioapic_pins = 24,
  .reset_register = SV_X86_GED_BASE + SV_ACPI_GED_RESET,
  .reset_value = SV_ACPI_GED_RESET_VALUE,
  .sleep_control = SV_X86_GED_BASE + SV_ACPI_GED_SLEEP_CONTROL,
  .sleep_status = SV_X86_GED_BASE + SV_ACPI_GED_SLEEP_STATUS,
  .has_cmos_rtc = TRUE,
};

static void
ignore_irq (gpointer opaque, guint line, gboolean level)
{
}

SvObject *
acpi_make_tree (guint n_described)
{
  SvObject *root = sv_object_new_container ();
  SvObject *nested = sv_object_ensure_container (root, "nested");
  g_autoptr (SvIrq) irq = sv_irq_new (ignore_irq, NULL, NULL, SV_MICROVM_GED_GSI);
  g_autoptr (SvAcpiGed) ged = sv_acpi_ged_new (SV_X86_GED_BASE, irq);

  for (guint i = 0; i < n_described; i++)
    {
      g_autoptr (TestDescribed) described = g_object_new (TEST_TYPE_DESCRIBED, NULL);
      g_autofree char *path = g_strdup_printf ("\\_SB.D%03u", i);

      described->number = i;
      sv_object_add_child_numbered (nested, "device", SV_OBJECT (described));
      if (SV_ACPI_GED_EVENT_SLOT + i < SV_ACPI_GED_MAX_EVENTS)
        sv_acpi_ged_add_notify (ged, SV_ACPI_GED_EVENT_SLOT + i, path, SV_ACPI_NOTIFY_DEVICE_CHECK);
    }
  sv_object_add_child_numbered (root, "ged", SV_OBJECT (ged));
  return root;
}

guint64
acpi_get_le (const guint8 *at, guint size)
{
  guint64 value = 0;

  memcpy (&value, at, size);
  return GUINT64_FROM_LE (value);
}

static guint8
sum (const guint8 *at, gsize length)
{
  guint8 total = 0;

  for (gsize i = 0; i < length; i++)
    total += at[i];
  return total;
}

const guint8 *
acpi_table_at (GByteArray *tables, guint64 address, const char *signature)
{
  const guint8 *table = tables->data + (address - ACPI_TEST_BASE);

  g_assert_cmpuint (address, >=, ACPI_TEST_BASE);
  g_assert_cmpuint (address - ACPI_TEST_BASE, <=, tables->len - 36);
  g_assert_cmpuint (address % 16, ==, 0);
  g_assert_cmpmem (table, 4, signature, 4);
  g_assert_cmpuint (address - ACPI_TEST_BASE + acpi_get_le (table + 4, 4), <=, tables->len);
  g_assert_cmpuint (sum (table, acpi_get_le (table + 4, 4)), ==, 0);
  return table;
}

AcpiTables
acpi_find_tables (GByteArray *bytes)
{
  AcpiTables tables = { .rsdp = bytes->data };

  g_assert_cmpmem (tables.rsdp, 8, "RSD PTR ", 8);
  g_assert_cmpuint (sum (tables.rsdp, 20), ==, 0);
  g_assert_cmpuint (sum (tables.rsdp, 36), ==, 0);
  g_assert_cmpuint (tables.rsdp[15], ==, 2);
  tables.xsdt = acpi_table_at (bytes, acpi_get_le (tables.rsdp + 24, 8), "XSDT");
  g_assert_cmpuint (acpi_get_le (tables.xsdt + 4, 4), >=, 36 + 2 * 8);
  tables.fadt = acpi_table_at (bytes, acpi_get_le (tables.xsdt + 36, 8), "FACP");
  tables.madt = acpi_table_at (bytes, acpi_get_le (tables.xsdt + 44, 8), "APIC");
  tables.dsdt = acpi_table_at (bytes, acpi_get_le (tables.fadt + 140, 8), "DSDT");
  return tables;
}

void
acpi_test_init_cpus (void)
{
  /* Three threads in each core; every fifth processor is not there. (iasl keeps what it does not know of the flags of
   * local APICs only.) */
  for (guint i = 0; i < ACPI_TEST_MAX_CPUS; i++)
    acpi_test_cpus[i] = (SvAcpiCpu){ .apic_id = i / 3 * 4 + i % 3, .absent = i % 5 == 4 && i < 190 };
}
