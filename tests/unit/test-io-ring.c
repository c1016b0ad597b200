/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/runtime/sv-io-ring.h"
#include "src/runtime/sv-iothread.h"
#include "src/runtime/sv-vm-lock.h"

typedef struct
{
  SvIoRingOp op;
  guint n;
  int result;
  gboolean more;
} Op;

static void
on_done (SvIoRingOp *op, int result, gboolean more)
{
  Op *self = (Op *)op;

  self->result = result;
  self->more = more;
  __atomic_fetch_add (&self->n, 1, __ATOMIC_RELEASE);
}

static int
new_eventfd (guint value)
{
  int fd = eventfd (value, EFD_CLOEXEC | EFD_NONBLOCK);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
add (int fd)
{
  guint64 one = 1;

  g_assert_cmpint (write (fd, &one, sizeof one), ==, sizeof one);
}

static void
start_poll (SvIoRing *ring, Op *op, int fd)
{
  *op = (Op){ .op = { on_done } };
  io_uring_prep_poll_multishot (sv_io_ring_prepare (ring, &op->op), fd, POLLIN);
}

static void
end_op (SvIoRing *ring, Op *op)
{
  op->more = TRUE;
  sv_io_ring_cancel (ring, &op->op);
  while (op->more)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (op->result, ==, -ECANCELED);
}

static gboolean
count_readable (gint fd, GIOCondition condition, gpointer user_data)
{
  guint64 value;

  g_assert_cmpint (condition, ==, G_IO_IN);
  g_assert_cmpint (read (fd, &value, sizeof value), ==, sizeof value);
  ++*(guint *)user_data;
  return G_SOURCE_CONTINUE;
}

static gboolean
set_flag (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Descriptors and timers of GLib's are served while operations wait, and operations while those wait. */
static void
test_sources (void)
{
  SvIoRing *ring = sv_io_ring_get (NULL);
  int fd = new_eventfd (0), other = new_eventfd (0);
  guint n_readable = 0;
  guint source = g_unix_fd_add (other, G_IO_IN, count_readable, &n_readable);
  gboolean timed = FALSE;
  Op op;

  start_poll (ring, &op, fd);
  for (guint i = 1; i <= 3; i++)
    {
      add (other);
      while (n_readable < i)
        g_main_context_iteration (NULL, TRUE);
      add (fd);
      while (op.n < i)
        g_main_context_iteration (NULL, TRUE);
      g_assert_true (op.more);
      g_assert_cmpint (op.result, ==, POLLIN);
      timed = FALSE;
      g_timeout_add (1, set_flag, &timed);
      while (!timed)
        g_main_context_iteration (NULL, TRUE);
      g_assert_false (g_main_context_iteration (NULL, FALSE));
      g_assert_cmpuint (n_readable, ==, i);
      g_assert_cmpuint (op.n, ==, i);
    }
  end_op (ring, &op);
  g_source_remove (source);
  close (fd);
  close (other);
}

/* A descriptor that is closed, and another file with the same number. */
static void
test_reused_descriptor (void)
{
  SvIoRing *ring = sv_io_ring_get (NULL);
  int fd = new_eventfd (0), other = new_eventfd (0);
  guint n_readable = 0;
  Op op;

  start_poll (ring, &op, fd);
  for (guint i = 1; i <= 3; i++)
    {
      guint source = g_unix_fd_add (other, G_IO_IN, count_readable, &n_readable);
      int fresh;

      /* Polled once */
      add (fd);
      while (op.n < i)
        g_main_context_iteration (NULL, TRUE);
      g_source_remove (source);
      close (other);
      fresh = new_eventfd (0);
      g_assert_cmpint (fresh, ==, other);
      source = g_unix_fd_add (fresh, G_IO_IN, count_readable, &n_readable);
      add (fresh);
      while (n_readable < i)
        g_main_context_iteration (NULL, TRUE);
      g_source_remove (source);
    }
  end_op (ring, &op);
  close (fd);
  close (other);
}

typedef struct
{
  Op op;
  SvIoRing *ring;
  SvIoRingBatch *batch;
} BatchOp;

typedef struct
{
  SvIoRingBatch batch;
  BatchOp ops[3];
  guint n_ended;
} Batch;

static void
on_batch_op (SvIoRingOp *op, int result, gboolean more)
{
  BatchOp *self = (BatchOp *)op;

  on_done (op, result, more);
  sv_io_ring_join (self->ring, self->batch);
}

static void
on_batch_end (SvIoRingBatch *batch)
{
  Batch *self = (Batch *)batch;

  self->n_ended++;
  for (guint i = 0; i < G_N_ELEMENTS (self->ops); i++)
    g_assert_cmpuint (self->ops[i].op.n, ==, 1);
}

static void
test_batch (void)
{
  SvIoRing *ring = sv_io_ring_get (NULL);
  Batch batch = { .batch = { .end = on_batch_end } };

  for (guint i = 0; i < G_N_ELEMENTS (batch.ops); i++)
    {
      batch.ops[i] = (BatchOp){ { .op = { on_batch_op } }, ring, &batch.batch };
      io_uring_prep_nop (sv_io_ring_prepare (ring, &batch.ops[i].op.op));
    }
  while (batch.n_ended == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (batch.n_ended, ==, 1);
}

/* More than the ring has room for: none is lost, and linked ones stay together. */
static void
test_many (void)
{
  SvIoRing *ring = sv_io_ring_get (NULL);
  static Op ops[1000];
  guint n_done = 0;

  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    {
      ops[i] = (Op){ .op = { on_done } };
      if (i % 40 == 0)
        sv_io_ring_reserve (ring, 40);
      io_uring_prep_nop (sv_io_ring_prepare (ring, &ops[i].op));
    }
  while (n_done < G_N_ELEMENTS (ops))
    {
      sv_io_ring_wait (ring);
      for (n_done = 0; n_done < G_N_ELEMENTS (ops) && ops[n_done].n == 1;)
        n_done++;
    }
}

typedef struct
{
  SvIoRingOp op;
  int fd;
  gboolean settle;
  gboolean done;
} SignalOp;

static void
on_signal_op (SvIoRingOp *op, int result, gboolean more)
{
  SignalOp *self = (SignalOp *)op;
  guint64 value;

  sv_io_ring_signal (self->fd);
  /* By the next system call, not by one of its own */
  g_assert_cmpint (read (self->fd, &value, sizeof value), ==, -1);
  if (self->settle)
    {
      sv_io_ring_settle ();
      g_assert_cmpint (read (self->fd, &value, sizeof value), ==, sizeof value);
    }
  self->done = TRUE;
}

static void
test_signal (void)
{
  SvIoRing *ring = sv_io_ring_get (NULL);
  SignalOp op = { { on_signal_op }, new_eventfd (0), FALSE, FALSE };
  guint64 value;

  io_uring_prep_nop (sv_io_ring_prepare (ring, &op.op));
  while (!op.done)
    g_main_context_iteration (NULL, TRUE);
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (read (op.fd, &value, sizeof value), ==, sizeof value);
  g_assert_cmpuint (value, ==, 1);
  /* Outside of callbacks */
  sv_io_ring_signal (op.fd);
  g_assert_cmpint (read (op.fd, &value, sizeof value), ==, sizeof value);
  g_assert_cmpuint (value, ==, 1);
  close (op.fd);
}

/* Nothing is on its way any more, so that the descriptor may be closed. */
static void
test_settle (void)
{
  SignalOp op = { { on_signal_op }, new_eventfd (0), TRUE, FALSE };

  io_uring_prep_nop (sv_io_ring_prepare (sv_io_ring_get (NULL), &op.op));
  while (!op.done)
    g_main_context_iteration (NULL, TRUE);
  close (op.fd);
}

/* --- others at work on the ring while its thread polls --- */

#define N_ROUNDS 300

typedef struct
{
  SvIoRing *ring;
  GMainLoop *loop;
  int fd;
  guint n_readable; /* under the VM lock */
  Op kick;
} Shared;

static gpointer
work_on_ring (gpointer data)
{
  Shared *shared = data;

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      Op op = { .op = { on_done }, .more = TRUE };

      sv_vm_lock ();
      io_uring_prep_nop (sv_io_ring_prepare (shared->ring, &op.op));
      add (shared->fd);
      while (op.n == 0)
        sv_io_ring_wait (shared->ring);
      sv_vm_unlock ();
      /* What the other thread polls for may have been told of here; it looks all the same. */
      for (gboolean seen = FALSE; !seen; g_thread_yield ())
        {
          sv_vm_lock ();
          seen = shared->n_readable == i + 1;
          sv_vm_unlock ();
        }
    }
  g_main_loop_quit (shared->loop);
  return NULL;
}

static void
test_other_thread (void)
{
  int kick_fd = new_eventfd (0);
  Shared shared = { .ring = sv_io_ring_get (NULL), .fd = new_eventfd (0) };
  GThread *thread;
  guint source;

  shared.loop = g_main_loop_new (NULL, FALSE);
  source = g_unix_fd_add (shared.fd, G_IO_IN, count_readable, &shared.n_readable);
  sv_vm_lock_attach (NULL);
  sv_vm_lock ();
  start_poll (shared.ring, &shared.kick, kick_fd);
  thread = g_thread_new ("other", work_on_ring, &shared);
  sv_vm_lock_run (shared.loop);
  end_op (shared.ring, &shared.kick);
  sv_vm_unlock ();
  g_thread_join (thread);
  g_assert_cmpuint (shared.n_readable, ==, N_ROUNDS);
  g_source_remove (source);
  g_main_loop_unref (shared.loop);
  close (shared.fd);
  close (kick_fd);
}

/* --- of an iothread --- */

typedef struct
{
  GMainContext *context;
  Op op;
  int fd;
} InThread;

static void
start_there (gpointer data)
{
  InThread *self = data;
  SvIoRing *ring = sv_io_ring_get (self->context);

  g_assert_nonnull (ring);
  g_assert_true (sv_io_ring_get (self->context) == ring);
  g_assert_true (sv_io_ring_get (NULL) != ring);
  start_poll (ring, &self->op, self->fd);
}

static void
cancel_there (gpointer data)
{
  InThread *self = data;

  g_assert_true (self->op.more);
  sv_io_ring_cancel (sv_io_ring_get (self->context), &self->op.op);
}

/* The last of an operation is told of when its thread is gone. */
static void
test_iothread (gconstpointer data)
{
  SvIothread *iothread = g_object_new (SV_TYPE_IOTHREAD, NULL);
  InThread there = { .fd = new_eventfd (0) };
  g_autoptr (GError) error = NULL;

  if (data != NULL)
    g_object_set (iothread, "poll-max-ns", G_GINT64_CONSTANT (20000), NULL);
  sv_object_complete (SV_OBJECT (iothread), &error);
  g_assert_no_error (error);
  there.context = sv_iothread_get_context (iothread);
  sv_context_run_sync (there.context, start_there, &there);
  for (guint i = 1; i <= 100; i++)
    {
      add (there.fd);
      while (__atomic_load_n (&there.op.n, __ATOMIC_ACQUIRE) < i)
        g_thread_yield ();
    }
  sv_context_run_sync (there.context, cancel_there, &there);
  g_object_unref (iothread);
  g_assert_false (there.op.more);
  close (there.fd);
}

/* Contexts that nobody polls for it have no ring. */
static void
test_other_context (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_assert_null (sv_io_ring_get (context));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io-ring/sources", test_sources);
  g_test_add_func ("/io-ring/reused-descriptor", test_reused_descriptor);
  g_test_add_func ("/io-ring/batch", test_batch);
  g_test_add_func ("/io-ring/many", test_many);
  g_test_add_func ("/io-ring/signal", test_signal);
  g_test_add_func ("/io-ring/settle", test_settle);
  g_test_add_func ("/io-ring/other-thread", test_other_thread);
  g_test_add_data_func ("/io-ring/iothread", NULL, test_iothread);
  g_test_add_data_func ("/io-ring/iothread-busy", "", test_iothread);
  g_test_add_func ("/io-ring/other-context", test_other_context);
  return g_test_run ();
}
