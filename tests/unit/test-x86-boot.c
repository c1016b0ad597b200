/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>

#include "hw/x86/sv-x86-boot.h"
#include "hw/x86/sv-x86-layout.h"
#include "tests/unit/boot-files.h"
#include "tests/unit/guest-ram.h"

#define RAM (32 * BOOT_MIB)
#define RAM_ABOVE (16 * BOOT_MIB)
#define RSDP SV_X86_ACPI_RSDP

static const SvE820Entry e820[] = {
  { 0, SV_X86_EBDA_START, 1 },
  { SV_X86_EBDA_START, 0xa0000 - SV_X86_EBDA_START, 2 },
  { BOOT_MIB, RAM - BOOT_MIB, 1 },
  { SV_X86_RAM_ABOVE_4G, RAM_ABOVE, 1 },
};

typedef struct
{
  SvAddressSpace *memory;
  char *kernel;
  char *initrd;
  SvX86Boot *boot;
  SvX86Entry entry;
} Fixture;

static Fixture
set_up (GByteArray *kernel, gsize initrd_size)
{
  Fixture f = { .memory = guest_ram_new (RAM, RAM_ABOVE) };
  g_autofree guint8 *initrd = g_malloc (initrd_size);
  g_autoptr (GError) error = NULL;

  f.kernel = boot_write (kernel->data, kernel->len);
  g_byte_array_unref (kernel);
  for (gsize i = 0; i < initrd_size; i++)
    initrd[i] = boot_pattern (i);
  if (initrd_size > 0)
    f.initrd = boot_write (initrd, initrd_size);
  f.boot = sv_x86_boot_new (NULL, f.kernel, f.initrd, &error);
  g_assert_no_error (error);
  return f;
}

static void
tear_down (Fixture *f)
{
  g_unlink (f->kernel);
  g_unlink (f->initrd ? f->initrd : f->kernel);
  g_free (f->kernel);
  g_free (f->initrd);
  g_object_unref (f->boot);
  g_object_unref (f->memory);
}

static gboolean
load (Fixture *f, const char *cmdline, GError **error)
{
  return sv_x86_boot_load (f->boot, f->memory, cmdline, e820, G_N_ELEMENTS (e820), RSDP, &f->entry,
                           error);
}

static void
load_ok (Fixture *f, const char *cmdline)
{
  g_autoptr (GError) error = NULL;

  load (f, cmdline, &error);
  g_assert_no_error (error);
}

static guint64
read_le (Fixture *f, guint64 address, guint size)
{
  guint64 value = 0;

  g_assert_true (sv_address_space_read (f->memory, address, &value, size));
  return GUINT64_FROM_LE (value);
}

static void
assert_pattern (Fixture *f, guint64 address, guint from, guint length)
{
  g_autofree guint8 *bytes = g_malloc (length);

  g_assert_true (sv_address_space_read (f->memory, address, bytes, length));
  for (guint i = 0; i < length; i++)
    g_assert_cmpuint (bytes[i], ==, boot_pattern (from + i));
}

static void
assert_bytes (Fixture *f, guint64 address, guint8 byte, guint length)
{
  for (guint i = 0; i < length; i++)
    g_assert_cmpuint (read_le (f, address + i, 1), ==, byte);
}

static void
assert_string (Fixture *f, guint64 address, const char *string)
{
  g_autofree char *bytes = g_malloc (strlen (string) + 1);

  g_assert_true (sv_address_space_read (f->memory, address, bytes, strlen (string) + 1));
  g_assert_cmpstr (bytes, ==, string);
}

/* Walks the tables of four levels as the processor does. */
static void
assert_mapped (Fixture *f, guint64 address)
{
  guint64 table = f->entry.cr3;

  for (gint shift = 39; shift >= 21; shift -= 9)
    {
      const guint64 entry = read_le (f, table + ((address >> shift) & 511) * 8, 8);

      g_assert_cmphex (entry & 3, ==, 3);
      if (shift == 21)
        {
          g_assert_cmphex (entry & 0x80, ==, 0x80);
          g_assert_cmphex (entry & ~G_GUINT64_CONSTANT (0x1fffff), ==,
                           address & ~G_GUINT64_CONSTANT (0x1fffff));
        }
      else
        {
          g_assert_cmphex (entry & 0x80, ==, 0);
        }
      table = entry & ~G_GUINT64_CONSTANT (0xfff);
    }
}

