/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a disk request costs: system calls, counted by a tracer, and allocations, of which there are
 * none. */

#include <unistd.h>

#include "tests/unit/blk-driver.h"
#include "tests/unit/cost.h"

#define N_REQUESTS 640

typedef struct
{
  const char *node;
  guint depth;
  BlkDriver driver;
} Disk;

static void
run_requests (BlkDriver *driver, guint depth, guint32 type, guint n)
{
  TestRing *ring = &driver->rings[0];

  for (guint done = 0; done < n; done += depth)
    {
      guint16 end = ring->used_seen + depth;
      guint32 id, length;

      test_ring_set_used_event (ring, end - 1);
      for (guint i = 0; i < depth; i++)
        blk_driver_add (driver, 0, type, (done + i) % 128 * 8, BLK_DATA + i * 4096, 4096);
      blk_driver_kick (driver, 0);
      while (test_ring_used_idx (ring) != end)
        g_main_context_iteration (NULL, TRUE);
      while (test_ring_take (ring, &id, &length))
        g_assert_cmpuint (blk_driver_get_status (driver, 0, id), ==, VIRTIO_BLK_S_OK);
    }
}

static void
set_up (gpointer data)
{
  Disk *disk = data;

  blk_driver_init (&disk->driver, &(BlkDriverOptions){ .node = disk->node, .irqfd = TRUE });
  run_requests (&disk->driver, disk->depth, VIRTIO_BLK_T_OUT, 128);
}

static void
run (gpointer data, guint n)
{
  Disk *disk = data;

  run_requests (&disk->driver, disk->depth, VIRTIO_BLK_T_IN, n);
}

static void
tear_down (gpointer data)
{
  Disk *disk = data;

  unlink (disk->driver.path);
}

static Cost
measure (const char *node, guint depth)
{
  static const CostFuncs funcs = { set_up, run, tear_down };
  Disk disk = { .node = node, .depth = depth };
  g_autofree char *what = g_strdup_printf ("%s depth %u", node, depth);

  return cost_measure (what, &funcs, &disk, N_REQUESTS);
}

/* All the device's system calls: poll, read the kick, submit, poll again (restarted by the kernel
 * when the disk is done) if the disk is slow, interrupt. The driver's kick, which is an exit in a
 * guest, is one more here. */
static void
test_depth_1 (gconstpointer node)
{
  Cost cost = measure (node, 1);

  g_assert_cmpfloat (cost.io + cost.poll, <=, 3.1);
  g_assert_cmpfloat (cost.io, <=, 1.01);
  g_assert_cmpfloat (cost.all, <=, 7.1);
  g_assert_cmpuint (cost.n_allocations, ==, 0);
}

static void
test_depth_32 (gconstpointer node)
{
  Cost cost = measure (node, 32);

  g_assert_cmpfloat (cost.io, <=, 1.01 / 32);
  g_assert_cmpuint (cost.n_allocations, ==, 0);
}

/* From the page cache: all of a batch is done when it was submitted. */
static void
test_cached (void)
{
  Cost cost = measure ("{}", 1);

  g_assert_cmpfloat (cost.io + cost.poll, <=, 2.1);
  cost = measure ("{}", 32);
  g_assert_cmpfloat (cost.io + cost.poll, <=, 0.1);
  g_assert_cmpfloat (cost.all, <=, 6.0 / 32);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtio/blk/cost/counter", cost_test_counter);
  g_test_add_data_func ("/virtio/blk/cost/depth-1/cached", "{}", test_depth_1);
  g_test_add_data_func ("/virtio/blk/cost/depth-1/direct", "{'cache.direct': true}", test_depth_1);
  g_test_add_data_func ("/virtio/blk/cost/depth-32/cached", "{}", test_depth_32);
  g_test_add_data_func ("/virtio/blk/cost/depth-32/direct", "{'cache.direct': true}",
                        test_depth_32);
  g_test_add_func ("/virtio/blk/cost/cached", test_cached);
  return g_test_run ();
}
