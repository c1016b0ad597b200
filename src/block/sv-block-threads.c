/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/block/sv-block-threads.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "src/runtime/sv-privileges.h"
#include "src/runtime/sv-seccomp.h"

#define MAX_THREADS 8
#define IDLE_SECONDS 5

typedef struct _SvBlockThreads SvBlockThreads;

typedef struct
{
  SvBlockThreads *pool;
  GThread *thread; /* to be joined */
  gboolean running;
} SvBlockWorker;

struct _SvBlockThreads
{
  SvBlockEngine engine;
  SvBlockIoList pending; /* taken, not yet shown to the threads */
  int event_fd;
  GSource *source;

  /* Not GMutex and GCond: ThreadSanitizer knows only pthread's. */
  pthread_mutex_t lock;
  pthread_cond_t work_cond;
  SvBlockIoList work;
  SvBlockIoList done;
  guint n_work;
  guint n_running;
  guint n_idle; /* of these, waiting for work or about to */
  gboolean stopping;
  SvBlockWorker workers[MAX_THREADS];
};

typedef struct
{
  GSource source;
  SvBlockThreads *threads;
  gpointer tag;
} SvBlockThreadsSource;

static gint64
run (const SvBlockIo *io)
{
  int n_iov = MIN (io->n_iov, IOV_MAX);
  guint64 range[2] = { io->offset, io->length };
  ssize_t result = -1;

  switch ((SvBlockIoOp)io->op)
    {
    case SV_BLOCK_IO_READ:
      result = preadv2 (io->fd, io->iov, n_iov, io->offset, 0);
      break;
    case SV_BLOCK_IO_WRITE:
      result = pwritev2 (io->fd, io->iov, n_iov, io->offset, io->dsync ? RWF_DSYNC : 0);
      break;
    case SV_BLOCK_IO_SYNC:
      result = fdatasync (io->fd);
      break;
    case SV_BLOCK_IO_FALLOCATE:
      result = fallocate (io->fd, io->mode, io->offset, io->length);
      break;
    case SV_BLOCK_IO_DISCARD:
      result = ioctl (io->fd, BLKDISCARD, range);
      break;
    default:
      errno = EOPNOTSUPP;
      break;
    }
  return result < 0 ? -errno : result;
}

static gpointer
work (gpointer data)
{
  SvBlockWorker *worker = data;
  SvBlockThreads *self = worker->pool;

  sv_privileges_enter_thread ();
  sv_seccomp_enter_or_exit (SV_THREAD_WORKER);
  pthread_mutex_lock (&self->lock);
  for (;;)
    {
      gboolean in_time = TRUE;
      struct timespec end;
      SvBlockIo *io;

      clock_gettime (CLOCK_MONOTONIC, &end);
      end.tv_sec += IDLE_SECONDS;
      while (self->work.head == NULL && !self->stopping && in_time)
        in_time
            = pthread_cond_clockwait (&self->work_cond, &self->lock, CLOCK_MONOTONIC, &end) == 0;
      self->n_idle--;
      io = sv_block_io_list_pop (&self->work);
      if (io == NULL)
        break;

      self->n_work--;
      pthread_mutex_unlock (&self->lock);
      io->result = run (io);
      pthread_mutex_lock (&self->lock);

      /* One wake-up for all that is done until the context takes it. */
      if (self->done.head == NULL)
        eventfd_write (self->event_fd, 1);
      sv_block_io_list_push (&self->done, io);
      self->n_idle++;
    }
  worker->running = FALSE;
  self->n_running--;
  pthread_mutex_unlock (&self->lock);
  return NULL;
}

static void
sv_block_threads_submit (SvBlockEngine *engine, SvBlockIo *io)
{
  engine->in_flight++;
  sv_block_io_list_push (&((SvBlockThreads *)engine)->pending, io);
}

/* Starts threads while there is more work than idle threads. Lock held. */
static void
add_threads (SvBlockThreads *self)
{
  for (guint i = 0; i < MAX_THREADS && self->n_work > self->n_idle; i++)
    {
      SvBlockWorker *worker = &self->workers[i];

      if (worker->running)
        continue;
      /* Ended when it was idle: joining does not block. */
      g_clear_pointer (&worker->thread, g_thread_join);
      worker->pool = self;
      worker->thread = g_thread_try_new ("block", work, worker, NULL);
      if (worker->thread == NULL)
        break;
      worker->running = TRUE;
      self->n_running++;
      self->n_idle++;
    }
}

