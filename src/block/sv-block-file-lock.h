/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/* Locks the image behind @fd until the descriptor is closed; errno is EAGAIN when another process
 * has it. */
gboolean sv_block_file_lock (int fd, gboolean write);

/* Takes the locks off. */
void sv_block_file_unlock (int fd);

G_END_DECLS
