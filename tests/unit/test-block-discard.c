/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Discard and write-zeroes, and writes that become such, with each engine, with and without O_DIRECT. */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/block-variants.h"

#define MIB (1024 * 1024)

static guint64
allocated (BlockFixture *fixture)
{
  struct stat status;

  g_assert_cmpint (stat (fixture->path, &status), ==, 0);
  return (guint64)status.st_blocks * 512;
}

static void
test_discard (gconstpointer data)
{
  guint8 *out = block_test_alloc (MIB, 7);
  BlockFixture fixture;
  guint64 before;
  guint8 *peek;

  block_variant_set_up (&fixture, data, 2 * MIB);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, out, MIB), ==, 0);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_FLUSH, 0, NULL, 0), ==, 0);
  before = allocated (&fixture);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_DISCARD, 65536, NULL, MIB - 65536), ==, 0);
  g_assert_cmpuint (allocated (&fixture), <=, before - (MIB - 2 * 65536));
  peek = block_fixture_peek (&fixture, 0, 2 * MIB);
  g_assert_cmpmem (peek, 65536, out, 65536);
  block_test_assert_zero (peek + 65536, MIB);
  free (peek);
  free (out);
  block_fixture_tear_down (&fixture);
}

static void
test_discard_ignored (gconstpointer data)
{
  const BlockVariant *variant = data;
  guint8 *out = block_test_alloc (65536, 8);
  BlockFixture fixture;
  guint8 *peek;

  block_fixture_set_up (&fixture, 65536, "aio", variant->aio, "cache-direct", variant->direct,
                        NULL);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, out, 65536), ==, 0);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_DISCARD, 0, NULL, 65536), ==, 0);
  peek = block_fixture_peek (&fixture, 0, 65536);
  g_assert_cmpmem (peek, 65536, out, 65536);
  free (peek);
  free (out);
  block_fixture_tear_down (&fixture);
}

static void
test_write_zeroes (gconstpointer data)
{
  guint8 *out = block_test_alloc (2 * MIB, 9);
  BlockFixture fixture;
  guint64 before;
  guint8 *peek;

  block_variant_set_up (&fixture, data, 2 * MIB);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, out, 2 * MIB), ==, 0);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_FLUSH, 0, NULL, 0), ==, 0);
  before = allocated (&fixture);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE_ZEROES, 512, NULL, MIB - 1024), ==,
                   0);
  g_assert_cmpuint (allocated (&fixture), >=, before);
  peek = block_fixture_peek (&fixture, 0, 2 * MIB);
  g_assert_cmpmem (peek, 512, out, 512);
  block_test_assert_zero (peek + 512, MIB - 1024);
  g_assert_cmpmem (peek + MIB - 512, MIB + 512, out + MIB - 512, MIB + 512);
  free (peek);

  g_assert_cmpint (block_fixture_run_full (&fixture, &(SvBlockRequest){ .op = SV_BLOCK_WRITE_ZEROES,
                                                                        .may_unmap = TRUE,
                                                                        .fua = TRUE,
                                                                        .offset = 0,
                                                                        .length = MIB }),
                   ==, 0);
  g_assert_cmpuint (allocated (&fixture), <=, before - MIB / 2);
  peek = block_fixture_peek (&fixture, 0, 2 * MIB);
  block_test_assert_zero (peek, MIB);
  g_assert_cmpmem (peek + MIB, MIB, out + MIB, MIB);
  free (peek);
  free (out);
  block_fixture_tear_down (&fixture);
}

static void
test_detect_zeroes (gconstpointer data)
{
  const BlockVariant *variant = data;
  guint8 *out = block_test_alloc (MIB, 10);
  BlockFixture fixture;
  guint64 before;
  guint8 *peek;

  block_fixture_set_up (&fixture, MIB, "aio", variant->aio, "cache-direct", variant->direct,
                        "discard", SV_BLOCK_DISCARD_UNMAP, "detect-zeroes",
                        SV_BLOCK_DETECT_ZEROES_UNMAP, NULL);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, out, MIB), ==, 0);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_FLUSH, 0, NULL, 0), ==, 0);
  before = allocated (&fixture);
  memset (out, 0, MIB);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, out, MIB), ==, 0);
  g_assert_cmpuint (allocated (&fixture), <=, before - MIB / 2);

  out[MIB - 1] = 1;
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, out, MIB), ==, 0);
  peek = block_fixture_peek (&fixture, 0, MIB);
  g_assert_cmpmem (peek, MIB, out, MIB);
  free (peek);
  free (out);
  block_fixture_tear_down (&fixture);
}

static const BlockVariantTest tests[] = {
  { "discard", test_discard },
  { "discard-ignored", test_discard_ignored },
  { "write-zeroes", test_write_zeroes },
  { "detect-zeroes", test_detect_zeroes },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  block_variant_add_tests (tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
