/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-bzimage.h"

#include <string.h>

#include "hw/x86/sv-x86-layout.h"

#define SECTOR 512u
#define DEFAULT_SETUP_SECTS 4u
#define ENTRY_64 0x200u

#define OFFSET_SETUP_SECTS 0x1f1u
#define OFFSET_SYSSIZE 0x1f4u
#define OFFSET_BOOT_FLAG 0x1feu
#define OFFSET_JUMP 0x201u
#define OFFSET_MAGIC 0x202u
#define OFFSET_VERSION 0x206u
#define OFFSET_LOADFLAGS 0x211u
#define OFFSET_INITRD_MAX 0x22cu
#define OFFSET_ALIGNMENT 0x230u
#define OFFSET_RELOCATABLE 0x234u
#define OFFSET_XLOADFLAGS 0x236u
#define OFFSET_CMDLINE_SIZE 0x238u
#define OFFSET_PREF_ADDRESS 0x258u
#define OFFSET_INIT_SIZE 0x260u

#define VERSION_XLOADFLAGS 0x20cu
#define XLF_KERNEL_64 0x1u
#define XLF_CAN_BE_LOADED_ABOVE_4G 0x2u
#define ALIGNMENT_MAX (1u << 30)

#define HEX "0x%" G_GINT64_MODIFIER "x"

static guint64
get_le (const guint8 *header, guint offset, guint size)
{
  guint64 value = 0;

  memcpy (&value, header + offset, size);
  return GUINT64_FROM_LE (value);
}

/**
 * sv_bzimage_recognise:
 * @header: first bytes of a file
 *
 * Returns: whether it claims to be a Linux/x86 kernel with a setup header
 */
gboolean
sv_bzimage_recognise (const guint8 *header, gsize size)
{
  return size >= OFFSET_MAGIC + 4 && memcmp (header + OFFSET_MAGIC, "HdrS", 4) == 0
         && get_le (header, OFFSET_BOOT_FLAG, 2) == 0xaa55;
}

static gboolean
fail (const SvBootFile *file, GError **error, const char *message)
{
  g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT, "%s: bzImage: %s", file->path, message);
  return FALSE;
}

/* Where the kernel wants to lie, or the lowest place that suits it. */
static gboolean
choose_address (const SvBootFile *file, const guint8 *header, guint64 *address, GError **error)
{
  const guint64 alignment = get_le (header, OFFSET_ALIGNMENT, 4);

  *address = get_le (header, OFFSET_PREF_ADDRESS, 8);
  if (*address >= SV_X86_HIGH_RAM)
    return TRUE;

  if (header[OFFSET_RELOCATABLE] == 0)
    {
      *address = SV_X86_HIGH_RAM;
      return TRUE;
    }
  if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > ALIGNMENT_MAX)
    return fail (file, error, "kernel_alignment is not a power of two up to 1 GiB");
  *address = MAX (alignment, SV_X86_HIGH_RAM);
  return TRUE;
}

/**
 * sv_bzimage_parse:
 *
 * Fills @image for the 64-bit boot protocol.
 *
 * Returns: whether the kernel can be loaded
 */
gboolean
sv_bzimage_parse (
    SvBootImage *image, const SvBootFile *file, const guint8 *header, gsize size, GError **error)
{
  guint setup_sects, version, xloadflags;
  guint64 payload, rest;
  SvBootSegment segment = { 0 };

  if (size < SV_BOOT_SETUP_HEADER + SV_BZIMAGE_HEADER_MIN)
    return fail (file, error, "truncated in the setup header");

  version = get_le (header, OFFSET_VERSION, 2);
  if (version < VERSION_XLOADFLAGS)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                   "%s: bzImage: boot protocol %u.%02u; 2.12 or newer is needed", file->path,
                   version >> 8, version & 0xff);
      return FALSE;
    }
  if ((header[OFFSET_LOADFLAGS] & SV_BZIMAGE_LOADED_HIGH) == 0)
    return fail (file, error, "a zImage, which loads below 1 MiB; build a bzImage");
  xloadflags = get_le (header, OFFSET_XLOADFLAGS, 2);
  if ((xloadflags & XLF_KERNEL_64) == 0)
    return fail (file, error, "no 64-bit entry point; a kernel for x86_64 is needed");

  setup_sects = header[OFFSET_SETUP_SECTS];
  segment.offset = ((setup_sects ? setup_sects : DEFAULT_SETUP_SECTS) + 1) * SECTOR;
  if (segment.offset >= file->size)
    return fail (file, error, "truncated: it ends before the 64-bit code");

  /* Behind the code may be a signature, which is not loaded. */
  rest = file->size - segment.offset;
  payload = get_le (header, OFFSET_SYSSIZE, 4) * 16;
  if (payload == 0)
    payload = rest;
  if (payload > rest)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                   "%s: bzImage: truncated: " HEX " bytes of code are announced, " HEX " are there",
                   file->path, payload, rest);
      return FALSE;
    }
  if (payload <= ENTRY_64)
    return fail (file, error, "too short to hold a 64-bit entry point");

  segment.file_size = payload;
  segment.size = MAX (payload, get_le (header, OFFSET_INIT_SIZE, 4));
  if (!choose_address (file, header, &segment.address, error)
      || !sv_boot_image_add (image, file, &segment, error))
    return FALSE;

  image->mode = SV_X86_ENTRY_LONG_MODE;
  image->entry = segment.address + ENTRY_64;
  image->zero_tail = FALSE; /* the decompressor clears what it needs */
  image->cmdline_max = get_le (header, OFFSET_CMDLINE_SIZE, 4);
  image->initrd_above_4g = (xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G) != 0;
  if (!image->initrd_above_4g)
    image->initrd_max = get_le (header, OFFSET_INITRD_MAX, 4);

  /* The jump instruction at 0x200 tells where the header ends. */
  image->setup_header_size = OFFSET_MAGIC + header[OFFSET_JUMP] - SV_BOOT_SETUP_HEADER;
  image->setup_header_size
      = CLAMP (image->setup_header_size, SV_BZIMAGE_HEADER_MIN, SV_BOOT_SETUP_HEADER_MAX);
  image->setup_header_size = MIN (image->setup_header_size, size - SV_BOOT_SETUP_HEADER);
  memcpy (image->setup_header, header + SV_BOOT_SETUP_HEADER, image->setup_header_size);
  return TRUE;
}
