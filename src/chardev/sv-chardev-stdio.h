/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/chardev/sv-chardev.h"

G_BEGIN_DECLS

/**
 * SvChardevStdio:
 *
 * Standard input and output (`chardev-stdio`). A terminal is raw while a front end is attached. Keys, on a terminal and in
 * a pipe alike: Ctrl-A x ends the VM, Ctrl-A h tells the keys, Ctrl-A b sends a break, Ctrl-A Ctrl-A sends Ctrl-A.
 */
#define SV_TYPE_CHARDEV_STDIO (sv_chardev_stdio_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvChardevStdio, sv_chardev_stdio, SV, CHARDEV_STDIO, SvChardev)

G_END_DECLS
