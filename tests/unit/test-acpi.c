/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ACPI tables: what they say, and that they are well-formed. */

#include <string.h>

#include "hw/acpi/sv-acpi-cpus.h"
#include "hw/acpi/sv-acpi-ged.h"
#include "tests/unit/acpi-fixture.h"
#include "tests/unit/iasl.h"

static void
test_fadt (void)
{
  g_autoptr (SvObject) root = acpi_make_tree (0);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GError) error = NULL;
  SvAcpiConfig changed = acpi_test_config;
  const guint8 *fadt;

  bytes = sv_acpi_build (root, &acpi_test_config, ACPI_TEST_BASE, &error);
  g_assert_no_error (error);
  fadt = acpi_find_tables (bytes).fadt;
  g_assert_cmpuint (fadt[8], ==, 6);
  /* hardware-reduced, reset register; no VGA, no 8042, but a clock */
  g_assert_cmphex (acpi_get_le (fadt + 112, 4) & (1 << 20 | 1 << 10), ==, 1 << 20 | 1 << 10);
  g_assert_cmphex (acpi_get_le (fadt + 109, 2) & 0x26, ==, 0x04);
  g_assert_cmphex (acpi_get_le (fadt + 116 + 4, 8), ==, acpi_test_config.reset_register);
  g_assert_cmphex (fadt[128], ==, 0x42);
  g_assert_cmphex (acpi_get_le (fadt + 244 + 4, 8), ==, acpi_test_config.sleep_control);
  g_assert_cmphex (acpi_get_le (fadt + 256 + 4, 8), ==, acpi_test_config.sleep_status);
  g_assert_cmpuint (acpi_get_le (fadt + 76, 4), ==, 0); /* no PM timer */
  g_clear_pointer (&bytes, g_byte_array_unref);

  changed.has_8042 = TRUE;
  changed.has_cmos_rtc = FALSE;
  changed.reset_register = 0;
  bytes = sv_acpi_build (root, &changed, ACPI_TEST_BASE, &error);
  g_assert_no_error (error);
  fadt = acpi_find_tables (bytes).fadt;
  g_assert_cmphex (acpi_get_le (fadt + 109, 2) & 0x26, ==, 0x26);
  g_assert_cmphex (acpi_get_le (fadt + 112, 4) & 1 << 10, ==, 0);
}

static void
test_madt (gconstpointer data)
{
  const guint n_cpus = GPOINTER_TO_UINT (data);
  g_autoptr (SvObject) root = acpi_make_tree (0);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GError) error = NULL;
  SvAcpiConfig changed = acpi_test_config;
  const guint8 *madt;
  guint seen = 0, ioapics = 0;

  changed.n_cpus = n_cpus;
  bytes = sv_acpi_build (root, &changed, ACPI_TEST_BASE, &error);
  g_assert_no_error (error);
  madt = acpi_find_tables (bytes).madt;
  g_assert_cmphex (acpi_get_le (madt + 36, 4), ==, SV_X86_LAPIC_BASE);
  g_assert_cmphex (acpi_get_le (madt + 40, 4), ==, 0);

  for (guint at = 44; at < acpi_get_le (madt + 4, 4); at += madt[at + 1])
    {
      g_assert_cmpuint (madt[at + 1], >=, 2);
      if (madt[at] == 0)
        {
          g_assert_cmpuint (madt[at + 2], ==, seen);
          g_assert_cmpuint (madt[at + 3], ==, acpi_test_cpus[seen].apic_id);
          /* What may come later is said to be online capable (ACPI 6.5, table 5.22). */
          g_assert_cmpuint (acpi_get_le (madt + at + 4, 4), ==, acpi_test_cpus[seen++].absent ? 2 : 1);
        }
      else if (madt[at] == 9)
        {
          g_assert_cmpuint (acpi_get_le (madt + at + 4, 4), ==, acpi_test_cpus[seen].apic_id);
          g_assert_cmpuint (acpi_get_le (madt + at + 8, 4), ==, acpi_test_cpus[seen].absent ? 2 : 1);
          g_assert_cmpuint (acpi_get_le (madt + at + 12, 4), ==, seen++);
        }
      else if (madt[at] == 1)
        {
          ioapics++;
          g_assert_cmphex (acpi_get_le (madt + at + 4, 4), ==, SV_X86_IOAPIC_BASE);
        }
    }
  g_assert_cmpuint (seen, ==, n_cpus);
  g_assert_cmpuint (ioapics, ==, 1);
}

