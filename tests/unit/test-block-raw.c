/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdlib.h>

#include "src/block/sv-block-raw.h"
#include "tests/unit/block-fixture.h"

#define SIZE (1024 * 1024u)

/* A raw node over the fixture's, whose queue the fixture then uses. */
static SvBlockRaw *
put_on_top (BlockFixture *fixture, gboolean read_only, GError **error)
{
  SvBlockRaw *raw
      = g_object_new (SV_TYPE_BLOCK_RAW, "file", fixture->node, "read-only", read_only, NULL);

  if (!sv_object_complete (SV_OBJECT (raw), error))
    {
      g_object_unref (raw);
      return NULL;
    }
  sv_block_queue_free (fixture->queue);
  fixture->queue
      = sv_block_node_create_queue (SV_BLOCK_NODE (raw), NULL, BLOCK_TEST_DEPTH, error);
  g_assert_nonnull (fixture->queue);
  return raw;
}

static void
take_off (BlockFixture *fixture, SvBlockRaw *raw)
{
  sv_block_queue_free (fixture->queue);
  fixture->queue = NULL;
  g_assert_true (sv_object_get_user (SV_OBJECT (fixture->node)) == SV_OBJECT (raw));
  g_object_unref (raw);
  g_assert_null (sv_object_get_user (SV_OBJECT (fixture->node)));
  fixture->queue
      = sv_block_node_create_queue (fixture->node, NULL, BLOCK_TEST_DEPTH, NULL);
}

static void
test_data (void)
{
  BlockFixture fixture = { 0 };
  guint8 *data = block_test_alloc (4096, 7);
  guint8 *found;
  SvBlockStats stats;
  SvBlockRaw *raw;

  block_fixture_set_up (&fixture, SIZE, NULL);
  raw = put_on_top (&fixture, FALSE, NULL);
  g_assert_cmpuint (sv_block_node_get_size (SV_BLOCK_NODE (raw)), ==, SIZE);
  g_assert_cmpstr (sv_block_node_get_driver (SV_BLOCK_NODE (raw)), ==, "raw");
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 8192, data, 4096), ==, 0);
  found = block_fixture_peek (&fixture, 8192, 4096);
  g_assert_cmpmem (found, 4096, data, 4096);
  sv_block_node_get_stats (SV_BLOCK_NODE (raw), &stats);
  g_assert_cmpuint (stats.ops[SV_BLOCK_WRITE], ==, 1);
  take_off (&fixture, raw);
  free (found);
  free (data);
  block_fixture_tear_down (&fixture);
}

static void
test_read_only (void)
{
  BlockFixture fixture = { 0 };
  guint8 *data = block_test_alloc (4096, 7);
  SvBlockRaw *raw;

  block_fixture_set_up (&fixture, SIZE, NULL);
  raw = put_on_top (&fixture, TRUE, NULL);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, data, 4096), !=, 0);
  take_off (&fixture, raw);
  free (data);
  block_fixture_tear_down (&fixture);
}

/* A limit of the upper node holds, whenever it is set. */
static void
test_limits (void)
{
  BlockFixture fixture = { 0 };
  SvBlockRaw *raw;

  block_fixture_set_up (&fixture, SIZE, "iops-total", (guint64)7, NULL);
  raw = put_on_top (&fixture, FALSE, NULL);
  g_assert_cmpuint (sv_block_node_get_limit (SV_BLOCK_NODE (raw), SV_BLOCK_LIMIT_IOPS_TOTAL), ==, 7);
  sv_block_node_set_limit (SV_BLOCK_NODE (raw), SV_BLOCK_LIMIT_IOPS_TOTAL, 9);
  g_assert_cmpuint (sv_block_node_get_limit (fixture.node, SV_BLOCK_LIMIT_IOPS_TOTAL), ==, 9);
  sv_block_node_set_limit (SV_BLOCK_NODE (raw), SV_BLOCK_LIMIT_IOPS_TOTAL, 0);
  g_assert_cmpuint (sv_block_node_get_limit (fixture.node, SV_BLOCK_LIMIT_IOPS_TOTAL), ==, 0);
  take_off (&fixture, raw);
  block_fixture_tear_down (&fixture);
}

static void
test_refused (void)
{
  BlockFixture fixture = { 0 };
  g_autoptr (SvBlockRaw) alone = g_object_new (SV_TYPE_BLOCK_RAW, NULL);
  g_autoptr (GError) error = NULL;
  SvBlockRaw *raw;

  g_assert_false (sv_object_complete (SV_OBJECT (alone), &error));
  g_assert_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID);
  g_clear_error (&error);

  block_fixture_set_up (&fixture, SIZE, "read-only", TRUE, NULL);
  g_assert_null (put_on_top (&fixture, FALSE, &error));
  g_assert_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID);
  g_clear_error (&error);

  /* One node below has one node on top. */
  raw = put_on_top (&fixture, TRUE, NULL);
  g_assert_null (put_on_top (&fixture, TRUE, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY);
  take_off (&fixture, raw);
  block_fixture_tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/block/raw/data", test_data);
  g_test_add_func ("/block/raw/read-only", test_read_only);
  g_test_add_func ("/block/raw/limits", test_limits);
  g_test_add_func ("/block/raw/refused", test_refused);
  return g_test_run ();
}
