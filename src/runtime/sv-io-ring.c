/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-io-ring-private.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/runtime/sv-iothread.h"
#include "src/runtime/sv-tsan.h"
#include "src/runtime/sv-uring.h"
#include "src/runtime/sv-vm-lock.h"

#define SQ_ENTRIES 128
#define CQ_ENTRIES 1024
/* Completions in one turn before others get theirs; spares a system call for each of a few */
#define MIN_TOLD 64
/* How long operations that were cancelled may take */
#define FORGET_MS 100
/* EXT_ARG: timeouts; RSRC_TAGS came with the kernel that also has polls which stay (5.13) */
#define NEEDED_FEATURES (IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_RSRC_TAGS)

typedef struct
{
  GMainContext *context;
  SvIoRing *ring;
} Entry;

G_LOCK_DEFINE_STATIC (rings);
static GArray *rings;

/* The ring whose context this thread polls, while callbacks run: it goes on to submit. */
static _Thread_local SvIoRing *current;

static void
lock_rings (void)
{
  G_LOCK (rings);
  sv_tsan_acquire (&rings);
}

static void
unlock_rings (void)
{
  sv_tsan_release (&rings);
  G_UNLOCK (rings);
}

static gboolean
make_ring (struct io_uring *ring)
{
  static const guint8 operations[] = {
    IORING_OP_NOP,          IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE, IORING_OP_ASYNC_CANCEL,
    IORING_OP_READ,         IORING_OP_READV,    IORING_OP_WRITE,       IORING_OP_WRITEV,
    IORING_OP_FSYNC,        IORING_OP_FALLOCATE,
  };
  struct io_uring_params params = {
    .flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED,
    .cq_entries = CQ_ENTRIES,
  };

  if (io_uring_queue_init_params (SQ_ENTRIES, ring, &params) < 0)
    return FALSE;
  if ((ring->features & NEEDED_FEATURES) == NEEDED_FEATURES
      && sv_uring_enable_only (ring, operations, G_N_ELEMENTS (operations),
                               IOSQE_IO_LINK | IOSQE_IO_HARDLINK)
             == 0)
    return TRUE;
  io_uring_queue_exit (ring);
  return FALSE;
}

SvIoRing *
sv_io_ring_find (GMainContext *context)
{
  SvIoRing *found = NULL;

  if (context == NULL)
    context = g_main_context_default ();
  lock_rings ();
  for (guint i = 0; rings != NULL && i < rings->len; i++)
    if (g_array_index (rings, Entry, i).context == context)
      found = g_array_index (rings, Entry, i).ring;
  unlock_rings ();
  return found;
}

/**
 * sv_io_ring_get: (skip)
 * @context: (nullable): an iothread's context, or %NULL for the default one
 *
 * Makes the ring of a context when it is first asked for. It stays until sv_io_ring_forget().
 *
 * Returns: (nullable): the ring; %NULL when this kernel has none that is good enough
 */
SvIoRing *
sv_io_ring_get (GMainContext *context)
{
  SvIoRing *self = sv_io_ring_find (context);
  Entry entry;

  if (context == NULL)
    context = g_main_context_default ();
  if (self != NULL)
    return self;
  if (g_main_context_get_poll_func (context) == g_poll)
    {
      /* Nobody polls the ring of a context that is neither an iothread's nor under the VM lock. */
      if (context != g_main_context_default ())
        return NULL;
      sv_vm_lock_attach (context);
    }

  self = g_new0 (SvIoRing, 1);
  if (!make_ring (&self->ring))
    {
      g_free (self);
      return NULL;
    }
  self->context = context;
  entry = (Entry){ context, self };
  lock_rings ();
  if (rings == NULL)
    rings = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_array_append_val (rings, entry);
  unlock_rings ();
  return self;
}

static guint process (SvIoRing *self);

/**
 * sv_io_ring_forget: (skip)
 * @context: a context that nobody runs any more
 *
 * Frees the ring of @context if there is one.
 */
