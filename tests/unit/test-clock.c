/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-clock.h"
#include "src/runtime/sv-iothread.h"

typedef struct
{
  SvTimer *timer;
  GString *log;
  char name;
  gint64 period;
  GThread *thread;
} Ring;

static void
on_ring (gpointer opaque)
{
  Ring *ring = opaque;

  g_string_append_printf (ring->log, "%c%" G_GINT64_FORMAT " ", ring->name, sv_clock_get_ns ());
  ring->thread = g_thread_self ();
  if (ring->period > 0)
    sv_timer_set (ring->timer, sv_clock_get_ns () + ring->period);
}

static void
test_host (void)
{
  g_autoptr (GString) log = g_string_new (NULL);
  Ring late = { .log = log, .name = 'l' };
  gint64 start = sv_clock_get_ns ();

  g_assert_cmpint (ABS (sv_clock_get_real_us () - g_get_real_time ()), <, G_USEC_PER_SEC);
  late.timer = sv_timer_new ("late", NULL, on_ring, &late);
  sv_timer_set (late.timer, start + 20 * 1000 * 1000);
  while (log->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (sv_clock_get_ns (), >=, start + 20 * 1000 * 1000);
  /* Once */
  g_string_truncate (log, 0);
  g_assert_false (g_main_context_iteration (NULL, FALSE));
  sv_timer_set (late.timer, 0);
  g_assert_true (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpuint (log->len, >, 0);
  sv_timer_free (late.timer);
}

static void
test_controlled (void)
{
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (SvIothread) iothread = g_object_new (SV_TYPE_IOTHREAD, NULL);
  Ring once = { .log = log, .name = 'o' };
  Ring again = { .log = log, .name = 'a', .period = 40 };
  Ring other = { .log = log, .name = 't' };
  gint64 day;

  g_assert_true (sv_object_complete (SV_OBJECT (iothread), NULL));
  sv_clock_take_control ();
  day = sv_clock_get_real_us ();
  once.timer = sv_timer_new ("once", NULL, on_ring, &once);
  again.timer = sv_timer_new ("again", NULL, on_ring, &again);
  other.timer = sv_timer_new ("other", sv_iothread_get_context (iothread), on_ring, &other);
  g_assert_cmpint (sv_clock_get_ns (), ==, 0);
  g_assert_cmpint (sv_clock_get_next_deadline (), ==, -1);

  sv_timer_set (once.timer, 50);
  sv_timer_set (again.timer, 30);
  sv_timer_set (other.timer, 60);
  g_assert_cmpint (sv_clock_get_next_deadline (), ==, 30);
  sv_clock_advance (100);
  g_assert_cmpstr (log->str, ==, "a30 o50 t60 a70 ");
  g_assert_cmpint (sv_clock_get_ns (), ==, 100);
  g_assert_true (once.thread == g_thread_self ());
  g_assert_false (other.thread == g_thread_self ());

  sv_clock_advance (20);
  g_assert_cmpint (sv_clock_get_ns (), ==, 100);
  sv_clock_advance (5000 * 1000);
  g_assert_cmpint (sv_clock_get_real_us () - day, ==, 5000);

  /* None rings that was put off or is gone. */
  g_string_truncate (log, 0);
  sv_timer_set (again.timer, -1);
  sv_timer_set (once.timer, sv_clock_get_ns () + 5);
  sv_timer_free (once.timer);
  g_assert_cmpint (sv_clock_get_next_deadline (), ==, -1);
  sv_clock_advance (sv_clock_get_ns () + 1000);
  g_assert_cmpstr (log->str, ==, "");

  sv_timer_free (again.timer);
  sv_timer_free (other.timer);
  sv_clock_release ();
  g_assert_cmpint (sv_clock_get_ns (), >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clock/host", test_host);
  g_test_add_func ("/clock/controlled", test_controlled);
  return g_test_run ();
}