static void
add_controller (SvObject *root, guint n_cpus)
{
  SvAcpiGed *ged = SV_ACPI_GED (sv_object_resolve (root, "ged[0]", SV_TYPE_ACPI_GED, NULL));
  g_autoptr (SvAcpiCpus) controller = sv_acpi_cpus_new (ged, SV_X86_CPUS_BASE);

  sv_acpi_cpus_set_places (controller, acpi_test_cpus, n_cpus);
  sv_acpi_ged_add_method (ged, SV_ACPI_GED_EVENT_CPUS, "\\_SB.CPUS.CSCN");
  sv_object_add_child_numbered (root, "cpus", SV_OBJECT (controller));
}

static void
test_iasl (gconstpointer data)
{
  const guint n_cpus = GPOINTER_TO_UINT (data);
  g_autoptr (SvObject) root = acpi_make_tree (n_cpus == 1 ? 0 : 11);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GError) error = NULL;
  SvAcpiConfig changed = acpi_test_config;
  AcpiTables tables;

  changed.n_cpus = n_cpus;
  if (n_cpus < SV_ACPI_CPUS_NONE)
    add_controller (root, n_cpus);
  bytes = sv_acpi_build (root, &changed, ACPI_TEST_BASE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ACPI_TEST_BASE + bytes->len, <=, SV_X86_ACPI_END);

  tables = acpi_find_tables (bytes);
  iasl_check ("xsdt", tables.xsdt, acpi_get_le (tables.xsdt + 4, 4));
  iasl_check ("facp", tables.fadt, acpi_get_le (tables.fadt + 4, 4));
  iasl_check ("apic", tables.madt, acpi_get_le (tables.madt + 4, 4));
  iasl_check ("dsdt", tables.dsdt, acpi_get_le (tables.dsdt + 4, 4));
}

