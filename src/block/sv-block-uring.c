/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/block/sv-block-uring.h"

#include <errno.h>
#include <limits.h>
#include <liburing.h>
#include <unistd.h>

#include "src/runtime/sv-uring.h"

/* One submission of this many requests costs one system call; a larger ring only costs memory. */
#define MAX_SQ_ENTRIES 64u
#define MAX_CQ_ENTRIES 1024u
#define RETRY_USEC 1000

typedef struct
{
  SvBlockEngine engine;
  struct io_uring ring;
  GSource *source;
  SvBlockIoList pending;
  guint in_kernel;
} SvBlockUring;

typedef struct
{
  GSource source;
  SvBlockUring *uring;
} SvBlockUringSource;

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
sv_block_uring_submit (SvBlockEngine *engine, SvBlockIo *io)
{
  engine->in_flight++;
  sv_block_io_list_push (&((SvBlockUring *)engine)->pending, io);
}

static void
sv_block_uring_flush (SvBlockEngine *engine)
{
  SvBlockUring *self = (SvBlockUring *)engine;

  while (self->pending.head || io_uring_sq_ready (&self->ring) > 0)
    {
      int n;

      while (self->pending.head)
        {
          struct io_uring_sqe *sqe = io_uring_get_sqe (&self->ring);

          if (sqe == NULL)
            break;
          prepare (sqe, self->pending.head);
          io_uring_sqe_set_data (sqe, sv_block_io_list_pop (&self->pending));
        }
      n = io_uring_submit (&self->ring);
      if (n > 0)
        {
          self->in_kernel += n;
        }
      else if (n != -EINTR)
        {
          /* The kernel is out of memory or wants completions reaped first: what waits for the
           * next completion needs a nudge when there will be none. */
          g_source_set_ready_time (self->source, g_get_monotonic_time () + RETRY_USEC);
          return;
        }
    }
}

static void
sv_block_uring_reap (SvBlockEngine *engine, gboolean wait)
{
  SvBlockUring *self = (SvBlockUring *)engine;
  struct io_uring_cqe *cqes[32];
  gint64 results[G_N_ELEMENTS (cqes)];
  SvBlockIo *ios[G_N_ELEMENTS (cqes)];
  guint n;

  if (wait && self->in_kernel == 0)
    g_usleep (RETRY_USEC); /* flush could not submit */
  else if (wait)
    io_uring_wait_cqe (&self->ring, &cqes[0]);

  /* Out of the ring before any callback runs: callbacks may flush, and the kernel gets its room. */
  while ((n = io_uring_peek_batch_cqe (&self->ring, cqes, G_N_ELEMENTS (cqes))) > 0)
    {
      for (guint i = 0; i < n; i++)
        {
          ios[i] = io_uring_cqe_get_data (cqes[i]);
          results[i] = cqes[i]->res;
        }
      io_uring_cq_advance (&self->ring, n);
      self->in_kernel -= n;
      engine->in_flight -= n;
      for (guint i = 0; i < n; i++)
        {
          ios[i]->result = results[i];
          engine->user->complete (ios[i], engine->data);
        }
    }
}

static gboolean
sv_block_uring_source_ready (SvBlockUring *self)
{
  return io_uring_cq_ready (&self->ring) > 0 || io_uring_cq_has_overflow (&self->ring);
}

static gboolean
sv_block_uring_source_prepare (GSource *source, gint *timeout)
{
  *timeout = -1;
  return sv_block_uring_source_ready (((SvBlockUringSource *)source)->uring);
}

static gboolean
sv_block_uring_source_check (GSource *source)
{
  return sv_block_uring_source_ready (((SvBlockUringSource *)source)->uring);
}

static gboolean
sv_block_uring_source_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  SvBlockUring *self = ((SvBlockUringSource *)source)->uring;
  SvBlockEngine *engine = &self->engine;

  g_source_set_ready_time (source, -1);
  engine->user->begin (engine->data);
  sv_block_uring_reap (engine, FALSE);
  engine->user->end (engine->data);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
  .prepare = sv_block_uring_source_prepare,
  .check = sv_block_uring_source_check,
  .dispatch = sv_block_uring_source_dispatch,
};

static void
sv_block_uring_free (SvBlockEngine *engine)
{
  SvBlockUring *self = (SvBlockUring *)engine;

  g_source_destroy (self->source);
  g_source_unref (self->source);
  io_uring_queue_exit (&self->ring);
  g_free (self);
}

static const SvBlockEngineOps uring_ops = {
  .submit = sv_block_uring_submit,
  .flush = sv_block_uring_flush,
  .reap = sv_block_uring_reap,
  .free = sv_block_uring_free,
  .name = "io_uring",
};

SvBlockEngine *
sv_block_uring_new (GMainContext *context,
                    guint depth,
                    const SvBlockEngineUser *user,
                    gpointer data)
{
  g_autofree SvBlockUring *self = g_new0 (SvBlockUring, 1);
  /* COOP_TASKRUN: no interrupts to finish requests while this thread runs; it polls soon enough. */
  static const guint flags[] = { IORING_SETUP_COOP_TASKRUN, 0 };
  static const guint8 operations[] = {
    IORING_OP_NOP,    IORING_OP_READ,  IORING_OP_READV,     IORING_OP_WRITE,
    IORING_OP_WRITEV, IORING_OP_FSYNC, IORING_OP_FALLOCATE,
  };
  int result = -EINVAL;

  for (guint i = 0; i < G_N_ELEMENTS (flags) && result == -EINVAL; i++)
    {
      struct io_uring_params params = {
        .flags = flags[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED,
        .cq_entries = CLAMP (depth, 2 * MIN (depth, MAX_SQ_ENTRIES), MAX_CQ_ENTRIES),
      };

      result = io_uring_queue_init_params (MIN (depth, MAX_SQ_ENTRIES), &self->ring, &params);
    }
  if (result < 0)
    {
      errno = -result;
      return NULL;
    }
  result = -EOPNOTSUPP;
  if (self->ring.features & IORING_FEAT_NODROP)
    result = sv_uring_enable_only (&self->ring, operations, G_N_ELEMENTS (operations), 0);
  if (result < 0)
    {
      io_uring_queue_exit (&self->ring);
      errno = -result;
      return NULL;
    }

  self->engine.ops = &uring_ops;
  self->engine.user = user;
  self->engine.data = data;
  sv_block_io_list_init (&self->pending);

  /* The ring's own descriptor is readable while there are completions: against an eventfd this
   * saves reading the eventfd back, one system call for each wake-up. */
  self->source = g_source_new (&source_funcs, sizeof (SvBlockUringSource));
  ((SvBlockUringSource *)self->source)->uring = self;
  g_source_set_static_name (self->source, "block io_uring");
  /* Otherwise GLib takes the descriptor off the poll set while it dispatches, and wakes itself up
   * for it: four more system calls. */
  g_source_set_can_recurse (self->source, TRUE);
  g_source_add_unix_fd (self->source, self->ring.ring_fd, G_IO_IN);
  g_source_attach (self->source, context);
  return &g_steal_pointer (&self)->engine;
}