void
sv_io_ring_forget (GMainContext *context)
{
  SvIoRing *self = sv_io_ring_find (context);
  int result = 0;

  if (self == NULL)
    return;
  /* What was cancelled last may not have been told of. The operations of a thread that is gone end later than it. */
  sv_io_ring_submit (self);
  process (self);
  while (self->n_ops > 0 && (result >= 0 || result == -EINTR))
    {
      result = sv_io_ring_enter (self, sv_io_ring_publish (self), 1, FORGET_MS);
      process (self);
    }
  lock_rings ();
  for (guint i = 0; i < rings->len; i++)
    if (g_array_index (rings, Entry, i).ring == self)
      {
        g_array_remove_index_fast (rings, i);
        break;
      }
  if (rings->len == 0)
    g_clear_pointer (&rings, g_array_unref);
  unlock_rings ();
  io_uring_queue_exit (&self->ring);
  g_free (self);
}

/* --- submission --- */

/* What liburing does before it enters the kernel, which must be possible without the VM lock. */
guint
sv_io_ring_publish (SvIoRing *self)
{
  struct io_uring_sq *sq = &self->ring.sq;
  guint tail = *sq->ktail;

  for (; sq->sqe_head != sq->sqe_tail; sq->sqe_head++)
    sq->array[tail++ & *sq->kring_mask] = sq->sqe_head & *sq->kring_mask;
  __atomic_store_n (sq->ktail, tail, __ATOMIC_RELEASE);
  return tail - __atomic_load_n (sq->khead, __ATOMIC_ACQUIRE);
}

int
sv_io_ring_enter (SvIoRing *self, guint n_submit, guint n_wait, gint timeout)
{
  struct __kernel_timespec time = { timeout / 1000, timeout % 1000 * 1000000 };
  struct io_uring_getevents_arg arg = { .ts = timeout >= 0 ? (gsize) &time : 0 };
  long result = syscall (SYS_io_uring_enter, self->ring.ring_fd, n_submit, n_wait,
                         IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof arg);

  return result < 0 ? -errno : (int) result;
}

/**
 * sv_io_ring_submit: (skip)
 * @self: a ring
 *
 * Starts what was prepared right now. Before a descriptor is closed, none that uses it may be left.
 */
void
sv_io_ring_submit (SvIoRing *self)
{
  guint n;

  while ((n = sv_io_ring_publish (self)) > 0)
    {
      int result = sv_io_ring_enter (self, n, 0, -1);

      if (result >= 0 || result == -EINTR)
        continue;
      /* No memory, or too many results that nobody has looked at: those are told of first. */
      if (process (self) == 0)
        g_poll (NULL, 0, SV_IO_RING_RETRY_MS);
    }
}

/**
 * sv_io_ring_reserve: (skip)
 * @self: a ring
 * @n: at most 64
 *
 * Makes room so that @n operations that are linked go to the kernel together.
 */
void
sv_io_ring_reserve (SvIoRing *self, guint n)
{
  if (io_uring_sq_space_left (&self->ring) < n)
    sv_io_ring_submit (self);
}

/**
 * sv_io_ring_prepare: (skip)
 * @self: a ring
 * @op: (nullable): whom to tell; %NULL: nobody is interested
 *
 * Gets an entry to fill in. It is submitted when the context polls next, or by sv_io_ring_submit().
 *
 * Returns: (transfer none): the entry, for one of liburing's functions that fill it in
 */
struct io_uring_sqe *
sv_io_ring_prepare (SvIoRing *self, SvIoRingOp *op)
{
  struct io_uring_sqe *sqe;

  while ((sqe = io_uring_get_sqe (&self->ring)) == NULL)
    sv_io_ring_submit (self);
  io_uring_prep_nop (sqe);
  io_uring_sqe_set_data (sqe, op);
  if (op != NULL)
    self->n_ops++;
  if (self->waiting)
    g_main_context_wakeup (self->context);
  return sqe;
}

/**
 * sv_io_ring_cancel: (skip)
 * @self: a ring
 * @op: an operation that is not done
 *
 * Prepares the end of @op, which is told of as ever, with -ECANCELED if that was in time.
 */
void
sv_io_ring_cancel (SvIoRing *self, SvIoRingOp *op)
{
  io_uring_prep_cancel (sv_io_ring_prepare (self, NULL), op, 0);
}

