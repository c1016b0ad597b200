/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A hostile driver of virtio-blk. Input: a count and that many heads, a count and that many
 * descriptors as they are in the ring, and what is in memory where the corpus has its headers,
 * ranges and indirect tables.
 */

#include <glib/gstdio.h>
#include <string.h>

#include "tests/unit/blk-driver.h"

#define MAX_HEADS 16
#define MAX_DESCRIPTORS 32
#define MAX_MEMORY 4096

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static const guint8 *
take (const guint8 **data, gsize *size, gsize wanted)
{
  const guint8 *taken = *data;

  if (wanted > *size)
    return NULL;
  *data += wanted;
  *size -= wanted;
  return taken;
}

static void
add_chains (BlkDriver *driver, const guint8 *data, gsize size)
{
  TestRing *ring = &driver->rings[0];
  const guint8 *n_heads, *heads, *n_descriptors, *descriptors;

  if (!(n_heads = take (&data, &size, 1))
      || !(heads = take (&data, &size, *n_heads % (MAX_HEADS + 1)))
      || !(n_descriptors = take (&data, &size, 1))
      || !(descriptors = take (
               &data, &size, *n_descriptors % (MAX_DESCRIPTORS + 1) * sizeof (struct vring_desc))))
    return;

  memcpy (ring->desc, descriptors,
          *n_descriptors % (MAX_DESCRIPTORS + 1) * sizeof (struct vring_desc));
  memcpy (blk_driver_at (driver, BLK_HEADERS), data, MIN (size, MAX_MEMORY));
  for (guint i = 0; i < *n_heads % (MAX_HEADS + 1); i++)
    test_ring_add (ring, heads[i]);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static BlkDriver *driver;
  SvVirtqueue *queue;

  if (driver == NULL)
    {
      driver = g_new0 (BlkDriver, 1);
      blk_driver_init (driver,
                       &(BlkDriverOptions){ .size = 65536, .node = "{'discard': 'unmap'}" });
      g_assert_cmpint (g_remove (driver->path), ==, 0);
    }
  memset (blk_driver_at (driver, BLK_HEADERS), 0, MAX_MEMORY);
  blk_driver_start (driver, 0);
  queue = sv_virtio_device_get_queue (driver->device, 0);
  add_chains (driver, data, size);

  blk_driver_kick (driver, 0);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  sv_device_quiesce (SV_DEVICE (driver->device));
  g_assert_cmpuint (sv_virtqueue_get_in_flight (queue), ==, 0);
  sv_device_resume (SV_DEVICE (driver->device));
  if (!blk_driver_is_broken (driver))
    g_assert_cmpuint (test_ring_used_idx (&driver->rings[0]), ==, driver->rings[0].avail_idx);
  return 0;
}
