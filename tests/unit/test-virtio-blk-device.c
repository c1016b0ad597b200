/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* virtio-blk, the device: configuration, queues, pauses, properties; each test with the queues on the main thread and on an
 * iothread. */

#include <linux/virtio_mmio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/blk-tests.h"

static void
test_config (gconstpointer iothread)
{
  struct virtio_blk_config config;
  BlkDriver driver;

  blk_driver_init (
      &driver,
      &(BlkDriverOptions){ .size = 5 * MIB + 1,
                           .n_queues = 2,
                           .iothread = iothread != NULL,
                           .device = "{'num-queues': 3, 'queue-size': 512, "
                                     "'logical_block_size': 1024, 'physical_block_size': '4K'}" });
  g_assert_cmpuint (blk_driver_read (&driver, VIRTIO_MMIO_DEVICE_ID), ==, 2);
  config = blk_driver_get_config (&driver);
  g_assert_cmpuint (GUINT64_FROM_LE (config.capacity), ==, 5 * MIB / 512); /* whole blocks */
  g_assert_cmpuint (GUINT32_FROM_LE (config.seg_max), ==, 510);
  g_assert_cmpuint (GUINT32_FROM_LE (config.blk_size), ==, 1024);
  g_assert_cmpuint (config.physical_block_exp, ==, 2);
  g_assert_cmpuint (config.wce, ==, 1);
  g_assert_cmpuint (GUINT16_FROM_LE (config.num_queues), ==, 3);
  g_assert_cmpuint (GUINT32_FROM_LE (config.max_discard_sectors), >, 0);
  g_assert_cmpuint (GUINT32_FROM_LE (config.max_discard_seg), >, 0);
  g_assert_cmpuint (GUINT32_FROM_LE (config.discard_sector_alignment), ==, 2);
  g_assert_cmpuint (GUINT32_FROM_LE (config.max_write_zeroes_sectors), >, 0);
  g_assert_cmpuint (config.write_zeroes_may_unmap, ==, 1);
  g_assert_cmphex (driver.features & 0xffffff, ==,
                   FEATURE (VIRTIO_BLK_F_SEG_MAX) | FEATURE (VIRTIO_BLK_F_BLK_SIZE)
                       | FEATURE (VIRTIO_BLK_F_FLUSH) | FEATURE (VIRTIO_BLK_F_TOPOLOGY)
                       | FEATURE (VIRTIO_BLK_F_CONFIG_WCE) | FEATURE (VIRTIO_BLK_F_MQ)
                       | FEATURE (VIRTIO_BLK_F_DISCARD) | FEATURE (VIRTIO_BLK_F_WRITE_ZEROES));

  /* Less than a block, or not at a block. */
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, 0, BLK_DATA, 512), ==, IOERR);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, 1, BLK_DATA, 1024), ==, IOERR);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, 2, BLK_DATA, 1024), ==, OK);
  blk_driver_clear (&driver);
}

static void
test_queues (gconstpointer iothread)
{
  const guint per_queue = 30;
  BlkDriver driver;

  blk_driver_init (&driver, &(BlkDriverOptions){ .iothread = iothread != NULL,
                                                 .n_queues = 4,
                                                 .without = F_EVENT_IDX,
                                                 .device = "{'num-queues': 4}" });
  blk_driver_fill (&driver, BLK_DATA, 4 * per_queue * 512, 6);
  for (guint i = 0; i < 4 * per_queue; i++)
    {
      blk_driver_add (&driver, i % 4, VIRTIO_BLK_T_OUT, i, BLK_DATA + i * 512, 512);
      blk_driver_kick (&driver, i % 4);
    }
  for (guint i = 0; i < 4 * per_queue; i++)
    g_assert_cmpuint (blk_driver_wait (&driver, i % 4, NULL, NULL), ==, OK);
  blk_driver_assert_image (&driver, 0, blk_driver_at (&driver, BLK_DATA), 4 * per_queue * 512);
  blk_driver_clear (&driver);
}

