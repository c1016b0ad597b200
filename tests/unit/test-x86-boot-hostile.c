/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/x86/sv-boot-image.h"
#include "hw/x86/sv-x86-boot.h"
#include "hw/x86/sv-x86-layout.h"
#include "tests/unit/boot-files.h"
#include "tests/unit/guest-ram.h"

#define RAM (32 * BOOT_MIB)
#define U64(value) G_GUINT64_CONSTANT (value)

#define EHDR(field) G_STRUCT_OFFSET (Elf64_Ehdr, field), sizeof (((Elf64_Ehdr *)0)->field)
#define PHDR(n, field)                                                                             \
  ELF_PHDR (n) + G_STRUCT_OFFSET (Elf64_Phdr, field), sizeof (((Elf64_Phdr *)0)->field)

static const SvE820Entry e820[] = {
  { 0, SV_X86_EBDA_START, 1 },
  { BOOT_MIB, RAM - BOOT_MIB, 1 },
};

static SvAddressSpace *memory;

static gboolean
load (SvX86Boot *boot, SvX86Entry *entry, GError **error)
{
  return sv_x86_boot_load (boot, memory, "quiet", e820, G_N_ELEMENTS (e820), 0, entry, error);
}

/* Opens and loads; on failure the error must name the file. */
static gboolean
try (const guint8 *data, gsize length, SvX86Entry *entry, char **message)
{
  const int fd = memfd_create ("kernel", MFD_CLOEXEC);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autoptr (SvX86Boot) boot = NULL;
  g_autoptr (GError) error = NULL;
  gboolean loaded = FALSE;

  g_assert_cmpint (write (fd, data, length), ==, length);
  boot = sv_x86_boot_new (NULL, path, NULL, &error);
  g_assert_true ((boot == NULL) == (error != NULL));
  if (boot)
    loaded = load (boot, entry, &error);
  g_assert_true (loaded == (error == NULL));
  if (error)
    {
      g_assert_true (error->domain == SV_BOOT_ERROR);
      g_assert_nonnull (strstr (error->message, path));
      if (message)
        *message = g_strdup (error->message);
    }
  close (fd);
  return loaded;
}

typedef struct
{
  const char *name;
  const char *message; /* part of it */
  struct
  {
    guint offset;
    guint size;
    guint64 value;
  } changes[3];
} Case;

static const Case bz_cases[] = {
  { "old-protocol", "2.12 or newer", { { 0x206, 2, 0x20b } } },
  { "not-high", "zImage", { { 0x211, 1, 0 } } },
  { "32-bit", "no 64-bit entry", { { 0x236, 2, 0 } } },
  { "setup-too-long", "truncated", { { 0x1f1, 1, 255 } } },
  { "default-setup", "truncated", { { 0x1f1, 1, 0 }, { 0x1f4, 4, 0x100 } } },
  { "huge-syssize", "truncated", { { 0x1f4, 4, 0xffffffff } } },
  { "no-entry", "too short", { { 0x1f4, 4, 0x20 } } },
  { "huge-init-size", "not that much memory", { { 0x260, 4, 0xffffffff } } },
  { "wrapping-address", "past the end", { { 0x258, 8, U64 (0xffffffffffffff00) } } },
  { "address-not-ram", "not that much memory", { { 0x258, 8, U64 (0x8000000000) } } },
  { "alignment-0", "kernel_alignment", { { 0x258, 8, 0 }, { 0x230, 4, 0 } } },
  { "alignment-3", "kernel_alignment", { { 0x258, 8, 0 }, { 0x230, 4, 3 } } },
  { "alignment-2G", "kernel_alignment", { { 0x258, 8, 0 }, { 0x230, 4, 0x80000000 } } },
  { "cmdline-size", "at most 4", { { 0x238, 4, 4 } } },
};

