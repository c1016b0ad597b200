/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/x86/sv-boot-image.h"

G_BEGIN_DECLS

/* The Linux/x86 boot protocol, Documentation/arch/x86/boot.rst; offsets from the start of the file */
#define SV_BZIMAGE_LOADED_HIGH 0x01u
#define SV_BZIMAGE_HEADER_MIN (0x268u - SV_BOOT_SETUP_HEADER) /* up to init_size and handover_offset */

SV_API gboolean sv_bzimage_recognise (const guint8 *header, gsize size);
/* Fills @image from the setup header: one segment, entered 0x200 bytes behind its start. */
SV_API gboolean sv_bzimage_parse (SvBootImage *image, const SvBootFile *file, const guint8 *header, gsize size,
                                  GError **error);

G_END_DECLS
