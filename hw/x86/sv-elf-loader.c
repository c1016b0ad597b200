/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-elf-loader.h"

#include <elf.h>
#include <string.h>

#define MAX_PROGRAM_HEADERS 128u
#define MAX_NOTES (64u * 1024)
#define XEN_ELFNOTE_GUEST_OS 6u
#define XEN_ELFNOTE_PHYS32_ENTRY 18u

G_STATIC_ASSERT (G_BYTE_ORDER == G_LITTLE_ENDIAN);

/**
 * sv_elf_recognise:
 * @header: first bytes of a file
 *
 * Returns: whether it claims to be an ELF file
 */
gboolean
sv_elf_recognise (const guint8 *header, gsize size)
{
  return size >= SELFMAG && memcmp (header, ELFMAG, SELFMAG) == 0;
}

static gboolean
fail (const SvBootFile *file, GError **error, const char *message)
{
  g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT, "%s: ELF: %s", file->path, message);
  return FALSE;
}

static gboolean
check_header (const SvBootFile *file, const Elf64_Ehdr *ehdr, gsize size, GError **error)
{
  if (size < sizeof *ehdr)
    return fail (file, error, "truncated in the file header");
  if (ehdr->e_ident[EI_CLASS] != ELFCLASS64)
    return fail (file, error, "not a 64-bit file");
  if (ehdr->e_ident[EI_DATA] != ELFDATA2LSB)
    return fail (file, error, "not little-endian");
  if (ehdr->e_machine != EM_X86_64)
    return fail (file, error, "not for x86_64");
  if (ehdr->e_type != ET_EXEC && ehdr->e_type != ET_DYN)
    return fail (file, error, "not executable (an object file or a core dump)");
  if (ehdr->e_phentsize != sizeof (Elf64_Phdr))
    return fail (file, error, "program headers of an unknown size");
  if (ehdr->e_phnum == 0 || ehdr->e_phnum > MAX_PROGRAM_HEADERS)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                   "%s: ELF: %u program headers; 1 to %u are possible", file->path, ehdr->e_phnum,
                   MAX_PROGRAM_HEADERS);
      return FALSE;
    }
  return TRUE;
}

typedef struct
{
  guint64 pvh_entry; /* 0: none */
  gboolean is_linux;
} ElfNotes;

static gboolean
scan_xen_note (const SvBootFile *file,
               const Elf64_Nhdr *note,
               const guint8 *desc,
               ElfNotes *found,
               GError **error)
{
  if (note->n_type == XEN_ELFNOTE_GUEST_OS)
    {
      found->is_linux = note->n_descsz >= 5 && memcmp (desc, "linux", 5) == 0;
    }
  else if (note->n_type == XEN_ELFNOTE_PHYS32_ENTRY && found->pvh_entry == 0)
    {
      if (note->n_descsz != 4 && note->n_descsz != 8)
        return fail (file, error, "the PVH entry note holds neither 4 nor 8 bytes");
      memcpy (&found->pvh_entry, desc, note->n_descsz);
    }
  return TRUE;
}