/* What the guest sees of the power button, a slot, S5 and what was found deep in the tree */
static void
test_dsdt (void)
{
  g_autofree char *directory = g_dir_make_tmp ("sv-acpi-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "dsdt.dsl", NULL);
  g_autoptr (SvObject) root = acpi_make_tree (2);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;
  g_autofree char *text = NULL;
  const guint8 *dsdt;

  bytes = sv_acpi_build (root, &acpi_test_config, ACPI_TEST_BASE, &error);
  g_assert_no_error (error);
  dsdt = acpi_find_tables (bytes).dsdt;
  iasl_write_table (directory, "dsdt.dat", dsdt, acpi_get_le (dsdt + 4, 4));
  iasl_run (directory, "-d", "dsdt.dat", &output);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_strdelimit (text, "\n", ' ');

  g_assert_true (
      g_regex_match_simple ("Device \\(D000\\).*\"LNRO0005\".*Device \\(D001\\)", text, 0, 0));
  g_assert_true (g_regex_match_simple ("Device \\(PWRB\\).*PNP0C0C", text, 0, 0));
  g_assert_true (g_regex_match_simple ("Device \\(GED\\).*\"ACPI0013\"", text, 0, 0));
  g_assert_true (g_regex_match_simple (
      "ResourceConsumer, Edge, ActiveHigh, Exclusive[^}]*0x00000017", text, 0, 0));
  g_assert_true (g_regex_match_simple (
      "Local0 = ESEL.*If \\(\\(Local0 & 0x02\\)\\) +\\{ +Notify \\(\\\\_SB.PWRB, 0x80\\)", text, 0,
      0));
  g_assert_true (g_regex_match_simple (
      "If \\(\\(Local0 & 0x0200\\)\\) +\\{ +Notify \\(\\\\_SB.D001, One\\)", text, 0, 0));
  g_assert_true (
      g_regex_match_simple ("Name \\(\\\\_S5, Package \\(0x04\\).*\\{ +0x05,", text, 0, 0));
  iasl_remove_directory (directory);
}

/* A platform with fixed hardware and PCI Express, as q35 is */
static void
test_fixed_hardware (void)
{
  g_autoptr (SvObject) root = acpi_make_tree (0);
  g_autoptr (TestDescribed) bus = g_object_new (TEST_TYPE_DESCRIBED, NULL);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GError) error = NULL;
  SvAcpiConfig changed = acpi_test_config;
  const guint8 *facs, *mcfg, *override, *spcr;
  AcpiTables tables;

  bus->number = ACPI_TEST_ROOT_BUS;
  sv_object_add_child_numbered (root, "bus", SV_OBJECT (bus));
  changed.sleep_control = changed.sleep_status = 0;
  changed.reset_register = 0xcf9;
  changed.reset_port = TRUE;
  changed.reset_value = 6;
  changed.pm_base = SV_Q35_PM_BASE;
  changed.sci = SV_Q35_SCI;
  changed.ecam_base = SV_Q35_ECAM_BASE;
  changed.ecam_buses = 256;
  changed.console_port = 0x3f8;
  changed.console_irq = 4;
  bytes = sv_acpi_build (root, &changed, ACPI_TEST_BASE, &error);
  g_assert_no_error (error);

  tables = acpi_find_tables (bytes);
  g_assert_cmphex (acpi_get_le (tables.fadt + 112, 4) & 1u << 20, ==, 0);
  g_assert_cmphex (acpi_get_le (tables.fadt + 46, 2), ==, 9);
  g_assert_cmphex (acpi_get_le (tables.fadt + 56, 4), ==, 0x600);
  g_assert_cmphex (acpi_get_le (tables.fadt + 148 + 4, 8), ==, 0x600);
  g_assert_cmpuint (tables.fadt[88], ==, 4);
  g_assert_cmphex (acpi_get_le (tables.fadt + 116, 1), ==, 1);
  g_assert_cmphex (acpi_get_le (tables.fadt + 120, 8), ==, 0xcf9);
  g_assert_cmphex (acpi_get_le (tables.fadt + 40, 4), ==, acpi_get_le (tables.fadt + 140, 8));
  facs = bytes->data + (acpi_get_le (tables.fadt + 36, 4) - ACPI_TEST_BASE);
  g_assert_cmpuint (acpi_get_le (tables.fadt + 36, 4) % 64, ==, 0);
  g_assert_cmpmem (facs, 4, "FACS", 4);
  mcfg = acpi_table_at (bytes, acpi_get_le (tables.xsdt + 52, 8), "MCFG");
  g_assert_cmphex (acpi_get_le (mcfg + 44, 8), ==, SV_Q35_ECAM_BASE);
  g_assert_cmpuint (mcfg[55], ==, 255);
  spcr = acpi_table_at (bytes, acpi_get_le (tables.xsdt + 60, 8), "SPCR");
  g_assert_cmphex (acpi_get_le (spcr + 44, 8), ==, 0x3f8);
  g_assert_cmpuint (spcr[53], ==, 4);
  g_assert_cmpuint (acpi_get_le (spcr + 54, 4), ==, 4);
  /* After one local APIC and the IOAPIC: the system control interrupt is a level. */
  override = tables.madt + 44 + 8 + 12;
  g_assert_cmphex (acpi_get_le (override, 4), ==, 0x09000a02);
  g_assert_cmphex (acpi_get_le (override + 8, 2), ==, 0xd);

  iasl_check ("facp", tables.fadt, acpi_get_le (tables.fadt + 4, 4));
  iasl_check ("apic", tables.madt, acpi_get_le (tables.madt + 4, 4));
  iasl_check ("dsdt", tables.dsdt, acpi_get_le (tables.dsdt + 4, 4));
  iasl_check ("mcfg", mcfg, acpi_get_le (mcfg + 4, 4));
  iasl_check ("spcr", spcr, acpi_get_le (spcr + 4, 4));
  iasl_check ("facs", facs, 64);
}