static const Case elf_cases[] = {
  { "32-bit", "64-bit", { { EI_CLASS, 1, ELFCLASS32 } } },
  { "big-endian", "little-endian", { { EI_DATA, 1, ELFDATA2MSB } } },
  { "machine", "x86_64", { { EHDR (e_machine), EM_AARCH64 } } },
  { "object", "not executable", { { EHDR (e_type), ET_REL } } },
  { "core", "not executable", { { EHDR (e_type), ET_CORE } } },
  { "phentsize", "unknown size", { { EHDR (e_phentsize), 55 } } },
  { "phnum-0", "program headers", { { EHDR (e_phnum), 0 } } },
  { "phnum-huge", "program headers", { { EHDR (e_phnum), 0xffff } } },
  { "phoff-end", "beyond the end", { { EHDR (e_phoff), 0x900 - 8 } } },
  { "phoff-wrap", "beyond the end", { { EHDR (e_phoff), U64 (0xfffffffffffffff0) } } },
  { "no-load",
    "nothing to load",
    { { PHDR (0, p_type), PT_NULL }, { PHDR (2, p_type), PT_NULL } } },
  { "file-over-memory", "only", { { PHDR (0, p_memsz), ELF_TEXT - 1 } } },
  { "offset-end", "truncated", { { PHDR (0, p_offset), 0x900 - ELF_TEXT + 1 } } },
  { "offset-wrap", "truncated", { { PHDR (0, p_offset), U64 (0xfffffffffffffff0) } } },
  { "filesz-huge",
    "truncated",
    { { PHDR (0, p_filesz), U64 (0xffffffffffffffff) },
      { PHDR (0, p_memsz), U64 (0xffffffffffffffff) } } },
  { "address-wrap", "past the end", { { PHDR (0, p_paddr), U64 (0xffffffffffffff00) } } },
  { "memsz-wrap", "past the end", { { PHDR (2, p_memsz), U64 (0xffffffffffffffff) } } },
  { "memsz-huge", "not that much memory", { { PHDR (2, p_memsz), U64 (0x10000000000) } } },
  { "ram-end", "not that much memory", { { PHDR (2, p_memsz), RAM - ELF_HIGH + 1 } } },
  { "low-memory", "first MiB", { { PHDR (0, p_paddr), SV_X86_ZERO_PAGE } } },
  { "across-1M", "first MiB", { { PHDR (0, p_paddr), BOOT_MIB - 16 } } },
  { "overlap-same", "overlap", { { PHDR (2, p_paddr), ELF_LOW } } },
  { "overlap-last-byte", "overlap", { { PHDR (2, p_paddr), ELF_LOW + ELF_TEXT - 1 } } },
  { "overlap-bss", "overlap", { { PHDR (0, p_paddr), ELF_HIGH + ELF_TEXT + ELF_BSS - 1 } } },
  { "entry-0", "entry point", { { EHDR (e_entry), 0 }, { ELF_NOTE + 32, 4, 1 } } },
  { "entry-outside",
    "entry point",
    { { EHDR (e_entry), ELF_LOW + ELF_TEXT }, { ELF_NOTE + 32, 4, 1 } } },
  { "entry-in-bss",
    "entry point",
    { { EHDR (e_entry), ELF_HIGH + ELF_TEXT }, { ELF_NOTE + 32, 4, 1 } } },
  { "pvh-entry-outside", "entry point", { { ELF_NOTE + 40, 4, 0x10 } } },
  { "pvh-size", "neither 4 nor 8", { { ELF_NOTE + 28, 4, 3 } } },
  { "pvh-size-over", "longer than its segment", { { ELF_NOTE + 28, 4, 5 } } },
  { "note-name-lies", "name of a note", { { ELF_NOTE, 4, 0xffffffff } } },
  { "note-size-lies", "longer than its segment", { { ELF_NOTE + 4, 4, 0xffffffff } } },
  { "note-too-long", "longer than its segment", { { ELF_NOTE + 4, 4, 29 } } },
  { "notes-huge", "64 KiB", { { PHDR (1, p_filesz), 0x10001 } } },
  { "notes-wrap", "beyond the end", { { PHDR (1, p_offset), U64 (0xfffffffffffffff0) } } },
  { "notes-end", "beyond the end", { { PHDR (1, p_offset), 0x900 - 43 } } },
};