/* The driver switches the cache off; what it cannot flush is never cached. */
static void
test_write_cache (gconstpointer iothread)
{
  BlkDriver driver;

  blk_driver_init (&driver, &(BlkDriverOptions){ .iothread = iothread != NULL });
  sv_address_space_io_write (driver.memory.space,
                             sv_virtio_mmio_get_base (driver.transport) + VIRTIO_MMIO_CONFIG + 32,
                             0, 1);
  g_assert_cmpuint (blk_driver_get_config (&driver).wce, ==, 0);
  blk_driver_fill (&driver, BLK_DATA, 4096, 7);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_OUT, 0, BLK_DATA, 4096), ==, OK);
  blk_driver_assert_image (&driver, 0, blk_driver_at (&driver, BLK_DATA), 4096);
  blk_driver_start (&driver, 0);
  g_assert_cmpuint (blk_driver_get_config (&driver).wce, ==, 1);

  /* Other fields are not writable. */
  sv_address_space_io_write (driver.memory.space,
                             sv_virtio_mmio_get_base (driver.transport) + VIRTIO_MMIO_CONFIG, 1, 4);
  g_assert_cmpuint (GUINT64_FROM_LE (blk_driver_get_config (&driver).capacity), ==, MIB / 512);

  blk_driver_start (&driver, FEATURE (VIRTIO_BLK_F_CONFIG_WCE) | FEATURE (VIRTIO_BLK_F_FLUSH));
  g_assert_cmpuint (((struct virtio_blk_config *)sv_virtio_device_get_config (driver.device))->wce,
                    ==, 0);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_OUT, 8, BLK_DATA, 4096), ==, OK);
  blk_driver_clear (&driver);
}

static void
test_grow (gconstpointer iothread)
{
  g_autoptr (GError) error = NULL;
  BlkDriver driver;
  guint32 generation;

  blk_driver_init (&driver, &(BlkDriverOptions){ .iothread = iothread != NULL });
  generation = blk_driver_read (&driver, VIRTIO_MMIO_CONFIG_GENERATION);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, MIB / 512, BLK_DATA, 512), ==,
                    IOERR);
  g_assert_cmpint (truncate (driver.path, 2 * MIB), ==, 0);
  g_assert_true (sv_block_node_refresh_size (driver.node, &error));
  g_assert_cmpuint (GUINT64_FROM_LE (blk_driver_get_config (&driver).capacity), ==, 2 * MIB / 512);
  g_assert_cmpuint (blk_driver_read (&driver, VIRTIO_MMIO_CONFIG_GENERATION), !=, generation);
  g_assert_cmpuint (
      blk_driver_read (&driver, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG, !=, 0);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, MIB / 512, BLK_DATA, 512), ==, OK);
  blk_driver_clear (&driver);
}

/* Indirect, so that each descriptor of the ring is a request's; TRUE when the device wants a kick. */
static gboolean
add_indirect (BlkDriver *driver, guint16 head)
{
  const guint64 address = BLK_DATA + head * 64;
  struct vring_desc *table = blk_driver_at (driver, address);
  guint64 header, status;

  blk_driver_prepare (driver, 0, head, VIRTIO_BLK_T_IN, head * 8, &header, &status);
  table[0] = (struct vring_desc){ GUINT64_TO_LE (header), GUINT32_TO_LE (16),
                                  GUINT16_TO_LE (VRING_DESC_F_NEXT), GUINT16_TO_LE (1) };
  table[1] = (struct vring_desc){ GUINT64_TO_LE (2 * BLK_DATA), GUINT32_TO_LE (4096),
                                  GUINT16_TO_LE (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE),
                                  GUINT16_TO_LE (2) };
  table[2] = (struct vring_desc){ GUINT64_TO_LE (status), GUINT32_TO_LE (1),
                                  GUINT16_TO_LE (VRING_DESC_F_WRITE), 0 };
  test_ring_desc (&driver->rings[0], head, address, 3 * sizeof *table, VRING_DESC_F_INDIRECT, 0);
  return test_ring_add (&driver->rings[0], head);
}

static gboolean
fail_late (gpointer what)
{
  g_error ("%s", (const char *)what);
  return G_SOURCE_REMOVE;
}

/* As many requests in flight as the ring has descriptors; who adds the next one kicks only when asked. */
static void
check_all_in_use (gconstpointer iothread, guint64 without)
{
  BlkDriver driver;
  guint timeout;

  blk_driver_init (&driver,
                   &(BlkDriverOptions){ .iothread = iothread != NULL, .without = without });
  for (guint16 head = 0; head < BLK_RING_SIZE; head++)
    add_indirect (&driver, head);
  blk_driver_kick (&driver, 0);
  for (guint i = 0; i < BLK_RING_SIZE; i++)
    g_assert_cmpuint (blk_driver_wait (&driver, 0, NULL, NULL), ==, OK);

  timeout = g_timeout_add_seconds (20, fail_late, "the device asked for no kick");
  for (guint16 head = 0; head < 3; head++)
    {
      if (add_indirect (&driver, head))
        blk_driver_kick (&driver, 0);
      g_assert_cmpuint (blk_driver_wait (&driver, 0, NULL, NULL), ==, OK);
    }
  g_source_remove (timeout);
  blk_driver_clear (&driver);
}

