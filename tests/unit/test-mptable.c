/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hw/x86/sv-mptable.h"
#include "hw/x86/sv-x86-layout.h"
#include "tests/unit/guest-ram.h"

#define MIB 0x100000u

static guint
read_le (SvAddressSpace *memory, guint64 address, guint size)
{
  guint32 value = 0;

  g_assert_true (sv_address_space_read (memory, address, &value, size));
  return GUINT32_FROM_LE (value);
}

static guint8
sum (SvAddressSpace *memory, guint64 address, guint length)
{
  guint8 total = 0;

  for (guint i = 0; i < length; i++)
    total += read_le (memory, address + i, 1);
  return total;
}

static const SvCpuLayout single = { NULL, 1, 1, 1, 1 };

/* APIC ids of 12 processors with three threads a core: they leave out each fourth */
#define THREES 12u

/* Finds and reads the table as Linux does */
static void
test_write (gconstpointer data)
{
  const guint n_cpus = GPOINTER_TO_UINT (data);
  const guint threads = n_cpus == THREES ? 3 : 1;
  const SvCpuLayout layout = { NULL, n_cpus / threads, 1, 1, threads };
  g_autoptr (SvAddressSpace) memory = guest_ram_new (MIB, 0);
  g_autoptr (GError) error = NULL;
  const guint8 *entry_sizes = (const guint8 *)"\x14\x08\x08\x08\x08";
  guint table, length, at, cpus = 0, ioapics = 0, local_ints = 0;
  guint32 pins = 0;
  char signature[4];

  g_assert_true (sv_mptable_write (memory, &layout, n_cpus, &error));
  g_assert_no_error (error);

  g_assert_cmphex (read_le (memory, 0x40e, 2) << 4, ==, SV_X86_EBDA_START);
  g_assert_true (sv_address_space_read (memory, SV_X86_EBDA_START, signature, 4));
  g_assert_cmpmem (signature, 4, "_MP_", 4);
  g_assert_cmpuint (sum (memory, SV_X86_EBDA_START, 16), ==, 0);

  table = read_le (memory, SV_X86_EBDA_START + 4, 4);
  length = read_le (memory, table + 4, 2);
  g_assert_true (sv_address_space_read (memory, table, signature, 4));
  g_assert_cmpmem (signature, 4, "PCMP", 4);
  g_assert_cmpuint (sum (memory, table, length), ==, 0);
  g_assert_cmphex (read_le (memory, table + 36, 4), ==, SV_X86_LAPIC_BASE);
  if (table < 0xa0000)
    g_assert_cmpuint (table + length, <=, 0xa0000);
  else
    g_assert_cmpuint (table, >=, SV_X86_ACPI_END);
  g_assert_cmpuint (table + length, <=, MIB);

  at = table + 44;
  for (guint i = 0; i < read_le (memory, table + 34, 2); i++)
    {
      const guint type = read_le (memory, at, 1);

      g_assert_cmpuint (type, <=, 4);
      if (type == 0)
        {
          g_assert_cmpuint (read_le (memory, at + 1, 1), ==, n_cpus == THREES ? cpus / 3 * 4 + cpus % 3 : cpus);
          g_assert_cmpuint (read_le (memory, at + 3, 1), ==, cpus == 0 ? 3 : 1);
          cpus++;
        }
      else if (type == 1)
        {
          char bus[6];

          g_assert_true (sv_address_space_read (memory, at + 2, bus, sizeof bus));
          g_assert_cmpmem (bus, sizeof bus, "ISA   ", 6);
        }
      else if (type == 2)
        {
          g_assert_cmphex (read_le (memory, at + 4, 4), ==, SV_X86_IOAPIC_BASE);
          ioapics++;
        }
      else if (type == 3)
        {
          g_assert_cmpuint (read_le (memory, at + 5, 1), ==, read_le (memory, at + 7, 1));
          pins |= 1u << read_le (memory, at + 7, 1);
        }
      else
        {
          local_ints++;
        }
      at += entry_sizes[type];
    }
  g_assert_cmpuint (at, ==, table + length);
  g_assert_cmpuint (cpus, ==, n_cpus);
  g_assert_cmpuint (ioapics, ==, 1);
  g_assert_cmphex (pins, ==, 0xffffff);
  g_assert_cmpuint (local_ints, ==, 2);
}

static void
test_errors (void)
{
  g_autoptr (SvAddressSpace) small = guest_ram_new (0x9f000, 0);
  g_autoptr (SvAddressSpace) memory = guest_ram_new (MIB, 0);
  g_autoptr (GError) error = NULL;

  g_assert_false (sv_mptable_write (memory, &single, 0, &error));
  g_assert_nonnull (strstr (error->message, "1 to 254"));
  g_clear_error (&error);
  g_assert_false (sv_mptable_write (memory, &single, 255, &error));
  g_assert_nonnull (strstr (error->message, "255 processors"));
  g_clear_error (&error);
  g_assert_false (sv_mptable_write (small, &single, 1, &error));
  g_assert_nonnull (strstr (error->message, "no RAM"));
}

int
main (int argc, char **argv)
{
  static const guint cpus[] = { 1, 2, 8, 37, 38, 254 };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cpus); i++)
    {
      g_autofree char *path = g_strdup_printf ("/x86/mptable/write/%u", cpus[i]);

      g_test_add_data_func (path, GUINT_TO_POINTER (cpus[i]), test_write);
    }
  g_test_add_func ("/x86/mptable/errors", test_errors);
  return g_test_run ();
}
