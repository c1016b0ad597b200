/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-rate-limit.h"

#define SECOND (G_GINT64_CONSTANT (1000) * 1000 * 1000)
#define WINDOW SV_RATE_LIMIT_WINDOW_NS

typedef struct
{
  gint64 when;
  guint64 cost;
} Passed;

/* The sum of no window, wherever it begins, is above the limit. */
static void
assert_never_above (GArray *passed, double per_window)
{
  double sum = 0;
  guint first = 0;

  for (guint i = 0; i < passed->len; i++)
    {
      Passed *last = &g_array_index (passed, Passed, i);

      sum += last->cost;
      while (last->when - g_array_index (passed, Passed, first).when >= WINDOW)
        sum -= g_array_index (passed, Passed, first++).cost;
      g_assert_cmpfloat (sum, <=, per_window);
    }
}

/* Always has more to do; each wait ends up to @late ns too late. */
static GArray *
run_busy (SvRateLimit *limit, GRand *rand, gint64 *now, gint64 until, guint64 max_cost, gint64 late)
{
  GArray *passed = g_array_new (FALSE, FALSE, sizeof (Passed));
  guint64 cost = max_cost;

  while (*now < until)
    {
      gint64 wait = sv_rate_limit_take (limit, cost, *now);

      if (wait > 0)
        {
          /* One nanosecond earlier is too early, the time told is not. */
          g_assert_cmpint (sv_rate_limit_take (limit, cost, *now + wait - 1), ==, 1);
          *now += wait + (late > 0 ? g_rand_int_range (rand, 0, late) : 0);
          continue;
        }
      g_array_append_val (passed, ((Passed){ *now, cost }));
      cost = max_cost > 1 ? (guint64)g_rand_double_range (rand, 1, (double)max_cost) : 1;
    }
  return passed;
}

static double
sum_of (GArray *passed)
{
  double sum = 0;

  for (guint i = 0; i < passed->len; i++)
    sum += g_array_index (passed, Passed, i).cost;
  return sum;
}

static void
test_average (void)
{
  static const struct
  {
    guint64 amount;
    gint64 period_ns;
    guint64 max_cost;
    gint64 late;
  } cases[] = {
    { 1, SECOND, 1, 0 },
    { 7, SECOND, 1, 45000000 },
    { 100, SECOND, 1, 20000000 },
    { 1000, SECOND, 1, 95000000 },
    { 100000, SECOND, 1, 3000000 },
    { 64, SECOND, 3, 2000000 },
    { 1024, 2 * SECOND, 25, 45000000 },
    { 1000000, SECOND, 4096, 10000000 },
    { 333333333, 1000000, G_GUINT64_CONSTANT (1) << 32, 20000000 },
    { G_MAXINT64 / 2, G_GINT64_CONSTANT (65536000000), G_GUINT64_CONSTANT (1) << 50, 1000000 },
  };
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      double rate = (double)cases[i].amount / cases[i].period_ns * SECOND;
      /* No more requests than can be simulated soon */
      gint64 span = MIN (12 * WINDOW, 1e6 / (rate / cases[i].max_cost) * SECOND);
      gint64 now = 12345;
      g_autoptr (GArray) passed = NULL;
      SvRateLimit limit;

      sv_rate_limit_init (&limit);
      sv_rate_limit_set (&limit, cases[i].amount, cases[i].period_ns, now);
      passed = run_busy (&limit, rand, &now, now + span, cases[i].max_cost, cases[i].late);
      if (cases[i].max_cost <= sv_rate_limit_get_burst (&limit) || cases[i].max_cost == 1)
        assert_never_above (passed, rate * WINDOW / SECOND);
      g_assert_cmpfloat (sum_of (passed), >, 0.98 * rate * span / SECOND);
      g_assert_cmpfloat (sum_of (passed), <, 1.02 * rate * span / SECOND);
      sv_rate_limit_clear (&limit);
    }
}

/* What was not used does not add up to more than the burst. */
static void
test_burst (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (2);
  g_autoptr (GArray) passed = NULL;
  SvRateLimit limit;
  gint64 now = 0;
  guint n = 0;

  sv_rate_limit_init (&limit);
  sv_rate_limit_set (&limit, 1000, SECOND, now);
  g_assert_cmpuint (sv_rate_limit_get_amount (&limit), ==, 1000);
  g_assert_cmpuint (sv_rate_limit_get_burst (&limit), ==, 50);
  now += 3600 * SECOND;
  while (sv_rate_limit_take (&limit, 1, now) == 0)
    n++;
  g_assert_cmpuint (n, ==, 100);

  /* A full bucket right before a busy window is within the limit too. */
  now += 3600 * SECOND;
  passed = run_busy (&limit, rand, &now, now + 3 * WINDOW, 1, 0);
  assert_never_above (passed, 10000);
  sv_rate_limit_clear (&limit);
}

