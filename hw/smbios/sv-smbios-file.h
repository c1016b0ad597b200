/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

G_BEGIN_DECLS

/*
 * One SMBIOS structure as it lies in a file, strings included: -smbios file=. It takes the place of those of its type that
 * the machine would make.
 */
#define SV_TYPE_SMBIOS_FILE (sv_smbios_file_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvSmbiosFile, sv_smbios_file, SV, SMBIOS_FILE, SvObject)

/* Bytes of the structure that @data begins with, the NULs behind its strings included; 0: there is none that ends within
 * @size. */
gsize sv_smbios_structure_get_size (const guint8 *data, gsize size);
/* (transfer none): what the complete object read */
GBytes *sv_smbios_file_get_contents (SvSmbiosFile *self);

G_END_DECLS
