/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/block/sv-block-uring.h"

#include <errno.h>
#include <limits.h>
#include <liburing.h>

#include "src/runtime/sv-io-ring.h"

/* In the ring of the context, which all that works there shares. */
typedef struct
{
  SvBlockEngine engine;
  SvIoRing *ring;
  SvIoRingBatch batch;
} SvBlockUring;

static void
prepare (struct io_uring_sqe *sqe, const SvBlockIo *io)
{
  guint n_iov = MIN (io->n_iov, IOV_MAX);

  switch ((SvBlockIoOp)io->op)
    {
    case SV_BLOCK_IO_READ:
      if (n_iov == 1)
        io_uring_prep_read (sqe, io->fd, io->iov->iov_base,
                            MIN (io->iov->iov_len, G_MAXINT32 & ~4095), io->offset);
      else
        io_uring_prep_readv (sqe, io->fd, io->iov, n_iov, io->offset);
      break;
    case SV_BLOCK_IO_WRITE:
      if (n_iov == 1)
        io_uring_prep_write (sqe, io->fd, io->iov->iov_base,
                             MIN (io->iov->iov_len, G_MAXINT32 & ~4095), io->offset);
      else
        io_uring_prep_writev (sqe, io->fd, io->iov, n_iov, io->offset);
      if (io->dsync)
        sqe->rw_flags = RWF_DSYNC;
      break;
    case SV_BLOCK_IO_SYNC:
      io_uring_prep_fsync (sqe, io->fd, IORING_FSYNC_DATASYNC);
      break;
    case SV_BLOCK_IO_FALLOCATE:
      io_uring_prep_fallocate (sqe, io->fd, io->mode, io->offset, io->length);
      break;
    case SV_BLOCK_IO_DISCARD:
    default:
      io_uring_prep_nop (sqe);
      break;
    }
}

static void
end_batch (SvIoRingBatch *batch)
{
  SvBlockUring *self = (SvBlockUring *)((guint8 *)batch - G_STRUCT_OFFSET (SvBlockUring, batch));

  self->engine.user->end (self->engine.data);
}

static void
io_done (SvIoRingOp *op, int result, gboolean more)
{
  SvBlockIo *io = (SvBlockIo *)((guint8 *)op - G_STRUCT_OFFSET (SvBlockIo, ring));
  SvBlockUring *self = io->engine;

  if (!self->batch.open)
    self->engine.user->begin (self->engine.data);
  sv_io_ring_join (self->ring, &self->batch);
  self->engine.in_flight--;
  io->result = result;
  self->engine.user->complete (io, self->engine.data);
}

static void
sv_block_uring_submit (SvBlockEngine *engine, SvBlockIo *io)
{
  SvBlockUring *self = (SvBlockUring *)engine;

  engine->in_flight++;
  io->engine = self;
  io->ring.done = io_done;
  prepare (sv_io_ring_prepare (self->ring, &io->ring), io);
}

/* The context does it when it polls next, by the same system call. */
static void
sv_block_uring_flush (SvBlockEngine *engine)
{
}

static void
sv_block_uring_reap (SvBlockEngine *engine, gboolean wait)
{
  if (wait)
    sv_io_ring_wait (((SvBlockUring *)engine)->ring);
}

static void
sv_block_uring_free (SvBlockEngine *engine)
{
  g_free (engine);
}

static const SvBlockEngineOps uring_ops = {
  .submit = sv_block_uring_submit,
  .flush = sv_block_uring_flush,
  .reap = sv_block_uring_reap,
  .free = sv_block_uring_free,
  .name = "io_uring",
};

SvBlockEngine *
sv_block_uring_new (GMainContext *context, const SvBlockEngineUser *user, gpointer data)
{
  SvIoRing *ring = sv_io_ring_get (context);
  SvBlockUring *self;

  if (ring == NULL)
    return NULL;
  self = g_new0 (SvBlockUring, 1);
  self->ring = ring;
  self->batch.end = end_batch;
  self->engine.ops = &uring_ops;
  self->engine.user = user;
  self->engine.data = data;
  return &self->engine;
}