static void
check_case (const Case *c, GByteArray *file)
{
  SvX86Entry entry;
  g_autofree char *message = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (c->changes) && c->changes[i].size > 0; i++)
    boot_put (file, c->changes[i].offset, c->changes[i].value, c->changes[i].size);
  g_assert_false (try (file->data, file->len, &entry, &message));
  if (!strstr (message, c->message))
    g_test_message ("%s", message);
  g_assert_nonnull (strstr (message, c->message));
}

static void
test_bzimage_case (gconstpointer data)
{
  g_autoptr (GByteArray) file = boot_make_bzimage ();

  check_case (data, file);
}

static void
test_elf_case (gconstpointer data)
{
  g_autoptr (GByteArray) file = boot_make_elf (TRUE);

  check_case (data, file);
}

static GByteArray *
make (gconstpointer data)
{
  return GPOINTER_TO_INT (data) == 0 ? boot_make_bzimage ()
                                     : boot_make_elf (GPOINTER_TO_INT (data) == 2);
}

/* A file cut anywhere is refused, unless it is too short to be told from a raw kernel. */
static void
test_truncated (gconstpointer data)
{
  g_autoptr (GByteArray) file = make (data);
  const gsize recognised = GPOINTER_TO_INT (data) == 0 ? 0x206 : SELFMAG;
  SvX86Entry entry = { 0 };

  for (gsize length = 0; length < file->len; length++)
    {
      const gboolean loaded = try (file->data, length, &entry, NULL);

      if (length >= recognised)
        g_assert_false (loaded);
      else if (length > 0)
        g_assert_cmphex (entry.rip, ==, SV_X86_RAW_KERNEL);
    }
  g_assert_true (try (file->data, file->len, &entry, NULL));
}

/* With any bit of the headers flipped it is refused, or it starts in RAM. */
static void
test_flipped (gconstpointer data)
{
  g_autoptr (GByteArray) file = make (data);
  const gsize start = GPOINTER_TO_INT (data) == 0 ? 0x1f1 : 0;
  const gsize end = GPOINTER_TO_INT (data) == 0 ? 0x270 : ELF_DATA;
  guint refused = 0;

  for (gsize bit = start * 8; bit < end * 8; bit++)
    {
      SvX86Entry entry = { 0 };

      file->data[bit / 8] ^= 1u << bit % 8;
      if (!try (file->data, file->len, &entry, NULL))
        {
          refused++;
        }
      else
        {
          g_assert_cmphex (entry.rip, >=, BOOT_MIB);
          g_assert_cmphex (entry.rip, <, RAM);
        }
      file->data[bit / 8] ^= 1u << bit % 8;
    }
  g_assert_cmpuint (refused, >, 50);
}

static void
test_shrinks (gconstpointer data)
{
  g_autoptr (GByteArray) file = make (data);
  g_autofree char *path = boot_write (file->data, file->len);
  g_autoptr (GError) error = NULL;
  g_autoptr (SvX86Boot) boot = sv_x86_boot_new (NULL, path, NULL, &error);
  SvX86Entry entry;

  g_assert_no_error (error);
  g_assert_cmpint (truncate (path, file->len - 1), ==, 0);
  g_assert_false (load (boot, &entry, &error));
  g_assert_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FILE);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, "truncated"));
  g_unlink (path);
}

static void
test_initrd (void)
{
  g_autoptr (GByteArray) file = boot_make_bzimage ();
  g_autofree char *kernel = boot_write (file->data, file->len);
  g_autofree char *initrd = boot_write ("0123456789", 10);
  g_autoptr (GError) error = NULL;
  g_autoptr (SvX86Boot) boot = sv_x86_boot_new (NULL, kernel, initrd, &error);
  SvX86Entry entry;

  g_assert_no_error (error);
  g_assert_cmpint (truncate (initrd, 9), ==, 0);
  g_assert_false (load (boot, &entry, &error));
  g_assert_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FILE);
  g_assert_nonnull (strstr (error->message, initrd));
  g_clear_error (&error);
  g_clear_object (&boot);

  /* Larger than RAM; the file is sparse. */
  g_assert_cmpint (truncate (initrd, (goffset)1 << 40), ==, 0);
  boot = sv_x86_boot_new (NULL, kernel, initrd, &error);
  g_assert_no_error (error);
  g_assert_false (load (boot, &entry, &error));
  g_assert_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_MEMORY);
  g_assert_nonnull (strstr (error->message, initrd));
  g_clear_error (&error);

  g_unlink (initrd);
  g_assert_null (sv_x86_boot_new (NULL, kernel, initrd, &error));
  g_assert_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FILE);
  g_assert_nonnull (strstr (error->message, initrd));
  g_unlink (kernel);
}

