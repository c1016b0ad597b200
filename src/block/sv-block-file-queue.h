/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/block/sv-block-node.h"

G_BEGIN_DECLS

/**
 * SvBlockFileInfo:
 * @fd: the image
 * @buffered_fd: the image without O_DIRECT, for what is not aligned; -1 when that cannot happen
 * @is_block: a block device
 * @direct: @fd has O_DIRECT
 * @no_flush: flush requests do nothing
 * @threads: never use io_uring
 * @memory_alignment: of memory, for @direct
 * @offset_alignment: of offsets and lengths, for @direct
 *
 * An opened file, as its queues need it. Constant while there are queues.
 */
typedef struct
{
  int fd;
  int buffered_fd;
  gboolean is_block;
  gboolean direct;
  gboolean no_flush;
  gboolean threads;
  guint memory_alignment;
  guint offset_alignment;
} SvBlockFileInfo;

SvBlockQueue *sv_block_file_queue_new (SvBlockNode *node,
                                       const SvBlockFileInfo *info,
                                       GMainContext *context,
                                       guint depth);
/* `io_uring`, `threads`, or `none` before the first request. */
SV_API const char *sv_block_file_queue_get_engine (SvBlockQueue *queue);

G_END_DECLS
