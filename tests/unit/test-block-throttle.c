/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits of disks: the arithmetic with a clock of its own, and requests that wait for it. */

#include <stdlib.h>

#include "qom/sv-property.h"
#include "src/block/sv-block-null.h"
#include "tests/unit/block-fixture.h"

#define SECOND (G_GINT64_CONSTANT (1000) * 1000 * 1000)
#define IMAGE_SIZE (1024 * 1024)
#define MAX_REQUESTS 64

/* --- with a clock of its own --- */

/* Two queues that always have more to do, for a minute; no window of 10 s is above the limit. */
static void
check_rate (SvBlockLimit limit, guint64 per_second, SvBlockOp op, guint64 bytes)
{
  const gint64 length = 60 * SECOND;
  g_autoptr (GArray) when = g_array_new (FALSE, FALSE, sizeof (gint64));
  gboolean by_bytes = limit < SV_BLOCK_LIMIT_IOPS_TOTAL;
  gint64 next[2] = { 0, 0 };
  double unit = by_bytes ? (double)bytes : 1;
  SvBlockThrottle throttle;
  guint first = 0;
  double total;

  sv_block_throttle_init (&throttle);
  sv_block_throttle_set (&throttle, limit, per_second, 0);
  for (;;)
    {
      guint queue = next[0] <= next[1] ? 0 : 1;
      gint64 now = next[queue];
      gint64 wait;

      if (now >= length)
        break;
      wait = sv_block_throttle_take (&throttle, op, bytes, now);
      if (wait > 0)
        {
          next[queue] += wait + 1000000;
          continue;
        }
      g_array_append_val (when, now);
    }
  sv_block_throttle_clear (&throttle);

  total = unit * when->len / 60;
  g_assert_cmpfloat (total, <=, (double)per_second);
  g_assert_cmpfloat (total, >=, 0.98 * (double)per_second);
  for (guint last = 0; last < when->len; last++)
    {
      while (g_array_index (when, gint64, last) - g_array_index (when, gint64, first) >= 10 * SECOND)
        first++;
      g_assert_cmpfloat (unit * (last - first + 1), <=, 10.0 * (double)per_second + (by_bytes ? unit : 0));
    }
}

static void
test_rate (void)
{
  check_rate (SV_BLOCK_LIMIT_IOPS_TOTAL, 10, SV_BLOCK_READ, 4096);
  check_rate (SV_BLOCK_LIMIT_IOPS_TOTAL, 500, SV_BLOCK_WRITE, 4096);
  check_rate (SV_BLOCK_LIMIT_IOPS_READ, 1000, SV_BLOCK_READ, 4096);
  check_rate (SV_BLOCK_LIMIT_IOPS_WRITE, 1000, SV_BLOCK_DISCARD, 4096);
  check_rate (SV_BLOCK_LIMIT_BPS_TOTAL, 10 * 1024 * 1024, SV_BLOCK_READ, 65536);
  check_rate (SV_BLOCK_LIMIT_BPS_READ, 1024 * 1024, SV_BLOCK_READ, 4096);
  check_rate (SV_BLOCK_LIMIT_BPS_WRITE, 1024 * 1024, SV_BLOCK_WRITE, 4096);
}

static void
assert_free (SvBlockThrottle *throttle, SvBlockOp op, guint64 bytes)
{
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpint (sv_block_throttle_take (throttle, op, bytes, 0), ==, 0);
}

static void
test_what_counts (void)
{
  SvBlockThrottle throttle;

  sv_block_throttle_init (&throttle);
  g_assert_false (sv_block_throttle_is_active (&throttle));
  assert_free (&throttle, SV_BLOCK_WRITE, 1 << 20);

  sv_block_throttle_set (&throttle, SV_BLOCK_LIMIT_IOPS_READ, 10, 0);
  g_assert_true (sv_block_throttle_is_active (&throttle));
  g_assert_cmpuint (sv_block_throttle_get (&throttle, SV_BLOCK_LIMIT_IOPS_READ), ==, 10);
  assert_free (&throttle, SV_BLOCK_WRITE, 4096);
  assert_free (&throttle, SV_BLOCK_FLUSH, 0);
  g_assert_cmpint (sv_block_throttle_take (&throttle, SV_BLOCK_READ, 4096, 0), ==, 0);
  g_assert_cmpint (sv_block_throttle_take (&throttle, SV_BLOCK_READ, 4096, 0), >, 0);

  sv_block_throttle_set (&throttle, SV_BLOCK_LIMIT_IOPS_READ, 0, 0);
  sv_block_throttle_set (&throttle, SV_BLOCK_LIMIT_BPS_TOTAL, 4096, 0);
  assert_free (&throttle, SV_BLOCK_DISCARD, 1 << 20);
  assert_free (&throttle, SV_BLOCK_WRITE_ZEROES, 1 << 20);
  g_assert_cmpint (sv_block_throttle_take (&throttle, SV_BLOCK_WRITE, 4096, 0), ==, 0);
  g_assert_cmpint (sv_block_throttle_take (&throttle, SV_BLOCK_READ, 4096, 0), >, 0);
  sv_block_throttle_clear (&throttle);
}

