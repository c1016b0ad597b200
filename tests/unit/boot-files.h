/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <elf.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

/* Kernel files made up for the tests of the loaders */

#define BOOT_MIB 0x100000u
#define BZ_PREF_ADDRESS (2 * BOOT_MIB)
#define BZ_INIT_SIZE 0x10000u
#define BZ_PAYLOAD 0x800u
#define BZ_HEADER 1024u /* setup_sects is 1 */

static inline void
boot_put (GByteArray *file, guint offset, guint64 value, guint size)
{
  const guint64 bytes = GUINT64_TO_LE (value);

  g_assert_cmpuint (offset + size, <=, file->len);
  memcpy (file->data + offset, &bytes, size);
}

static inline guint8
boot_pattern (guint i)
{
  return 1 + i * 7 % 251;
}

static inline GByteArray *
boot_make_bzimage (void)
{
  GByteArray *file = g_byte_array_new ();

  g_byte_array_set_size (file, BZ_HEADER + BZ_PAYLOAD);
  memset (file->data, 0, BZ_HEADER);
  for (guint i = 0; i < BZ_PAYLOAD; i++)
    file->data[BZ_HEADER + i] = boot_pattern (i);
  boot_put (file, 0x1f1, 1, 1);
  boot_put (file, 0x1f4, BZ_PAYLOAD / 16, 4);
  boot_put (file, 0x1fe, 0xaa55, 2);
  boot_put (file, 0x200, 0x6aeb, 2); /* jump: the header ends at 0x26c */
  memcpy (file->data + 0x202, "HdrS", 4);
  boot_put (file, 0x206, 0x20f, 2);
  boot_put (file, 0x211, 1, 1);
  boot_put (file, 0x22c, 0x7fffffff, 4);
  boot_put (file, 0x230, 0x200000, 4);
  boot_put (file, 0x234, 1, 1);
  boot_put (file, 0x236, 1, 2);
  boot_put (file, 0x238, 64, 4);
  boot_put (file, 0x258, BZ_PREF_ADDRESS, 8);
  boot_put (file, 0x260, BZ_INIT_SIZE, 4);
  return file;
}

#define ELF_LOW BOOT_MIB
#define ELF_HIGH (4 * BOOT_MIB)
#define ELF_VIRTUAL G_GUINT64_CONSTANT (0xffffffff80400000)
#define ELF_TEXT 0x300u /* bytes of each segment in the file */
#define ELF_BSS 0x2000u
#define ELF_NOTE 0x200u /* file offset */
#define ELF_DATA 0x300u
#define ELF_PHDR(n) (sizeof (Elf64_Ehdr) + (n) * sizeof (Elf64_Phdr))

/* Two segments, the second with a bss, and a PT_NOTE; e_entry is in the first, the PVH entry in the
 * second. */
static inline GByteArray *
boot_make_elf (gboolean pvh)
{
  GByteArray *file = g_byte_array_new ();
  Elf64_Ehdr ehdr = {
    .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
    .e_type = ET_EXEC,
    .e_machine = EM_X86_64,
    .e_version = EV_CURRENT,
    .e_entry = ELF_LOW + 0x10,
    .e_phoff = sizeof ehdr,
    .e_ehsize = sizeof ehdr,
    .e_phentsize = sizeof (Elf64_Phdr),
    .e_phnum = 3,
  };
  const Elf64_Phdr phdrs[] = {
    { .p_type = PT_LOAD,
      .p_offset = ELF_DATA,
      .p_paddr = ELF_LOW,
      .p_vaddr = ELF_LOW,
      .p_filesz = ELF_TEXT,
      .p_memsz = ELF_TEXT,
      .p_align = 4096 },
    { .p_type = PT_NOTE, .p_offset = ELF_NOTE, .p_filesz = 44, .p_memsz = 44, .p_align = 4 },
    { .p_type = PT_LOAD,
      .p_offset = ELF_DATA + ELF_TEXT,
      .p_paddr = ELF_HIGH,
      .p_vaddr = ELF_VIRTUAL,
      .p_filesz = ELF_TEXT,
      .p_memsz = ELF_TEXT + ELF_BSS,
      .p_align = 4096 },
  };

  g_byte_array_set_size (file, ELF_DATA + 2 * ELF_TEXT);
  memset (file->data, 0, file->len);
  memcpy (file->data, &ehdr, sizeof ehdr);
  memcpy (file->data + sizeof ehdr, phdrs, sizeof phdrs);
  for (guint i = 0; i < 2 * ELF_TEXT; i++)
    file->data[ELF_DATA + i] = boot_pattern (i);

  /* A note of somebody else with an odd length comes first. */
  boot_put (file, ELF_NOTE, 4, 4);
  boot_put (file, ELF_NOTE + 4, 5, 4);
  boot_put (file, ELF_NOTE + 8, 18, 4);
  memcpy (file->data + ELF_NOTE + 12, "GNU", 4);
  boot_put (file, ELF_NOTE + 24, 4, 4);
  boot_put (file, ELF_NOTE + 28, 4, 4);
  boot_put (file, ELF_NOTE + 32, pvh ? 18 : 17, 4);
  memcpy (file->data + ELF_NOTE + 36, "Xen", 4);
  boot_put (file, ELF_NOTE + 40, ELF_HIGH + 0x20, 4);
  return file;
}

/* A file of its own in a temporary directory; the caller frees the path and unlinks. */
static inline char *
boot_write (gconstpointer data, gsize length)
{
  g_autoptr (GError) error = NULL;
  char *path = NULL;
  int fd = g_file_open_tmp ("sv-boot-XXXXXX", &path, &error);

  g_assert_no_error (error);
  g_assert_true (g_close (fd, NULL));
  g_assert_true (g_file_set_contents (path, data, length, NULL));
  return path;
}
