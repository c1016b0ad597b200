/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/unit/blk-tests.h"

int
blk_tests_main (int argc, char **argv, const BlkTest *tests, guint n_tests)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < n_tests; i++)
    {
      g_autofree char *here = g_strdup_printf ("/virtio/blk/main/%s", tests[i].name);
      g_autofree char *there = g_strdup_printf ("/virtio/blk/iothread/%s", tests[i].name);

      g_test_add_data_func (here, NULL, tests[i].func);
      g_test_add_data_func (there, "iothread", tests[i].func);
    }
  return g_test_run ();
}
