/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/block/sv-block-engine.h"

G_BEGIN_DECLS

/* NULL when this kernel, or a security policy, offers no usable io_uring. In the context's thread. */
SvBlockEngine *
sv_block_uring_new (GMainContext *context, const SvBlockEngineUser *user, gpointer data);

G_END_DECLS
