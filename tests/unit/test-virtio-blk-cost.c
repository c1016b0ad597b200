/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a disk request costs: system calls, counted by a tracer, and allocations, of which there are
 * none. */

#include <string.h>
#include <unistd.h>

#include "tests/unit/blk-driver.h"
#include "tests/unit/cost.h"

#define N_REQUESTS 640

typedef struct
{
  const char *node;
  guint depth;
  guint32 type;
  BlkDriver driver;
  guint n_left;
  guint16 end;
} Disk;

static void
add_batch (Disk *disk)
{
  BlkDriver *driver = &disk->driver;
  TestRing *ring = &driver->rings[0];

  disk->end = ring->used_seen + disk->depth;
  disk->n_left -= disk->depth;
  test_ring_set_used_event (ring, disk->end - 1);
  for (guint i = 0; i < disk->depth; i++)
    blk_driver_add (driver, 0, disk->type, (disk->n_left + i) % 128 * 8, BLK_DATA + i * 4096, 4096);
  blk_driver_kick (driver, 0);
}

static gboolean
on_interrupt (gpointer data)
{
  Disk *disk = data;
  TestRing *ring = &disk->driver.rings[0];
  guint32 id, length;

  if (test_ring_used_idx (ring) != disk->end)
    return TRUE;
  while (test_ring_take (ring, &id, &length))
    g_assert_cmpuint (blk_driver_get_status (&disk->driver, 0, id), ==, VIRTIO_BLK_S_OK);
  if (disk->n_left == 0)
    return FALSE;
  add_batch (disk);
  return TRUE;
}

static void
run (gpointer data, guint n)
{
  Disk *disk = data;

  disk->n_left = n;
  add_batch (disk);
  cost_run_loop (disk->driver.irq_fd, on_interrupt, disk);
  disk->type = VIRTIO_BLK_T_IN;
}

/* Written first, in the warm-up, then read. */
static void
set_up (gpointer data)
{
  Disk *disk = data;

  blk_driver_init (&disk->driver, &(BlkDriverOptions){ .node = disk->node, .irqfd = TRUE });
  disk->type = VIRTIO_BLK_T_OUT;
}

static void
tear_down (gpointer data)
{
  Disk *disk = data;

  unlink (disk->driver.path);
}

/* The driver's kick, which is an exit in a guest, is one call more here. */
static double
measure (const char *node, guint depth)
{
  static const CostFuncs funcs = { set_up, run, tear_down };
  Disk disk = { .node = node, .depth = depth };
  g_autofree char *what
      = g_strdup_printf ("reads %s, depth %u", strchr (node, ':') != NULL ? "by O_DIRECT" : "of the page cache", depth);
  Cost cost = cost_measure (what, &funcs, &disk, N_REQUESTS);

  g_assert_cmpuint (cost.n_allocations, ==, 0);
  return cost.calls - 1.0 / depth;
}

/* One that submits the request and waits for it, one that interrupts and waits for the next kick. */
static void
test_depth_1 (gconstpointer node)
{
  g_assert_cmpfloat (measure (node, 1), <=, 2.05);
}

/* The same for the batch; the disk may be done with it in several parts. */
static void
test_depth_32 (gconstpointer node)
{
  g_assert_cmpfloat (measure (node, 32), <=, 0.1);
}

/* From the page cache: all of a batch is done when it was submitted. */
static void
test_cached (void)
{
  g_assert_cmpfloat (measure ("{}", 32), <=, 2.2 / 32);
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