static void
assert_gdt (Fixture *f)
{
  const guint64 gdt = f->entry.gdt_base;

  g_assert_cmpuint (f->entry.gdt_limit, >=, SV_X86_GDT_TSS + 15);
  g_assert_cmphex (read_le (f, gdt, 8), ==, 0);
  /* Code is executable, 32-bit or long; data is writable; both are flat. */
  g_assert_cmphex (read_le (f, gdt + SV_X86_GDT_CODE32, 8), ==, 0x00cf9b000000ffff);
  g_assert_cmphex (read_le (f, gdt + SV_X86_GDT_CODE64, 8), ==, 0x00af9b000000ffff);
  g_assert_cmphex (read_le (f, gdt + SV_X86_GDT_DATA, 8), ==, 0x00cf93000000ffff);
  g_assert_cmphex (read_le (f, gdt + SV_X86_GDT_TSS, 8), ==, 0x00008b0000000067);
}

static void
assert_long_mode (Fixture *f, guint64 rip)
{
  g_assert_cmpint (f->entry.mode, ==, SV_X86_ENTRY_LONG_MODE);
  g_assert_cmphex (f->entry.rip, ==, rip);
  g_assert_cmphex (f->entry.rsi, ==, SV_X86_ZERO_PAGE);
  g_assert_cmphex (f->entry.rsp, ==, SV_X86_BOOT_STACK);
  assert_mapped (f, rip);
  assert_mapped (f, SV_X86_ZERO_PAGE);
  assert_mapped (f, SV_X86_CMDLINE);
  assert_mapped (f, 0xffffffff);
  assert_gdt (f);
}

static void
assert_zero_page (Fixture *f, const char *cmdline)
{
  const guint64 zp = SV_X86_ZERO_PAGE;

  g_assert_cmphex (read_le (f, zp + 0x070, 8), ==, RSDP);
  g_assert_cmphex (read_le (f, zp + 0x1fe, 2), ==, 0xaa55);
  g_assert_cmphex (read_le (f, zp + 0x202, 4), ==, 0x53726448);
  g_assert_cmphex (read_le (f, zp + 0x210, 1), ==, 0xff);
  g_assert_cmphex (read_le (f, zp + 0x228, 4), ==, SV_X86_CMDLINE);
  g_assert_cmphex (read_le (f, zp + 0x0c8, 4), ==, 0);
  assert_string (f, SV_X86_CMDLINE, cmdline);
  g_assert_cmpuint (read_le (f, zp + 0x1e8, 1), ==, G_N_ELEMENTS (e820));
  for (guint i = 0; i < G_N_ELEMENTS (e820); i++)
    {
      g_assert_cmphex (read_le (f, zp + 0x2d0 + i * 20, 8), ==, e820[i].start);
      g_assert_cmphex (read_le (f, zp + 0x2d0 + i * 20 + 8, 8), ==, e820[i].size);
      g_assert_cmphex (read_le (f, zp + 0x2d0 + i * 20 + 16, 4), ==, e820[i].type);
    }
}

static guint64
ramdisk (Fixture *f, guint64 *size)
{
  const guint64 zp = SV_X86_ZERO_PAGE;

  *size = read_le (f, zp + 0x21c, 4) | read_le (f, zp + 0x0c4, 4) << 32;
  return read_le (f, zp + 0x218, 4) | read_le (f, zp + 0x0c0, 4) << 32;
}

static void
assert_ramdisk (Fixture *f, guint64 address, guint64 size)
{
  guint64 found_size;

  g_assert_cmphex (ramdisk (f, &found_size), ==, address);
  g_assert_cmpuint (found_size, ==, size);
  assert_pattern (f, address, 0, MIN (size, 4096));
  assert_pattern (f, address + size - 1, size - 1, 1);
}