static gboolean
scan_notes (const SvBootFile *file,
            const guint8 *notes,
            gsize size,
            gsize alignment,
            ElfNotes *found,
            GError **error)
{
  gsize at = 0;

  while (size - at >= sizeof (Elf64_Nhdr))
    {
      Elf64_Nhdr note;
      guint64 name_size, desc_size;
      const guint8 *name, *desc;

      memcpy (&note, notes + at, sizeof note);
      at += sizeof note;
      name_size = ((guint64)note.n_namesz + alignment - 1) & ~(guint64)(alignment - 1);
      if (name_size > size - at)
        return fail (file, error, "the name of a note is longer than its segment");
      name = notes + at;
      at += name_size;
      if (note.n_descsz > size - at)
        return fail (file, error, "a note is longer than its segment");
      desc = notes + at;
      desc_size = ((guint64)note.n_descsz + alignment - 1) & ~(guint64)(alignment - 1);
      at += MIN (desc_size, size - at);

      if (note.n_namesz == 4 && memcmp (name, "Xen", 4) == 0
          && !scan_xen_note (file, &note, desc, found, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_notes (const SvBootFile *file, const Elf64_Phdr *phdr, ElfNotes *found, GError **error)
{
  g_autofree guint8 *notes = NULL;

  if (phdr->p_filesz == 0)
    return TRUE;
  if (phdr->p_filesz > MAX_NOTES)
    return fail (file, error, "notes of more than 64 KiB");
  if (phdr->p_offset > file->size || phdr->p_filesz > file->size - phdr->p_offset)
    return fail (file, error, "truncated: notes lie beyond the end of the file");

  notes = g_malloc (phdr->p_filesz);
  return sv_boot_file_read (file, phdr->p_offset, notes, phdr->p_filesz, error)
         && scan_notes (file, notes, phdr->p_filesz, phdr->p_align == 8 ? 8 : 4, found, error);
}

/* Physical, or virtual in a segment that lies elsewhere physically. */
static guint64
physical_entry (const SvBootImage *image, const Elf64_Ehdr *ehdr, const Elf64_Phdr *phdrs)
{
  if (sv_boot_image_contains (image, ehdr->e_entry))
    return ehdr->e_entry;

  for (guint i = 0; i < ehdr->e_phnum; i++)
    {
      const Elf64_Phdr *phdr = &phdrs[i];

      if (phdr->p_type == PT_LOAD && ehdr->e_entry >= phdr->p_vaddr
          && ehdr->e_entry - phdr->p_vaddr < phdr->p_filesz)
        return ehdr->e_entry - phdr->p_vaddr + phdr->p_paddr;
    }
  return ehdr->e_entry;
}

/**
 * sv_elf_parse:
 *
 * Fills @image from an ELF file.
 *
 * Returns: whether the kernel can be loaded
 */
gboolean
sv_elf_parse (
    SvBootImage *image, const SvBootFile *file, const guint8 *header, gsize size, GError **error)
{
  g_autofree Elf64_Phdr *phdrs = NULL;
  Elf64_Ehdr ehdr = { 0 };
  ElfNotes notes = { 0 };
  gsize phdrs_size;

  memcpy (&ehdr, header, MIN (size, sizeof ehdr));
  if (!check_header (file, &ehdr, size, error))
    return FALSE;

  phdrs_size = ehdr.e_phnum * sizeof *phdrs;
  if (ehdr.e_phoff > file->size || phdrs_size > file->size - ehdr.e_phoff)
    return fail (file, error, "truncated: program headers lie beyond the end of the file");
  phdrs = g_malloc (phdrs_size);
  if (ehdr.e_phoff <= size && phdrs_size <= size - ehdr.e_phoff)
    memcpy (phdrs, header + ehdr.e_phoff, phdrs_size);
  else if (!sv_boot_file_read (file, ehdr.e_phoff, phdrs, phdrs_size, error))
    return FALSE;

  for (guint i = 0; i < ehdr.e_phnum; i++)
    {
      const SvBootSegment segment = {
        .address = phdrs[i].p_paddr,
        .size = phdrs[i].p_memsz,
        .offset = phdrs[i].p_offset,
        .file_size = phdrs[i].p_filesz,
      };

      if (phdrs[i].p_type == PT_LOAD && !sv_boot_image_add (image, file, &segment, error))
        return FALSE;
      if (phdrs[i].p_type == PT_NOTE && !read_notes (file, &phdrs[i], &notes, error))
        return FALSE;
    }
  if (image->n_segments == 0)
    return fail (file, error, "nothing to load");

  /* Entered by PVH, Linux looks for Xen among all hypervisors once more: 256 exits for CPUID. */
  if (notes.pvh_entry != 0 && notes.is_linux && sv_boot_image_contains (image, ehdr.e_entry))
    notes.pvh_entry = 0;
  image->mode = notes.pvh_entry ? SV_X86_ENTRY_PROTECTED_MODE : SV_X86_ENTRY_LONG_MODE;
  image->entry = notes.pvh_entry ? notes.pvh_entry : physical_entry (image, &ehdr, phdrs);
  /* Paging covers 4 GiB, and without paging there is no more. */
  if (image->entry > G_MAXUINT32 || !sv_boot_image_contains (image, image->entry))
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                   "%s: ELF: the entry point 0x%" G_GINT64_MODIFIER
                   "x lies in no segment below 4 GiB",
                   file->path, image->entry);
      return FALSE;
    }
  return TRUE;
}
