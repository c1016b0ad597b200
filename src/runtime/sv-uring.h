/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

struct io_uring;

int sv_uring_enable_only (struct io_uring *ring, const guint8 *operations, guint n, guint8 flags);

G_END_DECLS
