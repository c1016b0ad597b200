/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <signal.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/runtime/sv-iothread.h"
#include "src/runtime/sv-vm-lock.h"

static SvIothread *
start (const char *id)
{
  g_autoptr (SvObject) objects = sv_object_new_container ();
  SvIothread *iothread = g_object_new (SV_TYPE_IOTHREAD, NULL);
  g_autoptr (GError) error = NULL;

  if (id != NULL)
    g_assert_true (sv_object_add_child (objects, id, SV_OBJECT (iothread), &error));
  g_assert_cmpint (sv_iothread_get_thread_id (iothread), ==, 0);
  sv_object_complete (SV_OBJECT (iothread), &error);
  g_assert_no_error (error);
  if (id != NULL)
    sv_object_unparent (SV_OBJECT (iothread));
  return iothread;
}

static gboolean
thread_exists (gint tid)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/task/%d", tid);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

typedef struct
{
  gint tid;
  sigset_t blocked;
  char name[17];
  GMainContext *context;
  gboolean lock_was_mine;
} Seen;

static void
look_around (gpointer data)
{
  Seen *seen = data;

  seen->tid = (gint)syscall (SYS_gettid);
  seen->context = g_main_context_get_thread_default ();
  seen->lock_was_mine = sv_vm_lock_is_mine ();
  pthread_sigmask (SIG_SETMASK, NULL, &seen->blocked);
  pthread_getname_np (pthread_self (), seen->name, sizeof seen->name);
}

static void
test_runs (void)
{
  SvIothread *iothread = start ("iothread-with-a-long-name");
  Seen seen = { 0 };
  gint tid = sv_iothread_get_thread_id (iothread);
  gint property = 0;

  g_assert_cmpint (tid, >, 0);
  g_assert_cmpint (tid, !=, getpid ());
  g_assert_true (thread_exists (tid));
  g_object_get (iothread, "thread-id", &property, NULL);
  g_assert_cmpint (property, ==, tid);

  sv_context_run_sync (sv_iothread_get_context (iothread), look_around, &seen);
  g_assert_cmpint (seen.tid, ==, tid);
  g_assert_true (seen.context == sv_iothread_get_context (iothread));
  g_assert_cmpstr (seen.name, ==, "iothread-with-a");
  g_assert_true (sigismember (&seen.blocked, SIGTERM));
  /* The thread that made it still takes signals. */
  pthread_sigmask (SIG_SETMASK, NULL, &seen.blocked);
  g_assert_false (sigismember (&seen.blocked, SIGTERM));

  /* The end of the object is the end of the thread. */
  g_object_unref (iothread);
  g_assert_false (thread_exists (tid));
}

static void
test_never_started (void)
{
  SvIothread *iothread = g_object_new (SV_TYPE_IOTHREAD, NULL);
  Seen seen = { 0 };

  /* Nobody runs the context: the caller does. */
  sv_context_run_sync (sv_iothread_get_context (iothread), look_around, &seen);
  g_assert_cmpint (seen.tid, ==, (gint)syscall (SYS_gettid));
  g_object_unref (iothread);
}

static void
test_many_ends (void)
{
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (SvIothread) iothread = start (i % 2 == 0 ? "io0" : NULL);

      g_assert_true (thread_exists (sv_iothread_get_thread_id (iothread)));
    }
}

static void
drop (gpointer data)
{
  g_object_unref (data);
}

/* The last reference may go in the thread itself, which cannot wait for its own end. */
static void
test_ends_itself (void)
{
  SvIothread *iothread = start ("io0");
  g_autoptr (GMainContext) context = g_main_context_ref (sv_iothread_get_context (iothread));
  gint tid = sv_iothread_get_thread_id (iothread);

  sv_context_run_sync (context, drop, iothread);
  while (thread_exists (tid))
    g_thread_yield ();
}

/* --- sv_context_run_sync() --- */

static void
increment (gpointer data)
{
  (*(guint *)data)++;
}

typedef struct
{
  GMainContext *context;
  guint n;
} Nested;

static void
run_nested (gpointer data)
{
  Nested *nested = data;

  sv_context_run_sync (nested->context, increment, &nested->n);
  nested->n++;
}

static gpointer
call_often (gpointer data)
{
  Nested *nested = data;

  for (guint i = 0; i < 500; i++)
    sv_context_run_sync (nested->context, increment, &nested->n);
  return NULL;
}

/* The context serializes the callers: no call is lost, none overlaps another. */
static void
test_run_sync (void)
{
  g_autoptr (SvIothread) iothread = start ("io0");
  Nested nested = { sv_iothread_get_context (iothread), 0 };
  GThread *threads[3];

  sv_context_run_sync (nested.context, run_nested, &nested);
  g_assert_cmpuint (nested.n, ==, 2);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("caller", call_often, &nested);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (nested.n, ==, 2 + 1500);
}

static gpointer
own_for_a_while (gpointer data)
{
  GMainContext *context = ((gpointer *)data)[0];
  GAsyncQueue *queue = ((gpointer *)data)[1];

  g_assert_true (g_main_context_acquire (context));
  g_async_queue_push (queue, context);
  /* The caller's source wakes this up; it is left undone. */
  while (!g_main_context_pending (context))
    g_thread_yield ();
  g_main_context_release (context);
  return NULL;
}

