/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "src/block/sv-block-node.h"

G_BEGIN_DECLS

/**
 * SvBlockRaw:
 *
 * An image without a format on top of another node, `file` (wire name `blockdev-raw`). It adds nothing:
 * its queues are those of the node below, which it claims.
 */
#define SV_TYPE_BLOCK_RAW (sv_block_raw_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvBlockRaw, sv_block_raw, SV, BLOCK_RAW, SvBlockNode)

SV_API const char *sv_block_flatten (JsonObject *properties, const char *driver, GError **error);

G_END_DECLS