static void
sv_block_threads_flush (SvBlockEngine *engine)
{
  SvBlockThreads *self = (SvBlockThreads *)engine;
  gboolean alone;
  SvBlockIo *io;

  if (self->pending.head == NULL)
    return;

  pthread_mutex_lock (&self->lock);
  while ((io = sv_block_io_list_pop (&self->pending)))
    {
      sv_block_io_list_push (&self->work, io);
      self->n_work++;
      if (self->n_idle > 0)
        pthread_cond_signal (&self->work_cond);
    }
  add_threads (self);
  alone = self->n_running == 0;
  pthread_mutex_unlock (&self->lock);

  /* No thread can be had: slow, but correct. Without threads nobody else looks at the lists. */
  if (alone)
    {
      while ((io = sv_block_io_list_pop (&self->work)))
        {
          self->n_work--;
          io->result = run (io);
          sv_block_io_list_push (&self->done, io);
        }
      eventfd_write (self->event_fd, 1);
    }
}

static void
sv_block_threads_reap (SvBlockEngine *engine, gboolean wait)
{
  SvBlockThreads *self = (SvBlockThreads *)engine;
  SvBlockIo *io;

  if (wait)
    {
      struct pollfd pollfd = { .fd = self->event_fd, .events = POLLIN };

      while (poll (&pollfd, 1, -1) < 0 && errno == EINTR)
        continue;
    }

  pthread_mutex_lock (&self->lock);
  io = self->done.head;
  if (io)
    {
      eventfd_t value;

      eventfd_read (self->event_fd, &value);
      sv_block_io_list_init (&self->done);
    }
  pthread_mutex_unlock (&self->lock);

  while (io)
    {
      SvBlockIo *next = io->next;

      engine->in_flight--;
      engine->user->complete (io, engine->data);
      io = next;
    }
}

static gboolean
sv_block_threads_source_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  SvBlockEngine *engine = &((SvBlockThreadsSource *)source)->threads->engine;

  engine->user->begin (engine->data);
  sv_block_threads_reap (engine, FALSE);
  engine->user->end (engine->data);
  return G_SOURCE_CONTINUE;
}

static gboolean
sv_block_threads_source_check (GSource *source)
{
  return g_source_query_unix_fd (source, ((SvBlockThreadsSource *)source)->tag) & G_IO_IN;
}

static GSourceFuncs source_funcs = {
  .check = sv_block_threads_source_check,
  .dispatch = sv_block_threads_source_dispatch,
};

static void
sv_block_threads_free (SvBlockEngine *engine)
{
  SvBlockThreads *self = (SvBlockThreads *)engine;

  pthread_mutex_lock (&self->lock);
  self->stopping = TRUE;
  pthread_cond_broadcast (&self->work_cond);
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; i < MAX_THREADS; i++)
    g_clear_pointer (&self->workers[i].thread, g_thread_join);

  g_source_destroy (self->source);
  g_source_unref (self->source);
  close (self->event_fd);
  pthread_mutex_destroy (&self->lock);
  pthread_cond_destroy (&self->work_cond);
  g_free (self);
}

static const SvBlockEngineOps threads_ops = {
  .submit = sv_block_threads_submit,
  .flush = sv_block_threads_flush,
  .reap = sv_block_threads_reap,
  .free = sv_block_threads_free,
  .name = "threads",
};

SvBlockEngine *
sv_block_threads_new (GMainContext *context, const SvBlockEngineUser *user, gpointer data)
{
  int fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  SvBlockThreadsSource *source;
  SvBlockThreads *self;

  if (fd < 0)
    return NULL;

  self = g_new0 (SvBlockThreads, 1);
  self->engine.ops = &threads_ops;
  self->engine.user = user;
  self->engine.data = data;
  self->event_fd = fd;
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->work_cond, NULL);
  sv_block_io_list_init (&self->pending);
  sv_block_io_list_init (&self->work);
  sv_block_io_list_init (&self->done);

  self->source = g_source_new (&source_funcs, sizeof (SvBlockThreadsSource));
  source = (SvBlockThreadsSource *)self->source;
  source->threads = self;
  source->tag = g_source_add_unix_fd (self->source, fd, G_IO_IN);
  g_source_set_static_name (self->source, "block threads");
  /* Otherwise GLib takes the descriptor off the poll set while it dispatches, and wakes itself up
   * for it: four more system calls. */
  g_source_set_can_recurse (self->source, TRUE);
  g_source_attach (self->source, context);
  /* It is made by a request, which may have been handled while the context polls. */
  g_main_context_wakeup (context);
  return &self->engine;
}
