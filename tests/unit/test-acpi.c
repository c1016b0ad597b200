/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <string.h>

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-acpi-cpus.h"
#include "hw/acpi/sv-acpi-ged.h"
#include "hw/acpi/sv-aml.h"
#include "hw/pci/sv-pci-acpi.h"
#include "hw/x86/sv-x86-layout.h"

/* Something in the tree that describes itself with every kind of resource. */
#define TEST_TYPE_DESCRIBED (test_described_get_type ())
G_DECLARE_FINAL_TYPE (TestDescribed, test_described, TEST, DESCRIBED, SvObject)

struct _TestDescribed
{
  SvObject parent_instance;
  guint number;
};

#define ROOT_BUS 1000u /* number of one that describes a PCI root bus instead */

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
  if (TEST_DESCRIBED (described)->number == ROOT_BUS)
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

#define BASE SV_X86_ACPI_RSDP

#define MAX_CPUS 300u

static SvAcpiCpu cpus[MAX_CPUS];

static const SvAcpiConfig config = {
  .cpus = cpus,
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

static SvObject *
make_tree (guint n_described)
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

static guint64
get_le (const guint8 *at, guint size)
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

static const guint8 *
table_at (GByteArray *tables, guint64 address, const char *signature)
{
  const guint8 *table = tables->data + (address - BASE);

  g_assert_cmpuint (address, >=, BASE);
  g_assert_cmpuint (address - BASE, <=, tables->len - 36);
  g_assert_cmpuint (address % 16, ==, 0);
  g_assert_cmpmem (table, 4, signature, 4);
  g_assert_cmpuint (address - BASE + get_le (table + 4, 4), <=, tables->len);
  g_assert_cmpuint (sum (table, get_le (table + 4, 4)), ==, 0);
  return table;
}

typedef struct
{
  const guint8 *rsdp, *xsdt, *fadt, *madt, *dsdt;
} Tables;

/* As an operating system finds them */
static Tables
find_tables (GByteArray *bytes)
{
  Tables tables = { .rsdp = bytes->data };

  g_assert_cmpmem (tables.rsdp, 8, "RSD PTR ", 8);
  g_assert_cmpuint (sum (tables.rsdp, 20), ==, 0);
  g_assert_cmpuint (sum (tables.rsdp, 36), ==, 0);
  g_assert_cmpuint (tables.rsdp[15], ==, 2);
  tables.xsdt = table_at (bytes, get_le (tables.rsdp + 24, 8), "XSDT");
  g_assert_cmpuint (get_le (tables.xsdt + 4, 4), >=, 36 + 2 * 8);
  tables.fadt = table_at (bytes, get_le (tables.xsdt + 36, 8), "FACP");
  tables.madt = table_at (bytes, get_le (tables.xsdt + 44, 8), "APIC");
  tables.dsdt = table_at (bytes, get_le (tables.fadt + 140, 8), "DSDT");
  return tables;
}

static void
test_fadt (void)
{
  g_autoptr (SvObject) root = make_tree (0);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GError) error = NULL;
  SvAcpiConfig changed = config;
  const guint8 *fadt;

  bytes = sv_acpi_build (root, &config, BASE, &error);
  g_assert_no_error (error);
  fadt = find_tables (bytes).fadt;
  g_assert_cmpuint (fadt[8], ==, 6);
  /* hardware-reduced, reset register; no VGA, no 8042, but a clock */
  g_assert_cmphex (get_le (fadt + 112, 4) & (1 << 20 | 1 << 10), ==, 1 << 20 | 1 << 10);
  g_assert_cmphex (get_le (fadt + 109, 2) & 0x26, ==, 0x04);
  g_assert_cmphex (get_le (fadt + 116 + 4, 8), ==, config.reset_register);
  g_assert_cmphex (fadt[128], ==, 0x42);
  g_assert_cmphex (get_le (fadt + 244 + 4, 8), ==, config.sleep_control);
  g_assert_cmphex (get_le (fadt + 256 + 4, 8), ==, config.sleep_status);
  g_assert_cmpuint (get_le (fadt + 76, 4), ==, 0); /* no PM timer */
  g_clear_pointer (&bytes, g_byte_array_unref);

  changed.has_8042 = TRUE;
  changed.has_cmos_rtc = FALSE;
  changed.reset_register = 0;
  bytes = sv_acpi_build (root, &changed, BASE, &error);
  g_assert_no_error (error);
  fadt = find_tables (bytes).fadt;
  g_assert_cmphex (get_le (fadt + 109, 2) & 0x26, ==, 0x26);
  g_assert_cmphex (get_le (fadt + 112, 4) & 1 << 10, ==, 0);
}

