/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/chardev/sv-chardev.h"

G_BEGIN_DECLS

/**
 * SvChardevFile:
 *
 * Output into a file, named pipe or device (`chardev-file`); there is no input.
 */
#define SV_TYPE_CHARDEV_FILE (sv_chardev_file_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvChardevFile, sv_chardev_file, SV, CHARDEV_FILE, SvChardev)

G_END_DECLS