static void
test_bzimage (void)
{
  Fixture f = set_up (boot_make_bzimage (), 5000);

  load_ok (&f, "console=ttyS0");
  assert_long_mode (&f, BZ_PREF_ADDRESS + 0x200);
  assert_pattern (&f, BZ_PREF_ADDRESS, 0, BZ_PAYLOAD);
  assert_zero_page (&f, "console=ttyS0");
  assert_ramdisk (&f, RAM - 8192, 5000);
  /* The kernel's own header came along. */
  g_assert_cmphex (read_le (&f, SV_X86_ZERO_PAGE + 0x260, 4), ==, BZ_INIT_SIZE);
  g_assert_cmphex (read_le (&f, SV_X86_ZERO_PAGE + 0x214, 4), ==, BZ_PREF_ADDRESS);
  tear_down (&f);
}

/* What stands behind the code, a signature, is not loaded; setup_sects 0 means 4. */
static void
test_bzimage_extent (void)
{
  GByteArray *signed_kernel = boot_make_bzimage ();
  GByteArray *old = boot_make_bzimage ();
  guint8 sectors[3 * 512] = { 0 };
  Fixture f;

  g_byte_array_append (signed_kernel, (const guint8 *)"signature", 9);
  f = set_up (signed_kernel, 0);
  load_ok (&f, NULL);
  assert_bytes (&f, BZ_PREF_ADDRESS + BZ_PAYLOAD, 0, 9);
  assert_zero_page (&f, "");
  tear_down (&f);

  boot_put (old, 0x1f1, 0, 1);
  g_byte_array_append (old, sectors, sizeof sectors);
  memmove (old->data + 5 * 512, old->data + BZ_HEADER, BZ_PAYLOAD);
  f = set_up (old, 0);
  load_ok (&f, NULL);
  assert_pattern (&f, BZ_PREF_ADDRESS, 0, BZ_PAYLOAD);
  tear_down (&f);
}

/* Without a preferred address a relocatable kernel goes where its alignment allows. */
static void
test_bzimage_relocatable (void)
{
  GByteArray *kernel = boot_make_bzimage ();
  Fixture f;

  boot_put (kernel, 0x258, 0, 8);
  boot_put (kernel, 0x230, 0x400000, 4);
  f = set_up (kernel, 0);
  load_ok (&f, NULL);
  assert_long_mode (&f, 0x400200);
  assert_pattern (&f, 0x400000, 0, BZ_PAYLOAD);
  tear_down (&f);
}

static void
test_initrd_place (void)
{
  GByteArray *kernel = boot_make_bzimage ();
  guint64 size;
  Fixture f;

  /* initrd_addr_max */
  boot_put (kernel, 0x22c, 16 * BOOT_MIB - 1, 4);
  f = set_up (kernel, 5000);
  load_ok (&f, NULL);
  assert_ramdisk (&f, 16 * BOOT_MIB - 8192, 5000);
  tear_down (&f);

  /* Not over memory that the kernel takes beside its file */
  kernel = boot_make_bzimage ();
  boot_put (kernel, 0x258, 30 * BOOT_MIB, 8);
  boot_put (kernel, 0x260, 2 * BOOT_MIB, 4);
  f = set_up (kernel, 5000);
  load_ok (&f, NULL);
  assert_ramdisk (&f, 30 * BOOT_MIB - 8192, 5000);
  tear_down (&f);

  /* Above 4 GiB when there is no room below and the kernel allows it */
  kernel = boot_make_bzimage ();
  boot_put (kernel, 0x236, 3, 2);
  boot_put (kernel, 0x260, 30 * BOOT_MIB, 4);
  f = set_up (kernel, 2 * BOOT_MIB);
  load_ok (&f, NULL);
  assert_ramdisk (&f, SV_X86_RAM_ABOVE_4G + RAM_ABOVE - 2 * BOOT_MIB, 2 * BOOT_MIB);
  tear_down (&f);

  /* The bit also lifts initrd_addr_max below 4 GiB. */
  kernel = boot_make_bzimage ();
  boot_put (kernel, 0x236, 3, 2);
  boot_put (kernel, 0x22c, 16 * BOOT_MIB - 1, 4);
  f = set_up (kernel, 4096);
  load_ok (&f, NULL);
  g_assert_cmphex (ramdisk (&f, &size), ==, RAM - 4096);
  tear_down (&f);
}

