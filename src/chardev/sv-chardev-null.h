/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/chardev/sv-chardev.h"

G_BEGIN_DECLS

/**
 * SvChardevNull:
 *
 * Nobody (`chardev-null`): drops output, gives no input.
 */
#define SV_TYPE_CHARDEV_NULL (sv_chardev_null_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvChardevNull, sv_chardev_null, SV, CHARDEV_NULL, SvChardev)

G_END_DECLS
