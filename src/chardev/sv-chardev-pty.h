/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/chardev/sv-chardev.h"

G_BEGIN_DECLS

/**
 * SvChardevPty:
 *
 * A new pseudo terminal (`chardev-pty`), raw, whose name is told on standard output. Output is dropped while nobody has it
 * open.
 */
#define SV_TYPE_CHARDEV_PTY (sv_chardev_pty_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvChardevPty, sv_chardev_pty, SV, CHARDEV_PTY, SvChardev)

G_END_DECLS