static void
test_madt (gconstpointer data)
{
  const guint n_cpus = GPOINTER_TO_UINT (data);
  g_autoptr (SvObject) root = make_tree (0);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GError) error = NULL;
  SvAcpiConfig changed = config;
  const guint8 *madt;
  guint seen = 0, ioapics = 0;

  changed.n_cpus = n_cpus;
  bytes = sv_acpi_build (root, &changed, BASE, &error);
  g_assert_no_error (error);
  madt = find_tables (bytes).madt;
  g_assert_cmphex (get_le (madt + 36, 4), ==, SV_X86_LAPIC_BASE);
  g_assert_cmphex (get_le (madt + 40, 4), ==, 0);

  for (guint at = 44; at < get_le (madt + 4, 4); at += madt[at + 1])
    {
      g_assert_cmpuint (madt[at + 1], >=, 2);
      if (madt[at] == 0)
        {
          g_assert_cmpuint (madt[at + 2], ==, seen);
          g_assert_cmpuint (madt[at + 3], ==, cpus[seen].apic_id);
          /* What may come later is said to be online capable (ACPI 6.5, table 5.22). */
          g_assert_cmpuint (get_le (madt + at + 4, 4), ==, cpus[seen++].absent ? 2 : 1);
        }
      else if (madt[at] == 9)
        {
          g_assert_cmpuint (get_le (madt + at + 4, 4), ==, cpus[seen].apic_id);
          g_assert_cmpuint (get_le (madt + at + 8, 4), ==, cpus[seen].absent ? 2 : 1);
          g_assert_cmpuint (get_le (madt + at + 12, 4), ==, seen++);
        }
      else if (madt[at] == 1)
        {
          ioapics++;
          g_assert_cmphex (get_le (madt + at + 4, 4), ==, SV_X86_IOAPIC_BASE);
        }
    }
  g_assert_cmpuint (seen, ==, n_cpus);
  g_assert_cmpuint (ioapics, ==, 1);
}

static void
run_iasl (const char *directory, const char *option, const char *file, char **output)
{
  const char *argv[] = { "iasl", option, file, NULL };
  g_autofree char *errors = NULL;
  g_autoptr (GError) error = NULL;
  gint status;

  g_spawn_sync (directory, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, output, &errors,
                &status, &error);
  g_assert_no_error (error);
  if (status != 0)
    g_test_message ("%s%s", *output, errors);
  g_assert_cmpint (status, ==, 0);
  g_assert_null (strstr (errors, "Error"));
  g_assert_null (strstr (errors, "Warning"));
}

static void
write_table (const char *directory, const char *name, const guint8 *table, gsize length)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, (const char *)table, length, &error);
  g_assert_no_error (error);
}

static void
remove_directory (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)))
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

/* Disassembles and compiles again: nothing to complain of, and the same bytes come out. */
static void
check_with_iasl (const char *name, const guint8 *table, gsize length)
{
  g_autofree char *directory = g_dir_make_tmp ("sv-acpi-XXXXXX", NULL);
  g_autofree char *aml = g_strconcat (name, ".aml", NULL);
  g_autofree char *dat = g_strconcat (name, ".dat", NULL);
  g_autofree char *dsl = g_strconcat (name, ".dsl", NULL);
  g_autofree char *path = g_build_filename (directory, aml, NULL);
  g_autofree char *output = NULL;
  g_autofree char *compiled = NULL;
  const char *summary;
  gsize compiled_length;

  g_assert_nonnull (directory);
  write_table (directory, dat, table, length);
  run_iasl (directory, "-d", dat, &output);
  g_clear_pointer (&output, g_free);
  run_iasl (directory, "-oa", dsl, &output);

  summary = strstr (output, "Compilation successful.");
  g_assert_nonnull (summary);
  if (!g_str_has_prefix (summary, "Compilation successful. 0 Errors, 0 Warnings, 0 Remarks"))
    g_test_message ("%s", output);
  g_assert_true (
      g_str_has_prefix (summary, "Compilation successful. 0 Errors, 0 Warnings, 0 Remarks"));

  g_assert_true (g_file_get_contents (path, &compiled, &compiled_length, NULL));
  g_assert_cmpuint (compiled_length, ==, length);
  /* The compiler signs the header; the checksum follows. */
  memcpy (compiled + 9, table + 9, 1);
  memcpy (compiled + 28, table + 28, 8);
  g_assert_cmpmem (compiled, compiled_length, table, length);
  remove_directory (directory);
}