/**
 * sv_io_ring_signal: (skip)
 * @fd: an eventfd that is not closed before the ring of the context was submitted
 *
 * Adds one to an eventfd, at once or, within a callback of the thread's ring, by the next system call.
 */
void
sv_io_ring_signal (int fd)
{
  static const guint64 one = 1;

  /* Fails only when the counter is full, and then it is pending anyhow. */
  if (current != NULL)
    io_uring_prep_write (sv_io_ring_prepare (current, NULL), fd, &one, sizeof one, 0);
  else if (write (fd, &one, sizeof one) < 0)
    return;
}

static void
submit_here (gpointer data)
{
  sv_io_ring_submit (data);
}

/**
 * sv_io_ring_settle: (skip)
 *
 * Has all rings submit what they prepared: what sv_io_ring_signal() was given may be closed then. VM lock held.
 */
void
sv_io_ring_settle (void)
{
  g_autoptr (GArray) copy = NULL;

  lock_rings ();
  copy = rings != NULL ? g_array_copy (rings) : g_array_new (FALSE, FALSE, sizeof (Entry));
  unlock_rings ();
  for (guint i = 0; i < copy->len; i++)
    {
      Entry *entry = &g_array_index (copy, Entry, i);

      if (entry->context == g_main_context_default ())
        sv_io_ring_submit (entry->ring);
      else
        sv_context_run_sync (entry->context, submit_here, entry->ring);
    }
}

/* --- completion --- */

/* Tells of what is done, and of what that leads to; returns how much that was. */
static guint
process (SvIoRing *self)
{
  /* Not until there is nothing more: a guest can see to it that the callbacks always lead to more. */
  guint most = MAX (io_uring_cq_ready (&self->ring), MIN_TOLD);
  struct io_uring_cqe *cqe;
  guint n = 0;

  for (; n < most && io_uring_peek_cqe (&self->ring, &cqe) == 0; n++)
    {
      guint64 data = io_uring_cqe_get_data64 (cqe);
      gboolean more = (cqe->flags & IORING_CQE_F_MORE) != 0;
      int result = cqe->res;
      SvIoRingOp *op = (SvIoRingOp *) (gsize) data;

      /* Out of the ring before the callback, which may look at it. */
      io_uring_cqe_seen (&self->ring, cqe);
      if ((data & SV_IO_RING_IS_POLL) != 0)
        sv_io_ring_poll_done (self, data, result);
      else if (op != NULL)
        {
          self->n_ops -= !more;
          self->n_called++;
          op->done (op, result, more);
        }
    }
  while (self->batches != NULL)
    {
      SvIoRingBatch *batch = self->batches;

      self->batches = batch->next;
      batch->open = FALSE;
      batch->end (batch);
    }
  return n;
}

guint
sv_io_ring_process_as_poller (SvIoRing *self)
{
  SvIoRing *before = current;
  guint n_called = self->n_called;

  current = self;
  process (self);
  current = before;
  return self->n_called - n_called;
}

/**
 * sv_io_ring_join: (skip)
 * @self: a ring, in the callback of an operation
 * @batch: what to end when there are no more; may be in already
 */
void
sv_io_ring_join (SvIoRing *self, SvIoRingBatch *batch)
{
  if (batch->open)
    return;
  batch->open = TRUE;
  batch->next = self->batches;
  self->batches = batch;
}

/**
 * sv_io_ring_wait: (skip)
 * @self: a ring with operations that end soon
 *
 * Submits what was prepared, waits until something is done and tells of it.
 */
void
sv_io_ring_wait (SvIoRing *self)
{
  int result;

  /* Signals for interrupts are not to wait here for a thread that may have other things to do. */
  do
    result = sv_io_ring_enter (self, sv_io_ring_publish (self), 1, -1);
  while (result == -EINTR);
  if (process (self) == 0 && result < 0)
    g_poll (NULL, 0, SV_IO_RING_RETRY_MS);
  if (!self->waiting || self->nudged)
    return;

  /* The thread that polls has to look, whatever of it was told of here. */
  self->nudged = TRUE;
  sv_io_ring_prepare (self, NULL);
  sv_io_ring_enter (self, sv_io_ring_publish (self), 0, -1);
}
