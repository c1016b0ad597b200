/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/migration/sv-migration-throttle.h"

#define MIB (1u << 20)
#define LONG 200000u /* microseconds */
#define SHORT 30000u

static const SvMigrationParameters parameters = {
  .throttle_trigger_threshold = 50, .cpu_throttle_initial = 20, .cpu_throttle_increment = 30, .max_cpu_throttle = 75
};

/* A guest that writes half of what is sent, or less, keeps its speed. */
static void
test_threshold (void)
{
  SvMigrationConverge self = { .sent = 0 };

  for (guint i = 0; i < 10; i++)
    g_assert_cmpuint (sv_migration_converge (&self, &parameters, 0, 10 * MIB, 5 * MIB, LONG), ==, 0);
  for (guint i = 0; i < 10; i++)
    {
      g_assert_cmpuint (sv_migration_converge (&self, &parameters, 0, 10 * MIB, 6 * MIB, LONG), ==, 0);
      g_assert_cmpuint (sv_migration_converge (&self, &parameters, 0, 10 * MIB, MIB, LONG), ==, 0);
    }
}

/* Step by step, each when two periods did not do, up to the most. */
static void
test_steps (void)
{
  static const guint steps[] = { 0, 20, 20, 50, 50, 75, 75, 75 };
  SvMigrationConverge self = { .sent = 0 };
  guint percentage = 0;

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      percentage = sv_migration_converge (&self, &parameters, percentage, MIB, MIB, LONG);
      g_assert_cmpuint (percentage, ==, steps[i]);
    }
  /* The most was made less on the way: nobody is woken by that. */
  self.losing = 1;
  g_assert_cmpuint (sv_migration_converge (&self, &parameters, 90, MIB, MIB, LONG), ==, 90);
}

/* Passes of milliseconds are looked at together. */
static void
test_short_passes (void)
{
  SvMigrationConverge self = { .sent = 0 };

  for (guint i = 0; i < 7; i++)
    g_assert_cmpuint (sv_migration_converge (&self, &parameters, 0, MIB, MIB, SHORT), ==, 0);
  g_assert_cmpuint (sv_migration_converge (&self, &parameters, 0, MIB, MIB, SHORT), ==, 20);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/migration/throttle/threshold", test_threshold);
  g_test_add_func ("/migration/throttle/steps", test_steps);
  g_test_add_func ("/migration/throttle/short-passes", test_short_passes);
  return g_test_run ();
}