static void
add_controller (SvObject *root, guint n_cpus)
{
  SvAcpiGed *ged = SV_ACPI_GED (sv_object_resolve (root, "ged[0]", SV_TYPE_ACPI_GED, NULL));
  g_autoptr (SvAcpiCpus) controller = sv_acpi_cpus_new (ged, SV_X86_CPUS_BASE);

  sv_acpi_cpus_set_places (controller, cpus, n_cpus);
  sv_acpi_ged_add_method (ged, SV_ACPI_GED_EVENT_CPUS, "\\_SB.CPUS.CSCN");
  sv_object_add_child_numbered (root, "cpus", SV_OBJECT (controller));
}

static void
test_iasl (gconstpointer data)
{
  const guint n_cpus = GPOINTER_TO_UINT (data);
  g_autoptr (SvObject) root = make_tree (n_cpus == 1 ? 0 : 11);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GError) error = NULL;
  SvAcpiConfig changed = config;
  Tables tables;

  changed.n_cpus = n_cpus;
  if (n_cpus < SV_ACPI_CPUS_NONE)
    add_controller (root, n_cpus);
  bytes = sv_acpi_build (root, &changed, BASE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (BASE + bytes->len, <=, SV_X86_ACPI_END);

  tables = find_tables (bytes);
  check_with_iasl ("xsdt", tables.xsdt, get_le (tables.xsdt + 4, 4));
  check_with_iasl ("facp", tables.fadt, get_le (tables.fadt + 4, 4));
  check_with_iasl ("apic", tables.madt, get_le (tables.madt + 4, 4));
  check_with_iasl ("dsdt", tables.dsdt, get_le (tables.dsdt + 4, 4));
}