/* Two nodes, the second on both sides of the hole below 4 GiB */
static void
test_numa (void)
{
  SvNumaRam ram[] = { { NULL, 0x40000000 }, { NULL, 0x80000000 } };
  guint8 cpu_nodes[] = { 0, 1, 0 };
  guint8 distances[] = { 10, 21, 31, 10 };
  SvNuma numa = { 2, ram, 3, cpu_nodes, distances };
  static const guint64 ranges[][3] = { { 0, 0, 0x40000000 },
                                       { 1, 0x40000000, 0x40000000 },
                                       { 1, 0x100000000, 0x40000000 } };
  g_autoptr (SvObject) root = acpi_make_tree (0);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GError) error = NULL;
  SvAcpiConfig changed = acpi_test_config;
  const guint8 *srat, *slit, *p;
  AcpiTables tables;

  changed.n_cpus = 3;
  changed.numa = &numa;
  changed.ram_below_4g = 0x80000000;
  bytes = sv_acpi_build (root, &changed, ACPI_TEST_BASE, &error);
  g_assert_no_error (error);
  tables = acpi_find_tables (bytes);
  srat = acpi_table_at (bytes, acpi_get_le (tables.xsdt + 52, 8), "SRAT");
  slit = acpi_table_at (bytes, acpi_get_le (tables.xsdt + 60, 8), "SLIT");
  p = srat + 48;
  for (guint i = 0; i < 3; i++, p += p[1])
    {
      g_assert_cmpuint (p[0], ==, 0);
      g_assert_cmpuint (p[2], ==, cpu_nodes[i]);
      g_assert_cmpuint (p[3], ==, acpi_test_cpus[i].apic_id);
      g_assert_cmpuint (acpi_get_le (p + 4, 4), ==, 1);
    }
  for (guint i = 0; i < 3; i++, p += p[1])
    {
      g_assert_cmpuint (p[0], ==, 1);
      g_assert_cmpuint (acpi_get_le (p + 2, 4), ==, ranges[i][0]);
      g_assert_cmphex (acpi_get_le (p + 8, 8), ==, ranges[i][1]);
      g_assert_cmphex (acpi_get_le (p + 16, 8), ==, ranges[i][2]);
      g_assert_cmpuint (acpi_get_le (p + 28, 4), ==, 1);
    }
  g_assert_true (p == srat + acpi_get_le (srat + 4, 4));
  g_assert_cmpuint (acpi_get_le (slit + 36, 8), ==, 2);
  g_assert_cmpmem (slit + 44, 4, distances, 4);
  iasl_check ("srat", srat, acpi_get_le (srat + 4, 4));
  iasl_check ("slit", slit, acpi_get_le (slit + 4, 4));
}

static void
test_errors (void)
{
  g_autoptr (SvObject) root = acpi_make_tree (0);
  g_autoptr (GError) error = NULL;
  SvAcpiConfig changed = acpi_test_config;

  g_assert_null (sv_acpi_build (root, &acpi_test_config, ACPI_TEST_BASE + 8, &error));
  g_assert_nonnull (strstr (error->message, "0xe0008"));
  g_clear_error (&error);
  changed.ioapic_base = G_GUINT64_CONSTANT (0x100000000);
  g_assert_null (sv_acpi_build (root, &changed, ACPI_TEST_BASE, &error));
  g_assert_nonnull (strstr (error->message, "4 GiB"));
}

int
main (int argc, char **argv)
{
  static const guint counts[] = { 1, 8, 254, ACPI_TEST_MAX_CPUS };

  acpi_test_init_cpus ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/acpi/tables/fadt", test_fadt);
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      g_autofree char *madt = g_strdup_printf ("/acpi/tables/madt/%u", counts[i]);
      g_autofree char *iasl = g_strdup_printf ("/acpi/tables/iasl/%u", counts[i]);

      g_test_add_data_func (madt, GUINT_TO_POINTER (counts[i]), test_madt);
      g_test_add_data_func (iasl, GUINT_TO_POINTER (counts[i]), test_iasl);
    }
  g_test_add_func ("/acpi/tables/dsdt", test_dsdt);
  g_test_add_func ("/acpi/tables/fixed-hardware", test_fixed_hardware);
  g_test_add_func ("/acpi/tables/numa", test_numa);
  g_test_add_func ("/acpi/tables/errors", test_errors);
  return g_test_run ();
}