/* The thread that owned the context ends without getting to it. */
static void
test_run_sync_abandoned (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncQueue) queue = g_async_queue_new ();
  gpointer args[] = { context, queue };
  GThread *thread = g_thread_new ("owner", own_for_a_while, args);
  guint n = 0;

  g_async_queue_pop (queue);
  sv_context_run_sync (context, increment, &n);
  g_assert_cmpuint (n, ==, 1);
  g_thread_join (thread);
  g_assert_false (g_main_context_iteration (context, FALSE));
  g_assert_cmpuint (n, ==, 1);
}

static gpointer
run_loop (gpointer data)
{
  GMainContext *context = ((gpointer *)data)[0];
  gint *stop = ((gpointer *)data)[1];
  GAsyncQueue *queue = ((gpointer *)data)[2];

  g_main_context_acquire (context);
  sv_vm_lock ();
  g_async_queue_push (queue, context);
  while (!g_atomic_int_get (stop))
    g_main_context_iteration (context, TRUE);
  sv_vm_unlock ();
  g_main_context_release (context);
  return NULL;
}

/* A vCPU with the VM lock keeps the main loop out: what it wants done there is done by it, at once.
 */
static void
test_run_sync_locked (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncQueue) queue = g_async_queue_new ();
  gint stop = FALSE;
  gpointer args[] = { context, &stop, queue };
  GThread *thread;
  Seen seen = { 0 };

  sv_vm_lock_attach (context);
  thread = g_thread_new ("main-loop", run_loop, args);
  g_async_queue_pop (queue);

  sv_vm_lock ();
  sv_context_run_sync (context, look_around, &seen);
  g_assert_cmpint (seen.tid, ==, (gint)syscall (SYS_gettid));
  g_assert_true (seen.lock_was_mine);
  sv_vm_unlock ();

  /* Without the lock the loop does it, under the lock. */
  sv_context_run_sync (context, look_around, &seen);
  g_assert_cmpint (seen.tid, !=, (gint)syscall (SYS_gettid));
  g_assert_true (seen.lock_was_mine);

  g_atomic_int_set (&stop, TRUE);
  g_main_context_wakeup (context);
  g_thread_join (thread);
}

/* --- Properties --- */

static void
test_properties (void)
{
  g_autoptr (SvIothread) iothread = start ("io0");
  g_autoptr (GError) error = NULL;
  Nested nested = { sv_iothread_get_context (iothread), 0 };
  gint64 value;

  /* May be changed at any time; events are handled as before. */
  g_assert_true (
      sv_object_set_property_string (SV_OBJECT (iothread), "poll-max-ns", "50000", NULL, &error));
  g_assert_true (
      sv_object_set_property_string (SV_OBJECT (iothread), "poll-grow", "4", NULL, &error));
  g_assert_true (
      sv_object_set_property_string (SV_OBJECT (iothread), "poll-shrink", "2", NULL, &error));
  call_often (&nested);
  g_assert_cmpuint (nested.n, ==, 500);
  g_object_get (iothread, "poll-max-ns", &value, NULL);
  g_assert_cmpint (value, ==, 50000);

  g_assert_false (
      sv_object_set_property_string (SV_OBJECT (iothread), "poll-max-ns", "-1", NULL, &error));
  g_clear_error (&error);
  g_assert_false (
      sv_object_set_property_string (SV_OBJECT (iothread), "thread-id", "1", NULL, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_READ_ONLY);
}

/* A thread that polls all day has the time of an event for as long as it may, and no longer. */
static void
test_polls_busily (void)
{
  g_autoptr (SvIothread) iothread = start ("io0");
  GMainContext *context = sv_iothread_get_context (iothread);
  g_autofree char *path
      = g_strdup_printf ("/proc/self/task/%d/status", sv_iothread_get_thread_id (iothread));
  guint n = 0;
  gboolean slept = FALSE;

  g_object_set (iothread, "poll-max-ns", G_GINT64_CONSTANT (2000000), NULL);
  for (guint i = 0; i < 100; i++)
    sv_context_run_sync (context, increment, &n);
  g_assert_cmpuint (n, ==, 100);
  while (!slept)
    {
      g_autofree char *status = NULL;

      g_assert_true (g_file_get_contents (path, &status, NULL, NULL));
      slept = strstr (status, "State:\tS") != NULL;
    }
}

/* However they are made. */
static void
test_at_most (void)
{
  g_autoptr (SvObject) objects = sv_object_new_container ();
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i <= SV_IOTHREAD_MAX; i++)
    {
      g_autoptr (SvObject) iothread = g_object_new (SV_TYPE_IOTHREAD, NULL);
      g_autofree char *id = g_strdup_printf ("io%u", i);

      g_assert_true (sv_object_add_child (objects, id, iothread, NULL));
      g_assert_cmpint (sv_object_complete (iothread, &error), ==, i < SV_IOTHREAD_MAX);
    }
  g_assert_cmpstr (error->message, ==, "a VM has at most 8 iothreads");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/iothread/runs", test_runs);
  g_test_add_func ("/iothread/at-most", test_at_most);
  g_test_add_func ("/iothread/never-started", test_never_started);
  g_test_add_func ("/iothread/many-ends", test_many_ends);
  g_test_add_func ("/iothread/ends-itself", test_ends_itself);
  g_test_add_func ("/iothread/run-sync/many", test_run_sync);
  g_test_add_func ("/iothread/run-sync/abandoned", test_run_sync_abandoned);
  g_test_add_func ("/iothread/run-sync/locked", test_run_sync_locked);
  g_test_add_func ("/iothread/properties", test_properties);
  g_test_add_func ("/iothread/polls-busily", test_polls_busily);

  return g_test_run ();
}