static void
test_all_in_use (gconstpointer iothread)
{
  check_all_in_use (iothread, 0);
  check_all_in_use (iothread, F_EVENT_IDX);
}

/* Paused with requests in flight: all are returned; new ones wait for resume. */
static void
check_quiesce (gconstpointer iothread, const char *node)
{
  BlkDriver driver;

  blk_driver_init (&driver, &(BlkDriverOptions){ .iothread = iothread != NULL, .node = node });
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, 0, BLK_DATA, 512), ==, OK);
  for (guint i = 0; i < 20; i++)
    blk_driver_add (&driver, 0, VIRTIO_BLK_T_OUT, i, BLK_DATA + i * 512, 512);
  blk_driver_kick (&driver, 0);
  /* The kick may or may not have been handled; what was taken must be given back. */
  sv_device_quiesce (SV_DEVICE (driver.device));
  g_assert_cmpuint (sv_virtqueue_get_in_flight (sv_virtio_device_get_queue (driver.device, 0)), ==,
                    0);
  sv_device_resume (SV_DEVICE (driver.device));
  for (guint i = 0; i < 20; i++)
    g_assert_cmpuint (blk_driver_wait (&driver, 0, NULL, NULL), ==, OK);

  /* Reset with requests in flight. */
  for (guint i = 0; i < 20; i++)
    blk_driver_add (&driver, 0, VIRTIO_BLK_T_OUT, i, BLK_DATA + i * 512, 512);
  blk_driver_kick (&driver, 0);
  if (!iothread)
    g_main_context_iteration (NULL, FALSE);
  blk_driver_start (&driver, 0);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, 0, BLK_DATA, 512), ==, OK);
  blk_driver_clear (&driver);
}

static void
test_quiesce (gconstpointer iothread)
{
  check_quiesce (iothread, "{'aio': 'threads'}");
  check_quiesce (iothread, "{'aio': 'io_uring'}");
  check_quiesce (iothread, "{'aio': 'io_uring', 'cache.direct': true}");
}

static void
test_properties (gconstpointer iothread)
{
  static const struct
  {
    const char *properties;
    const char *message;
  } wrong[] = {
    { "{'drive': 'disk0'}", "blk0" }, /* in use */
    { "{'queue-size': 100}", "power of two" },
    { "{'queue-size': 2048}", "queue-size" },
    { "{'num-queues': 0}", "num-queues" },
    { "{'logical_block_size': 1000}", "logical_block_size" },
    { "{'logical_block_size': 4096, 'physical_block_size': 512}", "physical_block_size" },
    { "{'drive': 'disk1'}", "disk1" },
    { "{'iothread': 'io7'}", "io7" },
  };
  SvVirtioDevice *first;
  BlkDriver driver;

  blk_driver_init (&driver, &(BlkDriverOptions){ .iothread = iothread != NULL });
  first = g_steal_pointer (&driver.device);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SvDevice) device = NULL;
      g_autoptr (SvIrq) irq = sv_irq_new (NULL, NULL, NULL, 6);
      g_autoptr (SvVirtioMmio) transport
          = sv_virtio_mmio_new (driver.memory.space, 1, 0x5000000, irq);

      device = blk_driver_new_device (&driver, wrong[i].properties, &error);
      if (device)
        {
          g_assert_true (sv_bus_plug (sv_virtio_mmio_get_bus (transport), device, &error));
          g_assert_false (sv_object_complete (SV_OBJECT (device), &error));
          sv_bus_unplug (sv_virtio_mmio_get_bus (transport), device);
        }
      g_test_message ("%s: %s", wrong[i].properties, error->message);
      g_assert_nonnull (strstr (error->message, wrong[i].message));
    }
  driver.device = first;
  g_assert_true (sv_object_get_user (SV_OBJECT (driver.node)) == SV_OBJECT (first));
  blk_driver_clear (&driver);
}

static const BlkTest tests[] = {
  { "config", test_config },
  { "queues", test_queues },
  { "write-cache", test_write_cache },
  { "grow", test_grow },
  { "all-in-use", test_all_in_use },
  { "quiesce", test_quiesce },
  { "properties", test_properties },
};

int
main (int argc, char **argv)
{
  return blk_tests_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
