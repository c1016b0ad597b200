/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Write-zeroes: by the cheapest way that the file offers, at last by writing zeroes. */

#include "src/block/sv-block-file-queue-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>

#define ZERO_SIZE (256 * 1024u)

/* How a write-zeroes request proceeds; each step that the file cannot do leads to the next. */
enum
{
  ZERO_PUNCH, /* with permission to unmap */
  ZERO_RANGE,
  ZERO_REPUNCH,  /* for file systems that have no ZERO_RANGE, */
  ZERO_ALLOCATE, /* and the space is taken back at once */
  ZERO_WRITE,
  ZERO_SYNC,
};

static void continue_zeroes (SvBlockFileQueue *self, SvBlockRequest *request);

void
sv_block_file_queue_start_zeroes (SvBlockFileQueue *self,
                                  SvBlockRequest *request,
                                  gboolean may_unmap)
{
  request->position = 0;
  request->bounce = NULL;
  request->buffered = sv_block_file_queue_is_buffered (self, request);
  request->step
      = may_unmap && sv_block_node_get_discard (self->queue.node) == SV_BLOCK_DISCARD_UNMAP
            ? ZERO_PUNCH
            : ZERO_RANGE;
  continue_zeroes (self, request);
}

static gboolean
ensure_zeroes (SvBlockFileQueue *self)
{
  gpointer zeroes;

  if (self->zeroes == NULL)
    {
      /* Never written to: costs the kernel's one zero page. */
      zeroes = mmap (NULL, ZERO_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (zeroes != MAP_FAILED)
        self->zeroes = zeroes;
    }
  return self->zeroes != NULL;
}

static void
continue_zeroes (SvBlockFileQueue *self, SvBlockRequest *request)
{
  SvBlockIo *io = &request->io;

  if (request->step == ZERO_PUNCH && self->no_punch)
    request->step = ZERO_RANGE;
  if (request->step == ZERO_RANGE && self->no_zero_range)
    request->step = ZERO_REPUNCH;
  if (request->step == ZERO_REPUNCH && (self->no_punch || self->info->is_block))
    request->step = ZERO_WRITE;

  switch (request->step)
    {
    case ZERO_PUNCH:
    case ZERO_REPUNCH:
      sv_block_file_queue_start_range (self, request, SV_BLOCK_IO_FALLOCATE, FALLOC_FL_PUNCH_HOLE);
      break;
    case ZERO_RANGE:
      sv_block_file_queue_start_range (self, request, SV_BLOCK_IO_FALLOCATE, FALLOC_FL_ZERO_RANGE);
      break;
    case ZERO_ALLOCATE:
      sv_block_file_queue_start_range (self, request, SV_BLOCK_IO_FALLOCATE, 0);
      break;
    case ZERO_SYNC:
      sv_block_file_queue_start_sync (self, request);
      break;
    case ZERO_WRITE:
    default:
      if (!ensure_zeroes (self))
        {
          sv_block_queue_complete_later (&self->queue, request, -ENOMEM);
          return;
        }
      io->op = SV_BLOCK_IO_WRITE;
      io->dsync = FALSE;
      io->fd = request->buffered ? self->info->buffered_fd : self->info->fd;
      io->offset = request->offset + request->position;
      request->window.iov_base = self->zeroes;
      request->window.iov_len = MIN (request->length - request->position, ZERO_SIZE);
      io->iov = &request->window;
      io->n_iov = 1;
      sv_block_file_queue_start_io (self, request);
      break;
    }
}

void
sv_block_file_queue_zeroes_done (SvBlockFileQueue *self, SvBlockRequest *request, gint64 result)
{
  gboolean fallocate = request->step <= ZERO_ALLOCATE;

  if (fallocate && (sv_block_file_queue_is_unsupported (result) || result == -EINVAL))
    {
      /* EINVAL is about this request: a range that is not aligned to the disk's blocks. */
      gboolean never = result != -EINVAL;

      if (request->step == ZERO_RANGE)
        self->no_zero_range |= never;
      else if (request->step != ZERO_ALLOCATE)
        self->no_punch |= never;
      if (request->step == ZERO_ALLOCATE)
        request->step = ZERO_SYNC;
      else if (request->step == ZERO_REPUNCH)
        request->step = ZERO_WRITE;
      else
        request->step++;
      result = 0;
    }
  else if (result < 0)
    {
      sv_block_file_queue_finish (self, request, result);
      return;
    }
  else if (request->step == ZERO_WRITE)
    {
      guint64 n = MIN ((guint64)result, request->length - request->position);

      if (self->info->direct && !request->buffered)
        n &= ~(guint64)(self->info->offset_alignment - 1);
      if (n == 0)
        {
          sv_block_file_queue_finish (self, request, -ENOSPC);
          return;
        }
      request->position += n;
      if (request->position == request->length)
        request->step = ZERO_SYNC;
    }
  else if (request->step == ZERO_REPUNCH)
    {
      request->step = ZERO_ALLOCATE;
    }
  else if (request->step != ZERO_SYNC)
    {
      request->step = ZERO_SYNC;
    }
  else
    {
      sv_block_file_queue_finish (self, request, 0);
      return;
    }

  if (request->step == ZERO_SYNC && (!request->fua || self->info->no_flush))
    sv_block_file_queue_finish (self, request, 0);
  else
    continue_zeroes (self, request);
}

void
sv_block_file_queue_clear_zeroes (SvBlockFileQueue *self)
{
  if (self->zeroes)
    munmap (self->zeroes, ZERO_SIZE);
}
