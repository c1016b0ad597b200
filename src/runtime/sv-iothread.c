/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-iothread.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/migration/sv-migratable.h"
#include "src/runtime/sv-io-ring.h"
#include "src/runtime/sv-privileges.h"
#include "src/runtime/sv-seccomp.h"
#include "src/runtime/sv-vm-lock.h"

/* Linux's TASK_COMM_LEN, the NUL included */
#define THREAD_NAME_SIZE 16

/* What busy polling starts with */
#define POLL_MIN_NS 4000

/* What the thread works on; it may outlive the object when the last reference is dropped in it. */
typedef struct
{
  GMainContext *context;
  char name[THREAD_NAME_SIZE];
  gint tid;
  gboolean stop;

  GMutex mutex;
  GCond started;

  /* Written by the main thread at any time */
  guint64 poll_max_ns;
  guint64 poll_grow;
  guint64 poll_shrink;
  /* The thread's own */
  guint64 poll_ns;
} Runner;

struct _SvIothread
{
  SvObject parent_instance;

  Runner *runner;
  GThread *thread;
};

enum
{
  PROP_0,
  PROP_THREAD_ID,
  PROP_POLL_MAX_NS,
  PROP_POLL_GROW,
  PROP_POLL_SHRINK,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (SvIothread, sv_iothread, SV_TYPE_OBJECT,
                               SV_MIGRATABLE_STATELESS ("a thread of the host"))

static _Thread_local Runner *current_runner;

static void
runner_free (gpointer data)
{
  Runner *runner = data;

  sv_io_ring_forget (runner->context);
  g_main_context_unref (runner->context);
  g_mutex_clear (&runner->mutex);
  g_cond_clear (&runner->started);
}

static void
runner_unref (Runner *runner)
{
  g_atomic_rc_box_release_full (runner, runner_free);
}

static guint64
now_ns (void)
{
  struct timespec ts;

  clock_gettime (CLOCK_MONOTONIC, &ts);
  return (guint64)ts.tv_sec * G_GUINT64_CONSTANT (1000000000) + (guint64)ts.tv_nsec;
}

/* Longer when a wait was so short that polling would have caught it, shorter when it would not. */
static void
adapt_poll_time (Runner *runner, guint64 max, guint64 waited)
{
  guint64 grow = __atomic_load_n (&runner->poll_grow, __ATOMIC_RELAXED);
  guint64 shrink = __atomic_load_n (&runner->poll_shrink, __ATOMIC_RELAXED);

  if (waited > max)
    runner->poll_ns = shrink > 0 ? runner->poll_ns / shrink : 0;
  else if (waited > runner->poll_ns)
    {
      if (runner->poll_ns == 0)
        runner->poll_ns = POLL_MIN_NS;
      else if (g_uint64_checked_mul (&runner->poll_ns, runner->poll_ns, grow > 0 ? grow : 2)
               == FALSE)
        runner->poll_ns = max;
    }
  runner->poll_ns = MIN (runner->poll_ns, max);
}

static gint
poll_busily (GPollFD *fds, guint n_fds, gint timeout)
{
  Runner *runner = current_runner;
  GMainContext *context;
  guint64 max = runner != NULL ? __atomic_load_n (&runner->poll_max_ns, __ATOMIC_RELAXED) : 0;
  guint64 start, limit, spent = 0;
  gint result;

  if (runner == NULL)
    return g_poll (fds, n_fds, timeout);
  context = runner->context;
  if (max == 0 || timeout == 0)
    return sv_io_ring_poll (context, fds, n_fds, timeout, TRUE);

  start = now_ns ();
  limit = MIN (runner->poll_ns, max);
  if (timeout > 0)
    limit = MIN (limit, (guint64)timeout * 1000000);
  while (spent < limit)
    {
      if (sv_io_ring_has_news (context))
        return sv_io_ring_poll (context, fds, n_fds, 0, FALSE);
      result = g_poll (fds, n_fds, 0);
      if (result != 0)
        return result;
      spent = now_ns () - start;
    }

  result = sv_io_ring_poll (context, fds, n_fds, timeout, FALSE);
  adapt_poll_time (runner, max, now_ns () - start);
  return result;
}

static gpointer
run (gpointer data)
{
  Runner *runner = data;

  prctl (PR_SET_NAME, runner->name);
  sv_privileges_enter_thread ();
  sv_seccomp_enter_or_exit (SV_THREAD_IOTHREAD);
  current_runner = runner;
  g_main_context_set_poll_func (runner->context, poll_busily);
  /* Held for the thread's life: others can then tell that the context is being run. */
  g_main_context_acquire (runner->context);
  g_main_context_push_thread_default (runner->context);

  g_mutex_lock (&runner->mutex);
  __atomic_store_n (&runner->tid, (gint)syscall (SYS_gettid), __ATOMIC_RELEASE);
  g_cond_signal (&runner->started);
  g_mutex_unlock (&runner->mutex);

  while (!__atomic_load_n (&runner->stop, __ATOMIC_ACQUIRE))
    g_main_context_iteration (runner->context, TRUE);

  g_main_context_pop_thread_default (runner->context);
  g_main_context_release (runner->context);
  current_runner = NULL;
  runner_unref (runner);
  return NULL;
}

static gboolean
check_number (SvObject *container, GError **error)
{
  guint n = 0;

  for (guint i = 0; i < sv_object_get_n_children (container); i++)
    n += SV_IS_IOTHREAD (sv_object_get_nth_child (container, i));
  if (n <= SV_IOTHREAD_MAX)
    return TRUE;
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "a VM has at most %d iothreads",
               SV_IOTHREAD_MAX);
  return FALSE;
}

