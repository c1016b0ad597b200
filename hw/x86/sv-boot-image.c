/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-boot-image.h"

#include <errno.h>
#include <string.h>

#include "hw/x86/sv-bzimage.h"
#include "hw/x86/sv-elf-loader.h"
#include "hw/x86/sv-x86-layout.h"

/* One read gets the headers of every sane kernel. */
#define HEADER_SIZE 4096u

#define HEX "0x%" G_GINT64_MODIFIER "x"

static const struct
{
  const char *name;
  guint8 size;
  guint8 magic[6];
} packers[] = {
  { "gzip", 2, { 0x1f, 0x8b } },
  { "xz", 6, { 0xfd, '7', 'z', 'X', 'Z', 0 } },
  { "zstd", 4, { 0x28, 0xb5, 0x2f, 0xfd } },
  { "lz4", 4, { 0x02, 0x21, 0x4c, 0x18 } },
  { "lz4", 4, { 0x04, 0x22, 0x4d, 0x18 } },
  { "bzip2", 3, { 'B', 'Z', 'h' } },
};

static gboolean
overlaps (guint64 a, guint64 a_size, guint64 b, guint64 b_size)
{
  return a < b + b_size && b < a + a_size;
}

/**
 * sv_boot_image_add:
 *
 * Adds a segment; see the header for what is checked.
 *
 * Returns: whether it was well formed
 */
gboolean
sv_boot_image_add (SvBootImage *image,
                   const SvBootFile *file,
                   const SvBootSegment *segment,
                   GError **error)
{
  if (segment->size == 0)
    return TRUE;

  if (segment->file_size > segment->size)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                   "%s: segment at " HEX " has " HEX " bytes in the file but only " HEX
                   " in memory",
                   file->path, segment->address, segment->file_size, segment->size);
      return FALSE;
    }
  if (segment->offset > file->size || segment->file_size > file->size - segment->offset)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                   "%s: truncated: segment at " HEX " ends at file offset " HEX " + " HEX
                   ", the file has " HEX " bytes",
                   file->path, segment->address, segment->offset, segment->file_size, file->size);
      return FALSE;
    }
  if (segment->size > G_MAXUINT64 - segment->address)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                   "%s: segment at " HEX " with " HEX " bytes runs past the end of memory",
                   file->path, segment->address, segment->size);
      return FALSE;
    }
  if (segment->address < SV_X86_HIGH_RAM)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                   "%s: segment at " HEX " lies in the first MiB, where boot data goes", file->path,
                   segment->address);
      return FALSE;
    }
  for (guint i = 0; i < image->n_segments; i++)
    {
      const SvBootSegment *other = &image->segments[i];

      if (overlaps (segment->address, segment->size, other->address, other->size))
        {
          g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                       "%s: segments at " HEX " and " HEX " overlap", file->path, other->address,
                       segment->address);
          return FALSE;
        }
    }
  if (image->n_segments == SV_BOOT_MAX_SEGMENTS)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT, "%s: more than %u segments to load",
                   file->path, SV_BOOT_MAX_SEGMENTS);
      return FALSE;
    }

  image->segments[image->n_segments++] = *segment;
  return TRUE;
}

/**
 * sv_boot_image_contains:
 *
 * Returns: whether @address is backed by the file part of a segment
 */
gboolean
sv_boot_image_contains (const SvBootImage *image, guint64 address)
{
  for (guint i = 0; i < image->n_segments; i++)
    {
      const SvBootSegment *segment = &image->segments[i];

      if (address >= segment->address && address - segment->address < segment->file_size)
        return TRUE;
    }
  return FALSE;
}

/* A kernel that brings no setup header: what Linux's 64-bit entry reads of it. */
static void
make_setup_header (SvBootImage *image)
{
  guint8 *header = image->setup_header;

  image->setup_header_size = SV_BZIMAGE_HEADER_MIN;
  header[0x1fe - SV_BOOT_SETUP_HEADER] = 0x55;
  header[0x1ff - SV_BOOT_SETUP_HEADER] = 0xaa;
  memcpy (header + 0x202 - SV_BOOT_SETUP_HEADER, "HdrS", 4);
  header[0x206 - SV_BOOT_SETUP_HEADER] = 0x0f; /* protocol 2.15 */
  header[0x207 - SV_BOOT_SETUP_HEADER] = 0x02;
  header[0x211 - SV_BOOT_SETUP_HEADER] = SV_BZIMAGE_LOADED_HIGH;
}

static gboolean
parse_raw (SvBootImage *image,
           const SvBootFile *file,
           const guint8 *header,
           gsize header_size,
           GError **error)
{
  const SvBootSegment segment = {
    .address = SV_X86_RAW_KERNEL,
    .size = file->size,
    .file_size = file->size,
  };

  for (guint i = 0; i < G_N_ELEMENTS (packers); i++)
    {
      if (header_size >= packers[i].size && memcmp (header, packers[i].magic, packers[i].size) == 0)
        {
          g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                       "%s: compressed with %s; a bzImage, an ELF file or a raw kernel is needed",
                       file->path, packers[i].name);
          return FALSE;
        }
    }

  image->mode = SV_X86_ENTRY_LONG_MODE;
  image->entry = SV_X86_RAW_KERNEL;
  return sv_boot_image_add (image, file, &segment, error);
}

/**
 * sv_boot_image_parse:
 *
 * Recognises a kernel: an ELF file, a bzImage, otherwise raw code for 16 MiB.
 *
 * Returns: whether it can be loaded
 */
gboolean
sv_boot_image_parse (SvBootImage *image, const SvBootFile *file, GError **error)
{
  guint8 header[HEADER_SIZE] = { 0 };
  const gsize header_size = MIN (file->size, HEADER_SIZE);

  if (file->size == 0)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT, "%s: the file is empty", file->path);
      return FALSE;
    }
  if (!sv_boot_file_read (file, 0, header, header_size, error))
    return FALSE;

  memset (image, 0, sizeof *image);
  image->zero_tail = TRUE;
  image->initrd_max = G_MAXUINT32;

  if (sv_bzimage_recognise (header, header_size))
    return sv_bzimage_parse (image, file, header, header_size, error);

  make_setup_header (image);
  if (sv_elf_recognise (header, header_size))
    return sv_elf_parse (image, file, header, header_size, error);
  return parse_raw (image, file, header, header_size, error);
}
