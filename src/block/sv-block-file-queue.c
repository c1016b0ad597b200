/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/block/sv-block-file-queue-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>

#include "src/block/sv-block-iov.h"
#include "src/block/sv-block-threads.h"
#include "src/block/sv-block-uring.h"

#define BOUNCE_SIZE (128 * 1024u)
#define MAX_RETRIES 100

static void continue_transfer (SvBlockFileQueue *self, SvBlockRequest *request);
static void io_complete (SvBlockIo *io, gpointer data);

static inline SvBlockRequest *
request_of (SvBlockIo *io)
{
  return (SvBlockRequest *)((guint8 *)io - G_STRUCT_OFFSET (SvBlockRequest, io));
}

static void io_complete (SvBlockIo *io, gpointer data);

static void
batch_begin (gpointer data)
{
  sv_block_queue_begin_batch (data);
}

static void
engines_flush (SvBlockFileQueue *self)
{
  if (self->engine)
    self->engine->ops->flush (self->engine);
  if (self->threads && self->threads != self->engine)
    self->threads->ops->flush (self->threads);
}

static void
batch_end (gpointer data)
{
  /* Remainders of short transfers and next steps. */
  engines_flush (data);
  sv_block_queue_end_batch (data);
}

static const SvBlockEngineUser engine_user = {
  .complete = io_complete,
  .begin = batch_begin,
  .end = batch_end,
};

static gboolean
ensure_threads (SvBlockFileQueue *self)
{
  if (self->threads == NULL)
    self->threads = sv_block_threads_new (self->queue.context, &engine_user, self);
  return self->threads != NULL;
}

static gboolean
ensure_engine (SvBlockFileQueue *self)
{
  if (self->engine)
    return TRUE;

  if (!self->info->threads)
    {
      self->engine = sv_block_uring_new (self->queue.context, &engine_user, self);
      if (self->engine)
        return TRUE;
      g_info ("io_uring is not available: using threads for disk I/O");
    }
  if (!ensure_threads (self))
    return FALSE;
  self->engine = self->threads;
  return TRUE;
}

void
sv_block_file_queue_start_io (SvBlockFileQueue *self, SvBlockRequest *request)
{
  SvBlockEngine *engine;

  /* There is an engine, but BLKDISCARD has no io_uring operation. */
  if (request->io.op == SV_BLOCK_IO_DISCARD && !ensure_threads (self))
    {
      sv_block_queue_complete_later (&self->queue, request, -errno);
      return;
    }
  engine = request->io.op == SV_BLOCK_IO_DISCARD ? self->threads : self->engine;
  engine->ops->submit (engine, &request->io);
}

/*
 * Bounce buffers: a bounded number, kept once made. Requests that find none wait for their turn.
 */

static guint8 *
take_bounce (SvBlockFileQueue *self)
{
  gpointer buffer;

  if (self->n_bounce_free > 0)
    return self->bounce[--self->n_bounce_free];
  if (self->n_bounce == SV_BLOCK_MAX_BOUNCE)
    return NULL;
  buffer = mmap (NULL, BOUNCE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer == MAP_FAILED)
    return NULL;
  self->n_bounce++;
  return buffer;
}

void
sv_block_file_queue_finish (SvBlockFileQueue *self, SvBlockRequest *request, int result)
{
  guint8 *bounce = g_steal_pointer (&request->bounce);

  sv_block_queue_complete (&self->queue, request, result);
  if (bounce == NULL)
    return;

  if (self->waiters)
    {
      SvBlockRequest *waiter = self->waiters;

      self->waiters = waiter->next;
      if (self->waiters == NULL)
        self->waiters_tail = &self->waiters;
      waiter->bounce = bounce;
      continue_transfer (self, waiter);
    }
  else
    {
      self->bounce[self->n_bounce_free++] = bounce;
    }
}

/*
 * Read and write
 */

static void
start_transfer (SvBlockFileQueue *self, SvBlockRequest *request)
{
  const SvBlockFileInfo *info = self->info;

  request->position = 0;
  request->bounce = NULL;
  /* Less than a block of the disk: the page cache reads, modifies and writes the block, in step
   * with whatever else happens to it. */
  request->buffered = sv_block_file_queue_is_buffered (self, request);
  if (info->direct && !request->buffered
      && !sv_block_iov_is_aligned (request->iov, request->n_iov, info->memory_alignment))
    {
      request->window.iov_len = 0;
      request->bounce = take_bounce (self);
      if (request->bounce == NULL)
        {
          if (self->n_bounce == 0)
            {
              sv_block_queue_complete_later (&self->queue, request, -ENOMEM);
              return;
            }
          request->next = NULL;
          *self->waiters_tail = request;
          self->waiters_tail = &request->next;
          return;
        }
    }
  continue_transfer (self, request);
}