/* Costs above the burst pass one by one, and are paid for afterwards. */
static void
test_large_cost (void)
{
  SvRateLimit limit;
  gint64 now = 0;
  gint64 wait;

  sv_rate_limit_init (&limit);
  sv_rate_limit_set (&limit, 1000, SECOND, now);
  g_assert_cmpint (sv_rate_limit_take (&limit, 3980, now), ==, 0);
  wait = sv_rate_limit_take (&limit, 3980, now);
  /* A full bucket was worth 100, half of it is wanted again: 3930 at 990 a second. */
  g_assert_cmpint (wait, ==, (3930 * SECOND + 989) / 990);
  g_assert_cmpint (sv_rate_limit_take (&limit, 1, now), <, wait);
  g_assert_cmpint (sv_rate_limit_take (&limit, 3980, now + wait), ==, 0);
  sv_rate_limit_clear (&limit);
}

static void
test_change (void)
{
  SvRateLimit limit;
  gint64 now = SECOND;

  sv_rate_limit_init (&limit);
  g_assert_cmpuint (sv_rate_limit_get_amount (&limit), ==, 0);
  g_assert_cmpuint (sv_rate_limit_get_burst (&limit), ==, G_MAXUINT64);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpint (sv_rate_limit_take (&limit, G_MAXUINT64, now), ==, 0);

  sv_rate_limit_set (&limit, 1, SECOND, now);
  g_assert_cmpint (sv_rate_limit_take (&limit, 1, now), ==, 0);
  g_assert_cmpint (sv_rate_limit_take (&limit, 1, now), >, SECOND / 10 * 8);
  /* The debt is paid at the new rate. */
  sv_rate_limit_set (&limit, 1000, SECOND, now);
  g_assert_cmpint (sv_rate_limit_take (&limit, 1, now), <, SECOND / 100);
  g_assert_cmpint (sv_rate_limit_take (&limit, 1, now), >, 0);
  /* Slower again: what was saved up meanwhile is no more than the new burst. */
  now += SECOND;
  sv_rate_limit_set (&limit, 1, SECOND, now);
  g_assert_cmpint (sv_rate_limit_take (&limit, 1, now), ==, 0);
  g_assert_cmpint (sv_rate_limit_take (&limit, 1, now), >, SECOND / 10 * 8);
  sv_rate_limit_set (&limit, 0, SECOND, now);
  g_assert_cmpint (sv_rate_limit_take (&limit, 1, now), ==, 0);

  /* A clock that stands still or goes back gives nothing away. */
  sv_rate_limit_set (&limit, 1, SECOND, now);
  g_assert_cmpint (sv_rate_limit_take (&limit, 1, now), ==, 0);
  g_assert_cmpint (sv_rate_limit_take (&limit, 1, now - SECOND / 2), >, SECOND / 10 * 9);
  g_assert_cmpint (sv_rate_limit_take (&limit, 1, 0), >, SECOND / 10 * 9);
  sv_rate_limit_clear (&limit);
}

static void
test_give_back (void)
{
  SvRateLimit limit;

  sv_rate_limit_init (&limit);
  sv_rate_limit_set (&limit, 1000, SECOND, 0);
  for (guint i = 0; i < 1000; i++)
    {
      g_assert_cmpint (sv_rate_limit_take (&limit, 100, 0), ==, 0);
      g_assert_cmpint (sv_rate_limit_take (&limit, 1, 0), >, 0);
      sv_rate_limit_give_back (&limit, 100);
    }
  /* Never more than full */
  sv_rate_limit_give_back (&limit, 1000);
  g_assert_cmpint (sv_rate_limit_take (&limit, 100, 0), ==, 0);
  g_assert_cmpint (sv_rate_limit_take (&limit, 1, 0), >, 0);
  sv_rate_limit_clear (&limit);
}

static void
test_extremes (void)
{
  SvRateLimit limit;

  sv_rate_limit_init (&limit);
  sv_rate_limit_set (&limit, G_MAXUINT64, 1, 0);
  g_assert_cmpint (sv_rate_limit_take (&limit, G_MAXUINT64, G_MAXINT64), ==, 0);
  sv_rate_limit_set (&limit, 1, G_MAXINT64, 0);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (sv_rate_limit_take (&limit, G_MAXUINT64, G_MAXINT64), >=, 0);
  sv_rate_limit_clear (&limit);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rate-limit/average", test_average);
  g_test_add_func ("/rate-limit/burst", test_burst);
  g_test_add_func ("/rate-limit/large-cost", test_large_cost);
  g_test_add_func ("/rate-limit/change", test_change);
  g_test_add_func ("/rate-limit/give-back", test_give_back);
  g_test_add_func ("/rate-limit/extremes", test_extremes);
  return g_test_run ();
}