static void
test_cmdline (void)
{
  Fixture f = set_up (boot_make_bzimage (), 0);
  g_autofree char *fits = g_strnfill (64, 'x');
  g_autofree char *longer = g_strnfill (65, 'x');
  g_autofree char *largest = g_strnfill (SV_X86_CMDLINE_MAX - 1, 'y');
  g_autofree char *too_large = g_strnfill (SV_X86_CMDLINE_MAX, 'y');
  g_autoptr (GError) error = NULL;

  load_ok (&f, fits);
  assert_string (&f, SV_X86_CMDLINE, fits);
  g_assert_false (load (&f, longer, &error));
  g_assert_nonnull (strstr (error->message, "takes at most 64"));
  g_assert_nonnull (strstr (error->message, f.kernel));
  g_clear_error (&error);
  tear_down (&f);

  f = set_up (boot_make_elf (FALSE), 0);
  load_ok (&f, largest);
  assert_string (&f, SV_X86_CMDLINE, largest);
  g_assert_false (load (&f, too_large, &error));
  g_assert_nonnull (strstr (error->message, "65535"));
  tear_down (&f);
}

static void
test_elf (void)
{
  Fixture f = set_up (boot_make_elf (FALSE), 5000);

  load_ok (&f, "quiet");
  assert_long_mode (&f, ELF_LOW + 0x10);
  assert_pattern (&f, ELF_LOW, 0, ELF_TEXT);
  assert_pattern (&f, ELF_HIGH, ELF_TEXT, ELF_TEXT);
  assert_zero_page (&f, "quiet");
  assert_ramdisk (&f, RAM - 8192, 5000);
  tear_down (&f);
}

/* e_entry may be virtual */
static void
test_elf_virtual_entry (void)
{
  GByteArray *kernel = boot_make_elf (FALSE);
  Fixture f;

  boot_put (kernel, G_STRUCT_OFFSET (Elf64_Ehdr, e_entry), ELF_VIRTUAL + 0x30, 8);
  f = set_up (kernel, 0);
  load_ok (&f, NULL);
  assert_long_mode (&f, ELF_HIGH + 0x30);
  tear_down (&f);
}

static void
test_pvh (void)
{
  Fixture f = set_up (boot_make_elf (TRUE), 5000);
  guint64 info, at;

  load_ok (&f, "quiet");
  info = f.entry.rbx;
  g_assert_cmpint (f.entry.mode, ==, SV_X86_ENTRY_PROTECTED_MODE);
  g_assert_cmphex (f.entry.rip, ==, ELF_HIGH + 0x20);
  assert_gdt (&f);
  assert_pattern (&f, ELF_HIGH, ELF_TEXT, ELF_TEXT);

  g_assert_cmphex (read_le (&f, info, 4), ==, 0x336ec578);
  g_assert_cmpuint (read_le (&f, info + 4, 4), ==, 1);
  g_assert_cmpuint (read_le (&f, info + 12, 4), ==, 1);
  at = read_le (&f, info + 16, 8);
  g_assert_cmphex (read_le (&f, at, 8), ==, RAM - 8192);
  g_assert_cmpuint (read_le (&f, at + 8, 8), ==, 5000);
  assert_pattern (&f, RAM - 8192, 0, 5000);
  assert_string (&f, read_le (&f, info + 24, 8), "quiet");
  g_assert_cmphex (read_le (&f, info + 32, 8), ==, RSDP);
  at = read_le (&f, info + 40, 8);
  g_assert_cmpuint (read_le (&f, info + 48, 4), ==, G_N_ELEMENTS (e820));
  for (guint i = 0; i < G_N_ELEMENTS (e820); i++, at += 24)
    {
      g_assert_cmphex (read_le (&f, at, 8), ==, e820[i].start);
      g_assert_cmphex (read_le (&f, at + 8, 8), ==, e820[i].size);
      g_assert_cmphex (read_le (&f, at + 16, 4), ==, e820[i].type);
    }
  tear_down (&f);

  f = set_up (boot_make_elf (TRUE), 0);
  load_ok (&f, NULL);
  g_assert_cmpuint (read_le (&f, f.entry.rbx + 12, 4), ==, 0);
  tear_down (&f);
}

