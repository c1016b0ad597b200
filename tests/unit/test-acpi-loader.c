/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-acpi-loader.h"

/* A firmware that carries out the commands, as QEMU's documentation of them has it. */

typedef struct
{
  const char *name;
  GByteArray *bytes;
  guint64 address; /* 0: no memory yet */
} File;

typedef struct
{
  File files[2];
  guint n_pointers;
  guint n_checksums;
} Firmware;

static guint64
get (const guint8 *at, guint size)
{
  guint64 value = 0;

  memcpy (&value, at, size);
  return GUINT64_FROM_LE (value);
}

static guint8
sum (const guint8 *bytes, gsize length)
{
  guint8 total = 0;

  for (gsize i = 0; i < length; i++)
    total += bytes[i];
  return total;
}

static File *
find (Firmware *self, const guint8 *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->files); i++)
    if (strcmp (self->files[i].name, (const char *)name) == 0)
      return &self->files[i];
  g_assert_not_reached ();
}

static void
run_command (Firmware *self, const guint8 *command)
{
  File *file = find (self, command + 4);
  guint64 offset, start, length, value;
  guint size;

  switch (get (command, 4))
    {
    case 1: /* alignment and zone */
      g_assert_cmpuint (file->address, ==, 0);
      g_assert_cmpuint (command[64], ==, file == &self->files[0] ? 2 : 1);
      file->address = file == &self->files[0] ? 0xf0010 : 0x7e654300;
      g_assert_cmpuint (file->address % get (command + 60, 4), ==, 0);
      break;
    case 2: /* the other file, offset and size of the pointer */
      g_assert_cmpuint (file->address, !=, 0);
      g_assert_cmpuint (find (self, command + 60)->address, !=, 0);
      offset = get (command + 116, 4);
      size = command[120];
      g_assert_true (size == 4 || size == 8);
      g_assert_cmpuint (offset + size, <=, file->bytes->len);
      value = get (file->bytes->data + offset, size) + find (self, command + 60)->address;
      memcpy (file->bytes->data + offset, &value, size);
      self->n_pointers++;
      break;
    case 3: /* offset of the result, start and length of what it is for */
      offset = get (command + 60, 4);
      start = get (command + 64, 4);
      length = get (command + 68, 4);
      g_assert_cmpuint (start + length, <=, file->bytes->len);
      g_assert_true (offset >= start && offset < start + length);
      g_assert_cmpuint (file->bytes->data[offset], ==, 0);
      file->bytes->data[offset] = -sum (file->bytes->data + start, length);
      self->n_checksums++;
      break;
    default:
      g_assert_not_reached ();
    }
}

static const guint8 *
at (Firmware *self, guint64 address)
{
  g_assert_cmphex (address, >=, self->files[1].address);
  g_assert_cmphex (address, <, self->files[1].address + self->files[1].bytes->len);
  return self->files[1].bytes->data + (address - self->files[1].address);
}

static const guint8 *
check_table (Firmware *self, guint64 address, const char *signature)
{
  const guint8 *table = at (self, address);

  g_assert_cmpmem (table, 4, signature, 4);
  g_assert_cmpuint (sum (table, get (table + 4, 4)), ==, 0);
  return table;
}

static GByteArray *
build (gboolean fixed_hardware)
{
  static const SvAcpiCpu cpus[3] = { { .apic_id = 0 }, { .apic_id = 1 }, { .apic_id = 2 } };
  const SvAcpiConfig config = {
    .n_cpus = G_N_ELEMENTS (cpus),
    .cpus = cpus,
    .lapic_base = 0xfee00000,
    .ioapic_base = 0xfec00000,
    .ioapic_pins = 24,
    .reset_register = 0xcf9,
    .reset_port = TRUE,
    .reset_value = 6,
    .pm_base = fixed_hardware ? 0x600 : 0,
    .sci = 9,
    .ecam_base = fixed_hardware ? 0xb0000000 : 0,
    .ecam_buses = 256,
  };
  g_autoptr (SvObject) tree = sv_object_new_container ();

  return sv_acpi_build (tree, &config, 0, NULL);
}

static void
test_load (gconstpointer data)
{
  gboolean fixed_hardware = GPOINTER_TO_INT (data);
  g_autoptr (GByteArray) tables = build (fixed_hardware);
  g_autoptr (SvAcpiLoader) loader = sv_acpi_loader_new (tables, NULL);
  Firmware self = { .files = { { SV_ACPI_FILE_RSDP, loader->rsdp, 0 },
                               { SV_ACPI_FILE_TABLES, loader->tables, 0 } } };
  const guint8 *xsdt, *fadt, *rsdp = loader->rsdp->data;
  guint n_tables;

  g_assert_cmpuint (loader->commands->len % SV_ACPI_LOADER_COMMAND_SIZE, ==, 0);
  for (guint i = 0; i < loader->commands->len; i += SV_ACPI_LOADER_COMMAND_SIZE)
    run_command (&self, loader->commands->data + i);

  g_assert_cmpuint (loader->rsdp->len, ==, 36);
  g_assert_cmpmem (rsdp, 8, "RSD PTR ", 8);
  g_assert_cmpuint (sum (rsdp, 20), ==, 0);
  g_assert_cmpuint (sum (rsdp, 36), ==, 0);
  xsdt = check_table (&self, get (rsdp + 24, 8), "XSDT");
  n_tables = (guint)(get (xsdt + 4, 4) - 36) / 8;
  g_assert_cmpuint (n_tables, ==, fixed_hardware ? 3 : 2);
  fadt = check_table (&self, get (xsdt + 36, 8), "FACP");
  check_table (&self, get (xsdt + 44, 8), "APIC");
  if (fixed_hardware)
    check_table (&self, get (xsdt + 52, 8), "MCFG");
  check_table (&self, get (fadt + 140, 8), "DSDT");
  if (get (fadt + 40, 4) != 0)
    check_table (&self, get (fadt + 40, 4), "DSDT");
  if (fixed_hardware)
    {
      guint64 facs = get (fadt + 132, 8) != 0 ? get (fadt + 132, 8) : get (fadt + 36, 4);

      g_assert_cmpmem (at (&self, facs), 4, "FACS", 4);
      g_assert_cmpuint (facs % 64, ==, 0);
    }
  g_assert_cmpuint (self.n_checksums, ==, n_tables + 1 /* DSDT */ + 1 /* XSDT */ + 2 /* RSDP */);
  g_assert_cmpuint (self.n_pointers, >=, n_tables + 2);
}

static void
test_malformed (void)
{
  g_autoptr (GByteArray) tables = build (TRUE);
  g_autoptr (GByteArray) nothing = g_byte_array_new ();

  g_assert_null (sv_acpi_loader_new (nothing, NULL));
  for (guint length = 1; length < tables->len; length += 13)
    {
      g_autoptr (GByteArray) part = g_byte_array_new ();
      g_autoptr (GError) error = NULL;

      g_byte_array_append (part, tables->data, length);
      g_assert_null (sv_acpi_loader_new (part, &error));
      g_assert_nonnull (error);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/acpi-loader/fixed-hardware", GINT_TO_POINTER (TRUE), test_load);
  g_test_add_data_func ("/acpi-loader/reduced-hardware", GINT_TO_POINTER (FALSE), test_load);
  g_test_add_func ("/acpi-loader/malformed", test_malformed);
  return g_test_run ();
}
