/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"
#include "src/accel/sv-x86-entry.h"
#include "src/memory/sv-address-space.h"

G_BEGIN_DECLS

/**
 * SvBootError:
 * @SV_BOOT_ERROR_FILE: a file cannot be opened or read, or shrank
 * @SV_BOOT_ERROR_FORMAT: a kernel is malformed, or of a kind that cannot be started
 * @SV_BOOT_ERROR_MEMORY: guest memory has no room for something
 * @SV_BOOT_ERROR_CMDLINE: the command line is too long
 *
 * What goes wrong with the files that a machine boots.
 */
typedef enum
{
  SV_BOOT_ERROR_FILE,
  SV_BOOT_ERROR_FORMAT,
  SV_BOOT_ERROR_MEMORY,
  SV_BOOT_ERROR_CMDLINE,
} SvBootError;

#define SV_BOOT_ERROR (sv_boot_error_quark ())
SV_API GQuark sv_boot_error_quark (void);
SV_API GType sv_boot_error_get_type (void);

/* An open regular file: a kernel or an initrd. The size is that at open. */
typedef struct
{
  char *path;
  int fd;
  guint64 size;
} SvBootFile;

SV_API SvBootFile *sv_boot_file_open (SvObject *scope, const char *path, GError **error);
SV_API void sv_boot_file_free (SvBootFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvBootFile, sv_boot_file_free)

/* Exactly @length bytes at @offset; a shorter file is an error that names it. */
SV_API gboolean sv_boot_file_read (const SvBootFile *file, guint64 offset, gpointer buffer, gsize length,
                                   GError **error);
/* The same, straight into guest RAM at @address, which may span several ranges of @view. */
SV_API gboolean sv_boot_file_load (const SvBootFile *file, guint64 offset, guint64 length,
                                   const SvFlatView *view, guint64 address, GError **error);

/* Part of a kernel: @file_size bytes of the file and zeros up to @size bytes of memory. */
typedef struct
{
  guint64 address;
  guint64 size;
  guint64 offset;
  guint64 file_size;
} SvBootSegment;

#define SV_BOOT_MAX_SEGMENTS 64u
#define SV_BOOT_SETUP_HEADER 0x1f1u     /* where it lies, in a bzImage and in boot_params */
#define SV_BOOT_SETUP_HEADER_MAX 0x9fu  /* up to edd_mbr_sig_buffer */

/**
 * SvBootImage:
 * @mode: long mode: Linux's 64-bit boot protocol; protected mode: PVH
 * @entry: guest-physical address of the first instruction
 * @segments: what lies where; none overlaps another
 * @zero_tail: whether the memory of a segment behind its file part must be zeros
 * @cmdline_max: longest command line without its NUL; 0 when the kernel does not tell
 * @initrd_max: highest address that an initrd may use, below 4 GiB
 * @initrd_above_4g: whether it may as well lie above
 * @setup_header: from a bzImage, otherwise made up
 *
 * What a loader learnt from a kernel file.
 */
typedef struct
{
  SvX86EntryMode mode;
  guint64 entry;
  SvBootSegment segments[SV_BOOT_MAX_SEGMENTS];
  guint n_segments;
  gboolean zero_tail;
  guint64 cmdline_max;
  guint64 initrd_max;
  gboolean initrd_above_4g;
  guint8 setup_header[SV_BOOT_SETUP_HEADER_MAX];
  gsize setup_header_size;
} SvBootImage;

/*
 * Adds a segment when it is well formed: within the file, no wrap, off the low memory that the boot
 * data uses, overlapping no other one. Empty segments are left out.
 */
SV_API gboolean sv_boot_image_add (SvBootImage *image, const SvBootFile *file, const SvBootSegment *segment,
                                   GError **error);
/* Whether @address is backed by the file part of a segment. */
SV_API gboolean sv_boot_image_contains (const SvBootImage *image, guint64 address);
/* Recognises @file and fills @image. */
SV_API gboolean sv_boot_image_parse (SvBootImage *image, const SvBootFile *file, GError **error);

G_END_DECLS
