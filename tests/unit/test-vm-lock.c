/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-vm-lock.h"

#define N_THREADS 4

typedef struct
{
  gint stop;
  gint n_running;
  guint64 shared; /* under the VM lock, deliberately no atomic */
  GCond cond;
  gboolean flag;
} State;

static gpointer
count (gpointer data)
{
  State *state = data;
  guint64 n = 0;

  g_atomic_int_inc (&state->n_running);
  while (!g_atomic_int_get (&state->stop))
    {
      g_assert_false (sv_vm_lock_is_mine ());
      sv_vm_lock ();
      g_assert_true (sv_vm_lock_is_mine ());
      state->shared++;
      n++;
      sv_vm_unlock ();
    }
  return GUINT_TO_POINTER (n);
}

static void
test_exclusion (void)
{
  State state = { 0 };
  GThread *threads[N_THREADS];
  guint64 sum = 0;

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("counter", count, &state);
  for (guint i = 0; i < 20000; i++)
    {
      sv_vm_lock ();
      state.shared++;
      sv_vm_unlock ();
    }
  g_atomic_int_set (&state.stop, TRUE);
  for (guint i = 0; i < N_THREADS; i++)
    sum += GPOINTER_TO_UINT (g_thread_join (threads[i]));
  g_assert_cmpuint (state.shared, ==, sum + 20000);
}

static gpointer
set_flag (gpointer data)
{
  State *state = data;

  sv_vm_lock ();
  state->flag = TRUE;
  g_cond_signal (&state->cond);
  sv_vm_unlock ();
  return NULL;
}

static void
test_wait (void)
{
  State state = { 0 };
  GThread *thread;

  g_cond_init (&state.cond);
  sv_vm_lock ();
  thread = g_thread_new ("setter", set_flag, &state);
  while (!state.flag)
    {
      sv_vm_lock_wait (&state.cond);
      g_assert_true (sv_vm_lock_is_mine ());
    }
  sv_vm_unlock ();
  g_thread_join (thread);
  g_cond_clear (&state.cond);
}

/* --- Main loop --- */

static gpointer
take_and_wake (gpointer data)
{
  GMainContext *context = data;

  sv_vm_lock ();
  g_main_context_wakeup (context);
  sv_vm_unlock ();
  return NULL;
}

/* The thread gets the lock only if the loop gives it back while it polls, without a time limit. */
static void
test_poll_drops (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  GThread *thread;

  g_assert_false (sv_vm_lock_is_attached (context));
  sv_vm_lock_attach (context);
  sv_vm_lock_attach (context);
  g_assert_true (sv_vm_lock_is_attached (context));

  sv_vm_lock ();
  thread = g_thread_new ("vcpu", take_and_wake, context);
  g_main_context_iteration (context, TRUE);
  g_assert_true (sv_vm_lock_is_mine ());
  sv_vm_unlock ();
  g_thread_join (thread);

  /* Without the lock the loop works too and does not take it. */
  g_main_context_wakeup (context);
  g_main_context_iteration (context, TRUE);
  g_assert_false (sv_vm_lock_is_mine ());
}

static gboolean
check_mine (gpointer data)
{
  guint *n = data;

  g_assert_true (sv_vm_lock_is_mine ());
  (*n)++;
  return G_SOURCE_CONTINUE;
}

static gpointer
enter_often (gpointer data)
{
  State *state = data;

  for (guint i = 0; i < 500; i++)
    {
      sv_vm_lock ();
      state->shared++;
      sv_vm_unlock ();
    }
  g_atomic_int_inc (&state->n_running);
  return NULL;
}

/* A main loop that never has nothing to do must not keep the vCPUs out. */
static void
test_busy_loop_is_fair (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) source = g_idle_source_new ();
  State state = { 0 };
  GThread *threads[N_THREADS];
  guint n = 0;

  sv_vm_lock_attach (context);
  g_source_set_callback (source, check_mine, &n, NULL);
  g_source_attach (source, context);

  sv_vm_lock ();
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("vcpu", enter_often, &state);
  while (g_atomic_int_get (&state.n_running) < N_THREADS)
    g_main_context_iteration (context, TRUE);
  g_assert_cmpuint (state.shared, ==, 500 * N_THREADS);
  sv_vm_unlock ();
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

/* Nor must busy vCPUs keep the main loop out. */
static void
test_busy_threads_are_fair (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) source = g_idle_source_new ();
  State state = { 0 };
  GThread *threads[N_THREADS];
  guint n = 0;

  sv_vm_lock_attach (context);
  g_source_set_callback (source, check_mine, &n, NULL);
  g_source_attach (source, context);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("vcpu", count, &state);
  while (g_atomic_int_get (&state.n_running) < N_THREADS)
    g_thread_yield ();

  sv_vm_lock ();
  while (n < 2000)
    g_main_context_iteration (context, TRUE);
  /* One turn each at most per round, give or take the waking up */
  g_test_message ("%u rounds of the loop, %" G_GUINT64_FORMAT " turns of the threads", n,
                  state.shared);
  sv_vm_unlock ();
  g_atomic_int_set (&state.stop, TRUE);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

static void
test_take_twice (void)
{
  sv_vm_lock ();
  sv_vm_lock ();
}

static void
test_misuse (void)
{
  g_test_trap_subprocess ("/vm-lock/misuse/subprocess/not-mine", 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*assertion failed: (mine)*");
  g_test_trap_subprocess ("/vm-lock/misuse/subprocess/twice", 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*assertion failed: (!mine)*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/vm-lock/exclusion", test_exclusion);
  g_test_add_func ("/vm-lock/wait", test_wait);
  g_test_add_func ("/vm-lock/poll-drops", test_poll_drops);
  g_test_add_func ("/vm-lock/busy-loop-is-fair", test_busy_loop_is_fair);
  g_test_add_func ("/vm-lock/busy-threads-are-fair", test_busy_threads_are_fair);
  g_test_add_func ("/vm-lock/misuse", test_misuse);
  g_test_add_func ("/vm-lock/misuse/subprocess/not-mine", sv_vm_unlock);
  g_test_add_func ("/vm-lock/misuse/subprocess/twice", test_take_twice);

  return g_test_run ();
}
