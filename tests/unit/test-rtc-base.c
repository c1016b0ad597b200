/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What -rtc says of a clock. */

#include "hw/core/sv-rtc-base.h"

#include "src/runtime/sv-clock.h"

#define S ((gint64)G_USEC_PER_SEC)
#define NS_PER_S G_GINT64_CONSTANT (1000000000)

static void
test_base (void)
{
  static const struct
  {
    const char *base;
    gint64 start; /* in seconds */
  } good[] = {
    { "utc", 1000000000 },
    { "localtime", 1000000000 + 19800 },
    { "2026-01-31", 1769817600 },
    { "2026-01-31T12:34:56", 1769862896 },
    { "1999-12-31T23:59:59", 946684799 },
  };
  static const char *const bad[] = { "", "now", "31.1.2026", "2026-13-01", "2026-01-31T25:00:00" };

  g_setenv ("TZ", "XST-5:30", TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      gint64 start = 0;

      g_assert_true (sv_rtc_base_resolve (good[i].base, 1000000000 * S, &start, &error));
      g_assert_no_error (error);
      g_assert_cmpint (start / S, ==, good[i].start);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      gint64 start;

      g_assert_false (sv_rtc_base_resolve (bad[i], 0, &start, &error));
      g_assert_nonnull (strstr (error->message, "accepted are 'utc', 'localtime' and a date"));
    }
}

/* A clock of the VM stands while the VM does; the others go on. */
static void
test_source (void)
{
  static const SvRtcClock clocks[] = { SV_RTC_CLOCK_HOST, SV_RTC_CLOCK_RT, SV_RTC_CLOCK_VM };

  sv_clock_take_control ();
  for (guint i = 0; i < G_N_ELEMENTS (clocks); i++)
    {
      const gint64 lost = clocks[i] == SV_RTC_CLOCK_VM ? 7 * S : 0;
      gint64 now = sv_clock_get_ns () + NS_PER_S;
      SvRtcSource source = { 0 };

      sv_clock_advance (now);
      sv_rtc_source_start (&source, clocks[i], 1000 * S);
      g_assert_cmpint (sv_rtc_source_get (&source), ==, 1000 * S);
      sv_clock_advance (now += 3 * NS_PER_S);
      g_assert_cmpint (sv_rtc_source_get (&source), ==, 1003 * S);
      sv_rtc_source_stop (&source);
      sv_clock_advance (now += 7 * NS_PER_S);
      g_assert_cmpint (sv_rtc_source_get (&source), ==, 1010 * S - lost);
      sv_rtc_source_resume (&source);
      sv_clock_advance (now += NS_PER_S);
      g_assert_cmpint (sv_rtc_source_get (&source), ==, 1011 * S - lost);
    }
  sv_clock_release ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtc/base", test_base);
  g_test_add_func ("/rtc/source", test_source);
  return g_test_run ();
}
