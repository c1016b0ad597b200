/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/*
 * The process's controlling terminal in raw mode. Its settings come back on every way out of the process that can be
 * caught: sv_terminal_restore(), exit(), a signal that ends or stops the process. After SIGCONT raw mode returns. While
 * the process is in the background the terminal belongs to someone else and is left alone. There is one: signal
 * handlers have no other way to find it than static data.
 */

/* Puts the terminal @fd into raw mode, with @signals so that Ctrl-C, Ctrl-Z and Ctrl-\ stay signals. FALSE when @fd is no
 * terminal or another one is raw already. Does not block: in the background, it becomes raw with
 * sv_terminal_is_ours(). */
SV_API gboolean sv_terminal_set_raw (int fd, gboolean signals);
/* Whether this process is in the terminal's foreground, so that it may read and set it. Sets raw mode when due. */
SV_API gboolean sv_terminal_is_ours (void);
SV_API void sv_terminal_restore (void);

G_END_DECLS