static gboolean
sv_iothread_complete (SvObject *object, GError **error)
{
  SvIothread *self = SV_IOTHREAD (object);
  SvObject *parent = sv_object_get_parent (object);
  const char *id = sv_object_get_id (object);
  g_autoptr (GError) local_error = NULL;
  sigset_t all, old;

  if (parent != NULL && !check_number (parent, error))
    return FALSE;
  g_strlcpy (self->runner->name, id != NULL ? id : "iothread", sizeof self->runner->name);

  /* Signals to the process are the main thread's business. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  self->thread = g_thread_try_new (NULL, run, g_atomic_rc_box_acquire (self->runner), &local_error);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  if (self->thread == NULL)
    {
      runner_unref (self->runner);
      g_propagate_prefixed_error (error, g_steal_pointer (&local_error),
                                  "iothread '%s': cannot start its thread: ", id != NULL ? id : "");
      return FALSE;
    }

  g_mutex_lock (&self->runner->mutex);
  while (__atomic_load_n (&self->runner->tid, __ATOMIC_ACQUIRE) == 0)
    g_cond_wait (&self->runner->started, &self->runner->mutex);
  g_mutex_unlock (&self->runner->mutex);
  return TRUE;
}

static void
sv_iothread_finalize (GObject *object)
{
  SvIothread *self = SV_IOTHREAD (object);

  if (self->thread != NULL)
    {
      __atomic_store_n (&self->runner->stop, TRUE, __ATOMIC_RELEASE);
      g_main_context_wakeup (self->runner->context);
      /* A source of the thread itself may drop the last reference. */
      if (self->thread == g_thread_self ())
        g_thread_unref (self->thread);
      else
        g_thread_join (self->thread);
    }
  runner_unref (self->runner);

  G_OBJECT_CLASS (sv_iothread_parent_class)->finalize (object);
}

