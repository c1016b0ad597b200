/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"
#include "src/block/sv-block-node.h"
#include "src/memory/sv-memory-region.h"

G_BEGIN_DECLS

/**
 * SvPflash:
 *
 * A NOR flash chip (`cfi.pflash01`) whose content is a disk image, `drive`: what firmware starts from, and
 * keeps its variables in. The guest reads and runs it as memory, until it gives the chip a command
 * ([struct@CfiFlash]). What it programs or erases is in the image before it can see that the chip is done.
 */
#define SV_TYPE_PFLASH (sv_pflash_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvPflash, sv_pflash, SV, PFLASH, SvDevice)

#define SV_PFLASH_MAX_SIZE (8ull << 20)

/* The chip shows in @memory, a container, and ends below @end. Both before realize. */
SV_API SvPflash *sv_pflash_new (SvBlockNode *drive, SvMemoryRegion *memory, guint64 end);
SV_API guint64 sv_pflash_get_size (SvPflash *self);

G_END_DECLS