/* What the guest sees of the power button, a slot, S5 and what was found deep in the tree */
static void
test_dsdt (void)
{
  g_autofree char *directory = g_dir_make_tmp ("sv-acpi-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "dsdt.dsl", NULL);
  g_autoptr (SvObject) root = make_tree (2);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;
  g_autofree char *text = NULL;
  const guint8 *dsdt;

  bytes = sv_acpi_build (root, &config, BASE, &error);
  g_assert_no_error (error);
  dsdt = find_tables (bytes).dsdt;
  write_table (directory, "dsdt.dat", dsdt, get_le (dsdt + 4, 4));
  run_iasl (directory, "-d", "dsdt.dat", &output);
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
  remove_directory (directory);
}

/* A platform with fixed hardware and PCI Express, as q35 is */
static void
test_fixed_hardware (void)
{
  g_autoptr (SvObject) root = make_tree (0);
  g_autoptr (TestDescribed) bus = g_object_new (TEST_TYPE_DESCRIBED, NULL);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GError) error = NULL;
  SvAcpiConfig changed = config;
  const guint8 *facs, *mcfg, *override, *spcr;
  Tables tables;

  bus->number = ROOT_BUS;
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
  bytes = sv_acpi_build (root, &changed, BASE, &error);
  g_assert_no_error (error);

  tables = find_tables (bytes);
  g_assert_cmphex (get_le (tables.fadt + 112, 4) & 1u << 20, ==, 0);
  g_assert_cmphex (get_le (tables.fadt + 46, 2), ==, 9);
  g_assert_cmphex (get_le (tables.fadt + 56, 4), ==, 0x600);
  g_assert_cmphex (get_le (tables.fadt + 148 + 4, 8), ==, 0x600);
  g_assert_cmpuint (tables.fadt[88], ==, 4);
  g_assert_cmphex (get_le (tables.fadt + 116, 1), ==, 1);
  g_assert_cmphex (get_le (tables.fadt + 120, 8), ==, 0xcf9);
  g_assert_cmphex (get_le (tables.fadt + 40, 4), ==, get_le (tables.fadt + 140, 8));
  facs = bytes->data + (get_le (tables.fadt + 36, 4) - BASE);
  g_assert_cmpuint (get_le (tables.fadt + 36, 4) % 64, ==, 0);
  g_assert_cmpmem (facs, 4, "FACS", 4);
  mcfg = table_at (bytes, get_le (tables.xsdt + 52, 8), "MCFG");
  g_assert_cmphex (get_le (mcfg + 44, 8), ==, SV_Q35_ECAM_BASE);
  g_assert_cmpuint (mcfg[55], ==, 255);
  spcr = table_at (bytes, get_le (tables.xsdt + 60, 8), "SPCR");
  g_assert_cmphex (get_le (spcr + 44, 8), ==, 0x3f8);
  g_assert_cmpuint (spcr[53], ==, 4);
  g_assert_cmpuint (get_le (spcr + 54, 4), ==, 4);
  /* After one local APIC and the IOAPIC: the system control interrupt is a level. */
  override = tables.madt + 44 + 8 + 12;
  g_assert_cmphex (get_le (override, 4), ==, 0x09000a02);
  g_assert_cmphex (get_le (override + 8, 2), ==, 0xd);

  check_with_iasl ("facp", tables.fadt, get_le (tables.fadt + 4, 4));
  check_with_iasl ("apic", tables.madt, get_le (tables.madt + 4, 4));
  check_with_iasl ("dsdt", tables.dsdt, get_le (tables.dsdt + 4, 4));
  check_with_iasl ("mcfg", mcfg, get_le (mcfg + 4, 4));
  check_with_iasl ("spcr", spcr, get_le (spcr + 4, 4));
  check_with_iasl ("facs", facs, 64);
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
  g_autoptr (SvObject) root = make_tree (0);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GError) error = NULL;
  SvAcpiConfig changed = config;
  const guint8 *srat, *slit, *p;
  Tables tables;

  changed.n_cpus = 3;
  changed.numa = &numa;
  changed.ram_below_4g = 0x80000000;
  bytes = sv_acpi_build (root, &changed, BASE, &error);
  g_assert_no_error (error);
  tables = find_tables (bytes);
  srat = table_at (bytes, get_le (tables.xsdt + 52, 8), "SRAT");
  slit = table_at (bytes, get_le (tables.xsdt + 60, 8), "SLIT");
  p = srat + 48;
  for (guint i = 0; i < 3; i++, p += p[1])
    {
      g_assert_cmpuint (p[0], ==, 0);
      g_assert_cmpuint (p[2], ==, cpu_nodes[i]);
      g_assert_cmpuint (p[3], ==, cpus[i].apic_id);
      g_assert_cmpuint (get_le (p + 4, 4), ==, 1);
    }
  for (guint i = 0; i < 3; i++, p += p[1])
    {
      g_assert_cmpuint (p[0], ==, 1);
      g_assert_cmpuint (get_le (p + 2, 4), ==, ranges[i][0]);
      g_assert_cmphex (get_le (p + 8, 8), ==, ranges[i][1]);
      g_assert_cmphex (get_le (p + 16, 8), ==, ranges[i][2]);
      g_assert_cmpuint (get_le (p + 28, 4), ==, 1);
    }
  g_assert_true (p == srat + get_le (srat + 4, 4));
  g_assert_cmpuint (get_le (slit + 36, 8), ==, 2);
  g_assert_cmpmem (slit + 44, 4, distances, 4);
  check_with_iasl ("srat", srat, get_le (srat + 4, 4));
  check_with_iasl ("slit", slit, get_le (slit + 4, 4));
}

static void
test_errors (void)
{
  g_autoptr (SvObject) root = make_tree (0);
  g_autoptr (GError) error = NULL;
  SvAcpiConfig changed = config;

  g_assert_null (sv_acpi_build (root, &config, BASE + 8, &error));
  g_assert_nonnull (strstr (error->message, "0xe0008"));
  g_clear_error (&error);
  changed.ioapic_base = G_GUINT64_CONSTANT (0x100000000);
  g_assert_null (sv_acpi_build (root, &changed, BASE, &error));
  g_assert_nonnull (strstr (error->message, "4 GiB"));
}

int
main (int argc, char **argv)
{
  static const guint counts[] = { 1, 8, 254, MAX_CPUS };

  /* Three threads in each core; every fifth processor is not there. (iasl keeps what it does not know of the flags of
   * local APICs only.) */
  for (guint i = 0; i < MAX_CPUS; i++)
    cpus[i] = (SvAcpiCpu){ .apic_id = i / 3 * 4 + i % 3, .absent = i % 5 == 4 && i < 190 };
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