/* Linux, which has both entries, is started at the one with fewer exits, if that is one. */
static void
test_linux (void)
{
  for (guint has_entry = 0; has_entry < 2; has_entry++)
    {
      GByteArray *kernel = boot_make_elf (TRUE);
      Fixture f;

      boot_put (kernel, ELF_NOTE + 8, 6, 4);
      memcpy (kernel->data + ELF_NOTE + 12, "Xen\0linux", 9);
      if (!has_entry)
        boot_put (kernel, G_STRUCT_OFFSET (Elf64_Ehdr, e_entry), ELF_VIRTUAL + 0x30, 8);
      f = set_up (kernel, 0);
      load_ok (&f, "quiet");
      if (has_entry)
        assert_long_mode (&f, ELF_LOW + 0x10);
      else
        g_assert_cmpint (f.entry.mode, ==, SV_X86_ENTRY_PROTECTED_MODE);
      tear_down (&f);
    }
}

/* A reset loads all again over what the guest left; only fresh memory need not be cleared. */
static void
test_reload (void)
{
  Fixture f = set_up (boot_make_elf (TRUE), 5000);
  const guint64 bss = ELF_HIGH + ELF_TEXT;

  g_assert_true (sv_address_space_fill (f.memory, 0, 0xee, RAM));
  sv_x86_boot_assume_zeroed (f.boot);
  load_ok (&f, "quiet");
  assert_bytes (&f, bss, 0xee, ELF_BSS);

  g_assert_true (sv_address_space_fill (f.memory, 0, 0xee, RAM));
  load_ok (&f, "quiet");
  assert_pattern (&f, ELF_LOW, 0, ELF_TEXT);
  assert_pattern (&f, ELF_HIGH, ELF_TEXT, ELF_TEXT);
  assert_bytes (&f, bss, 0, ELF_BSS);
  assert_bytes (&f, bss + ELF_BSS, 0xee, 1);
  assert_pattern (&f, RAM - 8192, 0, 5000);
  assert_string (&f, SV_X86_CMDLINE, "quiet");
  g_assert_cmphex (read_le (&f, f.entry.rbx, 4), ==, 0x336ec578);
  assert_gdt (&f);
  tear_down (&f);
}

/* Linux without EFI reboots by a jump to F000:FFF0: from there to the keyboard controller's reset
 * line */
static void
test_reset_code (void)
{
  Fixture f = set_up (boot_make_elf (TRUE), 0);
  guint64 at = 0xffff0;

  load_ok (&f, NULL);
  g_assert_cmphex (read_le (&f, at, 1), ==, 0xeb);
  at += 2 + (gint8)read_le (&f, at + 1, 1);
  g_assert_cmphex (read_le (&f, at, 4), ==, 0x64e6feb0);
  g_assert_cmphex (read_le (&f, at + 4, 4), ==, 0x1e010f2e);
  g_assert_cmphex (read_le (&f, 0xf0000 + read_le (&f, at + 8, 2), 6), ==, 0);
  g_assert_cmphex (read_le (&f, at + 10, 1), ==, 0xcc);
  tear_down (&f);
}

static void
test_raw (void)
{
  GByteArray *kernel = g_byte_array_new ();
  Fixture f;

  for (guint i = 0; i < 10000; i++)
    {
      const guint8 byte = boot_pattern (i);

      g_byte_array_append (kernel, &byte, 1);
    }
  f = set_up (kernel, 5000);
  load_ok (&f, "quiet");
  assert_long_mode (&f, SV_X86_RAW_KERNEL);
  assert_pattern (&f, SV_X86_RAW_KERNEL, 0, 10000);
  assert_zero_page (&f, "quiet");
  assert_ramdisk (&f, RAM - 8192, 5000);
  tear_down (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/x86/boot/bzimage", test_bzimage);
  g_test_add_func ("/x86/boot/bzimage-extent", test_bzimage_extent);
  g_test_add_func ("/x86/boot/bzimage-relocatable", test_bzimage_relocatable);
  g_test_add_func ("/x86/boot/initrd-place", test_initrd_place);
  g_test_add_func ("/x86/boot/cmdline", test_cmdline);
  g_test_add_func ("/x86/boot/elf", test_elf);
  g_test_add_func ("/x86/boot/elf-virtual-entry", test_elf_virtual_entry);
  g_test_add_func ("/x86/boot/pvh", test_pvh);
  g_test_add_func ("/x86/boot/linux", test_linux);
  g_test_add_func ("/x86/boot/reload", test_reload);
  g_test_add_func ("/x86/boot/reset-code", test_reset_code);
  g_test_add_func ("/x86/boot/raw", test_raw);
  return g_test_run ();
}