/* What one limit refuses costs nothing under the others. */
static void
test_several_limits (void)
{
  SvBlockThrottle throttle;

  sv_block_throttle_init (&throttle);
  sv_block_throttle_set (&throttle, SV_BLOCK_LIMIT_BPS_TOTAL, 1 << 20, 0);
  sv_block_throttle_set (&throttle, SV_BLOCK_LIMIT_IOPS_READ, 10, 0);
  g_assert_cmpint (sv_block_throttle_take (&throttle, SV_BLOCK_READ, 512, 0), ==, 0);
  for (guint i = 0; i < 10000; i++)
    g_assert_cmpint (sv_block_throttle_take (&throttle, SV_BLOCK_READ, 512, 0), >, 0);
  g_assert_cmpint (sv_block_throttle_take (&throttle, SV_BLOCK_WRITE, 16384, 0), ==, 0);

  /* Who cannot wait is counted all the same. */
  sv_block_throttle_charge (&throttle, SV_BLOCK_WRITE, 10 << 20, 0);
  g_assert_cmpint (sv_block_throttle_take (&throttle, SV_BLOCK_WRITE, 512, 0), >, 9 * SECOND);
  sv_block_throttle_clear (&throttle);
}

/* --- requests --- */

typedef struct
{
  BlockFixture block;
  SvBlockRequest requests[MAX_REQUESTS];
  struct iovec iov[MAX_REQUESTS];
  guint8 buffer[512];
} Fixture;

static guint n_done;

static void
on_done (SvBlockRequest *request, int result)
{
  g_assert_cmpint (result, ==, 0);
  n_done++;
}

static void
submit (Fixture *f, SvBlockQueue *queue, guint first, guint n)
{
  for (guint i = first; i < first + n; i++)
    {
      f->iov[i] = (struct iovec){ f->buffer, sizeof f->buffer };
      f->requests[i] = (SvBlockRequest){
        .op = SV_BLOCK_READ, .length = 512, .iov = &f->iov[i], .n_iov = 1, .done = on_done
      };
      sv_block_queue_submit (queue, &f->requests[i]);
    }
  sv_block_queue_kick (queue);
}

static void
set_up (Fixture *f, const char *wire_name, guint64 limit)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, limit);
  g_autoptr (GError) error = NULL;

  n_done = 0;
  block_fixture_set_up (&f->block, IMAGE_SIZE, NULL);
  sv_object_set_property_string (SV_OBJECT (f->block.node), wire_name, text, NULL, &error);
  g_assert_no_error (error);
}

static gint64
run_until (guint n)
{
  gint64 start = g_get_monotonic_time ();

  while (n_done < n)
    g_main_context_iteration (NULL, TRUE);
  return g_get_monotonic_time () - start;
}

static void
test_wait (void)
{
  Fixture f;

  set_up (&f, "throttling.iops-total", 200);
  submit (&f, f.block.queue, 0, 40);
  g_assert_cmpuint (sv_block_queue_get_in_flight (f.block.queue), >=, 15);
  /* 100 ms worth may go at once, the others every 5 ms. */
  g_assert_cmpint (run_until (40), >=, 90 * 1000);
  g_assert_cmpuint (sv_block_queue_get_in_flight (f.block.queue), ==, 0);
  block_fixture_tear_down (&f.block);
}

static void
test_queues_share (void)
{
  g_autoptr (GError) error = NULL;
  SvBlockQueue *other;
  Fixture f;

  set_up (&f, "throttling.iops-total", 400);
  other = sv_block_node_create_queue (f.block.node, NULL, BLOCK_TEST_DEPTH, &error);
  g_assert_no_error (error);
  submit (&f, f.block.queue, 0, 32);
  submit (&f, other, 32, 32);
  g_assert_cmpint (run_until (64), >=, 50 * 1000);
  sv_block_queue_free (other);
  block_fixture_tear_down (&f.block);
}

static void
test_drain (void)
{
  SvBlockRequest flush = { .op = SV_BLOCK_FLUSH, .done = on_done };
  gint64 start = g_get_monotonic_time ();
  Fixture f;

  /* All of them would take half a minute. */
  set_up (&f, "throttling.iops-total", 1);
  submit (&f, f.block.queue, 0, 32);
  g_assert_cmpuint (n_done, <=, 1);
  sv_block_queue_drain (f.block.queue);
  g_assert_cmpuint (n_done, ==, 32);

  /* The debt is paid by those who come after; flushes are free. */
  submit (&f, f.block.queue, 0, 1);
  sv_block_queue_submit (f.block.queue, &flush);
  sv_block_queue_kick (f.block.queue);
  run_until (33);
  g_assert_cmpuint (sv_block_queue_get_in_flight (f.block.queue), ==, 1);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 10 * G_USEC_PER_SEC);

  /* A limit that goes sets off those who wait. */
  sv_block_node_set_limit (f.block.node, SV_BLOCK_LIMIT_IOPS_TOTAL, 0);
  run_until (34);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 10 * G_USEC_PER_SEC);
  block_fixture_tear_down (&f.block);
}

static void
test_null (void)
{
  g_autoptr (SvBlockNode) node = sv_block_null_new ();
  g_autoptr (GError) error = NULL;
  SvBlockRequest flush = { .op = SV_BLOCK_FLUSH, .done = on_done };
  SvBlockQueue *queue = sv_block_node_create_queue (node, NULL, 1, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (sv_block_node_get_size (node), ==, 0);
  n_done = 0;
  sv_block_queue_submit (queue, &flush);
  sv_block_queue_drain (queue);
  g_assert_cmpuint (n_done, ==, 1);
  sv_block_queue_free (queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/block/throttle/rate", test_rate);
  g_test_add_func ("/block/throttle/what-counts", test_what_counts);
  g_test_add_func ("/block/throttle/several-limits", test_several_limits);
  g_test_add_func ("/block/throttle/wait", test_wait);
  g_test_add_func ("/block/throttle/queues-share", test_queues_share);
  g_test_add_func ("/block/throttle/drain", test_drain);
  g_test_add_func ("/block/null", test_null);
  return g_test_run ();
}
