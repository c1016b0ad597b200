/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by the parts of the queue: sv-block-file-queue.c has transfers, sv-block-file-zeroes.c
 * write-zeroes. */

#include <errno.h>

#include "src/block/sv-block-engine.h"
#include "src/block/sv-block-file-queue.h"

G_BEGIN_DECLS

#define SV_BLOCK_MAX_BOUNCE 8
/* The step of requests that are no write-zeroes requests. */
#define SV_BLOCK_NO_STEP G_MAXUINT8

typedef struct _SvBlockFileQueue SvBlockFileQueue;
struct _SvBlockFileQueue
{
  SvBlockQueue queue;
  const SvBlockFileInfo *info;
  SvBlockEngine *engine;  /* made by the first request */
  SvBlockEngine *threads; /* for what the engine cannot do, or the same as it */

  gboolean no_punch;
  gboolean no_zero_range;
  guint8 *zeroes;

  guint8 *bounce[SV_BLOCK_MAX_BOUNCE]; /* the free ones */
  guint n_bounce_free;
  guint n_bounce;
  SvBlockRequest *waiters; /* for a bounce buffer */
  SvBlockRequest **waiters_tail;
};

void sv_block_file_queue_start_io (SvBlockFileQueue *self, SvBlockRequest *request);
/* fdatasync, unless flushes are ignored. */
void sv_block_file_queue_start_sync (SvBlockFileQueue *self, SvBlockRequest *request);
/* An operation on the request's whole range. */
void sv_block_file_queue_start_range (SvBlockFileQueue *self,
                                      SvBlockRequest *request,
                                      SvBlockIoOp op,
                                      int mode);
void sv_block_file_queue_finish (SvBlockFileQueue *self, SvBlockRequest *request, int result);

/* Whether the request is less than a block of the disk, and has to go through the page cache. */
static inline gboolean
sv_block_file_queue_is_buffered (SvBlockFileQueue *self, const SvBlockRequest *request)
{
  const SvBlockFileInfo *info = self->info;

  return info->direct && ((request->offset | request->length) & (info->offset_alignment - 1)) != 0;
}

/* A refusal that another way of doing it may not meet. */
static inline gboolean
sv_block_file_queue_is_unsupported (gint64 result)
{
  return result == -EOPNOTSUPP || result == -ENOSYS || result == -ENODEV || result == -ENOTTY;
}

void sv_block_file_queue_start_zeroes (SvBlockFileQueue *self,
                                       SvBlockRequest *request,
                                       gboolean may_unmap);
void
sv_block_file_queue_zeroes_done (SvBlockFileQueue *self, SvBlockRequest *request, gint64 result);
void sv_block_file_queue_clear_zeroes (SvBlockFileQueue *self);

G_END_DECLS