static void
continue_transfer (SvBlockFileQueue *self, SvBlockRequest *request)
{
  SvBlockIo *io = &request->io;

  io->op = request->op == SV_BLOCK_READ ? SV_BLOCK_IO_READ : SV_BLOCK_IO_WRITE;
  io->dsync = request->fua && !self->info->no_flush;
  io->fd = request->buffered ? self->info->buffered_fd : self->info->fd;
  io->offset = request->offset + request->position;
  if (request->bounce)
    {
      if (request->window.iov_len == 0)
        {
          request->window.iov_base = request->bounce;
          request->window.iov_len = MIN (request->length - request->position, BOUNCE_SIZE);
          if (request->op == SV_BLOCK_WRITE)
            sv_block_iov_read (request->iov, request->n_iov, request->bounce,
                               request->window.iov_len);
        }
      io->iov = &request->window;
      io->n_iov = 1;
    }
  else
    {
      io->iov = request->iov;
      io->n_iov = request->n_iov;
    }
  sv_block_file_queue_start_io (self, request);
}

static void
read_done (SvBlockFileQueue *self, SvBlockRequest *request, guint64 n)
{
  gboolean direct = self->info->direct && !request->buffered;

  n = MIN (n, request->length - request->position);
  if (request->bounce)
    {
      sv_block_iov_write (request->iov, request->n_iov, request->bounce, n);
      request->window.iov_len = 0;
    }
  sv_block_iov_advance (&request->iov, &request->n_iov, n);
  request->position += n;

  if (request->position == request->length)
    {
      sv_block_file_queue_finish (self, request, 0);
    }
  else if (n == 0 || (direct && (n & (self->info->offset_alignment - 1)) != 0))
    {
      /* The end of the file, which the image's size is rounded up from: the rest reads zero. */
      sv_block_iov_clear (request->iov, request->n_iov);
      sv_block_file_queue_finish (self, request, 0);
    }
  else
    {
      continue_transfer (self, request);
    }
}

static void
write_done (SvBlockFileQueue *self, SvBlockRequest *request, guint64 n)
{
  n = MIN (n, request->length - request->position);
  if (self->info->direct && !request->buffered)
    n &= ~(guint64)(self->info->offset_alignment - 1);
  if (n == 0)
    {
      sv_block_file_queue_finish (self, request, -ENOSPC);
      return;
    }

  if (request->bounce)
    {
      request->window.iov_base = (guint8 *)request->window.iov_base + n;
      request->window.iov_len -= MIN (n, request->window.iov_len);
    }
  sv_block_iov_advance (&request->iov, &request->n_iov, n);
  request->position += n;
  if (request->position == request->length)
    sv_block_file_queue_finish (self, request, 0);
  else
    continue_transfer (self, request);
}

/*
 * Flush, discard
 */

void
sv_block_file_queue_start_sync (SvBlockFileQueue *self, SvBlockRequest *request)
{
  if (self->info->no_flush)
    {
      sv_block_queue_complete_later (&self->queue, request, 0);
      return;
    }
  request->io.op = SV_BLOCK_IO_SYNC;
  request->io.fd = self->info->fd;
  sv_block_file_queue_start_io (self, request);
}

void
sv_block_file_queue_start_range (SvBlockFileQueue *self,
                                 SvBlockRequest *request,
                                 SvBlockIoOp op,
                                 int mode)
{
  SvBlockIo *io = &request->io;

  io->op = op;
  io->fd = self->info->fd;
  io->offset = request->offset;
  io->length = request->length;
  io->mode = mode | FALLOC_FL_KEEP_SIZE;
  sv_block_file_queue_start_io (self, request);
}

static void
start_discard (SvBlockFileQueue *self, SvBlockRequest *request)
{
  if (sv_block_node_get_discard (self->queue.node) == SV_BLOCK_DISCARD_IGNORE)
    {
      sv_block_queue_complete_later (&self->queue, request, 0);
      return;
    }
  sv_block_file_queue_start_range (
      self, request, self->info->is_block ? SV_BLOCK_IO_DISCARD : SV_BLOCK_IO_FALLOCATE,
      FALLOC_FL_PUNCH_HOLE);
}