static void
assert_refused (const char *path, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sv_x86_boot_new (NULL, path, NULL, &error));
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, message));
}

static void
test_not_kernels (void)
{
  g_autofree char *path = boot_write ("\x1f\x8b\x08", 3);
  SvX86Entry entry;

  assert_refused (path, "gzip");
  g_unlink (path);
  assert_refused (path, "No such file");
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  assert_refused (path, "regular file");
  g_unlink (path);
  assert_refused ("/", "regular file");
  assert_refused ("/dev/zero", "regular file");
  g_assert_false (try ((const guint8 *)"", 0, &entry, NULL));
}

/* The map may promise what is not there: an error, no crash. */
static void
test_lying_map (void)
{
  static const SvE820Entry lies[] = { { 0, U64 (0x10000000000), 1 } };
  static const SvE820Entry wraps[] = { { 4096, G_MAXUINT64, 1 } };
  SvE820Entry many[200] = { { 0, 0, 0 } };
  g_autoptr (GByteArray) file = boot_make_elf (FALSE);
  g_autofree char *path = NULL;
  g_autoptr (SvX86Boot) boot = NULL;
  g_autoptr (GError) error = NULL;
  SvX86Entry entry;

  boot_put (file, ELF_PHDR (2) + G_STRUCT_OFFSET (Elf64_Phdr, p_memsz), RAM, 8);
  path = boot_write (file->data, file->len);
  boot = sv_x86_boot_new (NULL, path, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (sv_x86_boot_load (boot, memory, NULL, lies, 1, 0, &entry, &error));
  g_assert_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_MEMORY);
  g_clear_error (&error);
  g_assert_false (sv_x86_boot_load (boot, memory, NULL, wraps, 1, 0, &entry, &error));
  g_assert_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_MEMORY);
  g_clear_error (&error);
  g_assert_false (sv_x86_boot_load (boot, memory, NULL, many, 200, 0, &entry, &error));
  g_assert_nonnull (strstr (error->message, "128"));
  g_unlink (path);
}

int
main (int argc, char **argv)
{
  static const char *kinds[] = { "bzimage", "elf", "pvh" };
  gint status;

  g_test_init (&argc, &argv, NULL);
  memory = guest_ram_new (RAM, 0);
  for (guint i = 0; i < G_N_ELEMENTS (bz_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/x86/boot/hostile/bzimage/%s", bz_cases[i].name);

      g_test_add_data_func (path, &bz_cases[i], test_bzimage_case);
    }
  for (guint i = 0; i < G_N_ELEMENTS (elf_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/x86/boot/hostile/elf/%s", elf_cases[i].name);

      g_test_add_data_func (path, &elf_cases[i], test_elf_case);
    }
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *truncated = g_strdup_printf ("/x86/boot/truncated/%s", kinds[i]);
      g_autofree char *flipped = g_strdup_printf ("/x86/boot/flipped/%s", kinds[i]);
      g_autofree char *shrinks = g_strdup_printf ("/x86/boot/shrinks/%s", kinds[i]);

      g_test_add_data_func (truncated, GINT_TO_POINTER (i), test_truncated);
      g_test_add_data_func (flipped, GINT_TO_POINTER (i), test_flipped);
      g_test_add_data_func (shrinks, GINT_TO_POINTER (i), test_shrinks);
    }
  g_test_add_func ("/x86/boot/initrd", test_initrd);
  g_test_add_func ("/x86/boot/not-kernels", test_not_kernels);
  g_test_add_func ("/x86/boot/lying-map", test_lying_map);
  status = g_test_run ();
  g_object_unref (memory);
  return status;
}
