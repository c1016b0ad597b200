/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/block/sv-block-node.h"

G_BEGIN_DECLS

/**
 * SvBlockNull:
 *
 * A node without a single sector: what a disk has whose image was taken away, or did not come yet.
 */
#define SV_TYPE_BLOCK_NULL (sv_block_null_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvBlockNull, sv_block_null, SV, BLOCK_NULL, SvBlockNode)

/* Opened; outside of the tree. (transfer full) */
SV_API SvBlockNode *sv_block_null_new (void);

G_END_DECLS