static void
io_complete (SvBlockIo *io, gpointer data)
{
  SvBlockFileQueue *self = data;
  SvBlockRequest *request = request_of (io);
  gint64 result = io->result;

  /* ECANCELED: the thread that it was begun by has ended. */
  if ((result == -EINTR || result == -EAGAIN || result == -ECANCELED) && request->retries < MAX_RETRIES)
    {
      request->retries++;
      sv_block_file_queue_start_io (self, request);
      return;
    }

  if (request->step != SV_BLOCK_NO_STEP)
    {
      sv_block_file_queue_zeroes_done (self, request, result);
      return;
    }
  if (request->op == SV_BLOCK_DISCARD
      && (sv_block_file_queue_is_unsupported (result)
          || (self->info->is_block && result == -EINVAL)))
    result = 0; /* a hint that could not be followed */

  if (result < 0)
    sv_block_file_queue_finish (self, request, result);
  else if (request->op == SV_BLOCK_READ)
    read_done (self, request, result);
  else if (request->op == SV_BLOCK_WRITE)
    write_done (self, request, result);
  else
    sv_block_file_queue_finish (self, request, 0);
}

static void
sv_block_file_queue_submit (SvBlockQueue *queue, SvBlockRequest *request)
{
  SvBlockFileQueue *self = (SvBlockFileQueue *)queue;
  SvBlockDetectZeroes detect = sv_block_node_get_detect_zeroes (queue->node);

  request->retries = 0;
  request->bounce = NULL;
  request->step = SV_BLOCK_NO_STEP;
  if (!ensure_engine (self))
    {
      sv_block_queue_complete_later (queue, request, -errno);
      return;
    }
  switch (request->op)
    {
    case SV_BLOCK_WRITE:
      if (detect != SV_BLOCK_DETECT_ZEROES_OFF
          && sv_block_iov_is_zero (request->iov, request->n_iov))
        sv_block_file_queue_start_zeroes (self, request, detect == SV_BLOCK_DETECT_ZEROES_UNMAP);
      else
        start_transfer (self, request);
      break;
    case SV_BLOCK_READ:
      start_transfer (self, request);
      break;
    case SV_BLOCK_FLUSH:
      sv_block_file_queue_start_sync (self, request);
      break;
    case SV_BLOCK_DISCARD:
      start_discard (self, request);
      break;
    case SV_BLOCK_WRITE_ZEROES:
      sv_block_file_queue_start_zeroes (self, request, request->may_unmap);
      break;
    default:
      sv_block_queue_complete_later (queue, request, -EOPNOTSUPP);
    }
}

static void
sv_block_file_queue_kick (SvBlockQueue *queue)
{
  SvBlockFileQueue *self = (SvBlockFileQueue *)queue;

  engines_flush (self);
  /* What the page cache had is done already: no need to go through the main loop for it. */
  if (self->engine && self->engine->in_flight > 0)
    {
      self->engine->ops->reap (self->engine, FALSE);
      engines_flush (self);
    }
}

static void
sv_block_file_queue_wait (SvBlockQueue *queue)
{
  SvBlockFileQueue *self = (SvBlockFileQueue *)queue;

  engines_flush (self);
  if (self->threads && self->threads != self->engine && self->threads->in_flight > 0)
    self->threads->ops->reap (self->threads, TRUE);
  else if (self->engine && self->engine->in_flight > 0)
    self->engine->ops->reap (self->engine, TRUE);
  engines_flush (self);
}

static void
sv_block_file_queue_free (SvBlockQueue *queue)
{
  SvBlockFileQueue *self = (SvBlockFileQueue *)queue;

  if (self->threads && self->threads != self->engine)
    self->threads->ops->free (self->threads);
  if (self->engine)
    self->engine->ops->free (self->engine);
  for (guint i = 0; i < self->n_bounce_free; i++)
    munmap (self->bounce[i], BOUNCE_SIZE);
  sv_block_file_queue_clear_zeroes (self);
  sv_block_queue_clear (queue);
  g_free (self);
}

static const SvBlockQueueOps file_queue_ops = {
  .submit = sv_block_file_queue_submit,
  .kick = sv_block_file_queue_kick,
  .wait = sv_block_file_queue_wait,
  .free = sv_block_file_queue_free,
};

SvBlockQueue *
sv_block_file_queue_new (SvBlockNode *node,
                         const SvBlockFileInfo *info,
                         GMainContext *context,
                         guint depth)
{
  SvBlockFileQueue *self = g_new0 (SvBlockFileQueue, 1);

  self->info = info;
  self->waiters_tail = &self->waiters;
  sv_block_queue_init (&self->queue, &file_queue_ops, node, context, depth);
  return &self->queue;
}

/**
 * sv_block_file_queue_get_engine:
 * @queue: a queue of a file node
 *
 * Returns: how the queue does its work: `io_uring` or `threads`; `none` before its first request
 */
const char *
sv_block_file_queue_get_engine (SvBlockQueue *queue)
{
  SvBlockFileQueue *self = (SvBlockFileQueue *)queue;

  return self->engine ? self->engine->ops->name : "none";
}
