/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/x86/sv-boot-image.h"

G_BEGIN_DECLS

SV_API gboolean sv_elf_recognise (const guint8 *header, gsize size);
/*
 * Fills @image from the program headers: the PVH entry of a PT_NOTE, else e_entry in long mode. Linux, whose notes tell that
 * it is Linux, is always started at e_entry, which it reaches with fewer exits.
 */
SV_API gboolean sv_elf_parse (SvBootImage *image, const SvBootFile *file, const guint8 *header, gsize size,
                              GError **error);

G_END_DECLS