static void
sv_iothread_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvIothread *self = SV_IOTHREAD (object);

  switch (id)
    {
    case PROP_THREAD_ID:
      g_value_set_int (value, self->runner->tid);
      break;
    case PROP_POLL_MAX_NS:
      g_value_set_int64 (value, (gint64)self->runner->poll_max_ns);
      break;
    case PROP_POLL_GROW:
      g_value_set_int64 (value, (gint64)self->runner->poll_grow);
      break;
    case PROP_POLL_SHRINK:
      g_value_set_int64 (value, (gint64)self->runner->poll_shrink);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_number (SvIothread *self, guint64 *field, const GValue *value, GParamSpec *pspec)
{
  guint64 number = (guint64)g_value_get_int64 (value);

  if (*field == number)
    return;
  __atomic_store_n (field, number, __ATOMIC_RELAXED);
  g_object_notify_by_pspec (G_OBJECT (self), pspec);
}

static void
sv_iothread_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvIothread *self = SV_IOTHREAD (object);

  switch (id)
    {
    case PROP_POLL_MAX_NS:
      set_number (self, &self->runner->poll_max_ns, value, pspec);
      break;
    case PROP_POLL_GROW:
      set_number (self, &self->runner->poll_grow, value, pspec);
      break;
    case PROP_POLL_SHRINK:
      set_number (self, &self->runner->poll_shrink, value, pspec);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_iothread_init (SvIothread *self)
{
  self->runner = g_atomic_rc_box_new0 (Runner);
  self->runner->context = g_main_context_new ();
  g_mutex_init (&self->runner->mutex);
  g_cond_init (&self->runner->started);
}

static void
sv_iothread_class_init (SvIothreadClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_iothread_get_property;
  object_class->set_property = sv_iothread_set_property;
  object_class->finalize = sv_iothread_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_iothread_complete;
  SV_OBJECT_CLASS (klass)->container = "objects";

  /**
   * SvIothread:thread-id:
   *
   * The thread's number in the kernel; 0 before it runs.
   */
  props[PROP_THREAD_ID] = g_param_spec_int ("thread-id", "thread-id",
                                            "Kernel's number of the thread, 0 before it runs", 0,
                                            G_MAXINT, 0, SV_PARAM_RO);
  /**
   * SvIothread:poll-max-ns:
   *
   * How long the thread may poll busily for events before it sleeps, in nanoseconds.
   */
  props[PROP_POLL_MAX_NS]
      = g_param_spec_int64 ("poll-max-ns", "poll-max-ns",
                            "Longest busy polling before the thread sleeps, in nanoseconds; "
                            "0: none",
                            0, G_MAXINT64, 0, SV_PARAM_RW);
  /**
   * SvIothread:poll-grow:
   *
   * Factor by which the time of busy polling grows when events come soon after it.
   */
  props[PROP_POLL_GROW]
      = g_param_spec_int64 ("poll-grow", "poll-grow",
                            "Factor by which busy polling is extended when it was too short; 0: 2",
                            0, G_MAXINT64, 0, SV_PARAM_RW);
  /**
   * SvIothread:poll-shrink:
   *
   * Divisor by which the time of busy polling shrinks when events come much later.
   */
  props[PROP_POLL_SHRINK] = g_param_spec_int64 (
      "poll-shrink", "poll-shrink",
      "Divisor by which busy polling is cut when it was in vain; 0: stop polling", 0, G_MAXINT64, 0,
      SV_PARAM_RW);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

/**
 * sv_iothread_get_context:
 * @self: an iothread
 *
 * Gets the main context that the thread runs. Sources may be attached before the thread starts.
 *
 * Returns: (transfer none): the context
 */
GMainContext *
sv_iothread_get_context (SvIothread *self)
{
  g_return_val_if_fail (SV_IS_IOTHREAD (self), NULL);
  return self->runner->context;
}

/**
 * sv_iothread_get_thread_id:
 * @self: an iothread
 *
 * Returns: the thread's number in the kernel, 0 before the object is complete
 */
gint
sv_iothread_get_thread_id (SvIothread *self)
{
  g_return_val_if_fail (SV_IS_IOTHREAD (self), 0);
  return self->runner->tid;
}
