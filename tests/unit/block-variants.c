/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/unit/block-variants.h"

void
block_variant_set_up (BlockFixture *self, const BlockVariant *variant, guint64 size)
{
  block_fixture_set_up (self, size, "aio", variant->aio, "cache-direct", variant->direct, "discard",
                        SV_BLOCK_DISCARD_UNMAP, NULL);
}

void
block_test_assert_zero (const guint8 *data, gsize size)
{
  for (gsize i = 0; i < size; i++)
    g_assert_cmpint (data[i], ==, 0);
}

void
block_variant_add_tests (const BlockVariantTest *tests, guint n_tests)
{
  static const BlockVariant variants[] = {
    { SV_BLOCK_AIO_IO_URING, FALSE },
    { SV_BLOCK_AIO_IO_URING, TRUE },
    { SV_BLOCK_AIO_THREADS, FALSE },
    { SV_BLOCK_AIO_THREADS, TRUE },
  };

  for (guint v = 0; v < G_N_ELEMENTS (variants); v++)
    for (guint i = 0; i < n_tests; i++)
      {
        g_autofree char *path = g_strdup_printf ("/block/file/%s/%s/%s",
                                                 variants[v].aio == SV_BLOCK_AIO_THREADS ? "threads" : "io_uring",
                                                 variants[v].direct ? "direct" : "cached", tests[i].name);

        g_test_add_data_func (path, &variants[v], tests[i].func);
      }
}
