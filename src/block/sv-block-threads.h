/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/block/sv-block-engine.h"

G_BEGIN_DECLS

/* NULL when there is no file descriptor left; errno tells why. In the context's thread. */
SvBlockEngine *
sv_block_threads_new (GMainContext *context, const SvBlockEngineUser *user, gpointer data);

G_END_DECLS
