/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests of virtio-blk; each test with the queues on the main thread and on an
 * iothread. */

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/unit/blk-tests.h"

static void
assert_zero_image (BlkDriver *driver, guint64 offset, gsize length)
{
  g_autofree guint8 *zeroes = g_malloc0 (length);

  blk_driver_assert_image (driver, offset, zeroes, length);
}

static void
test_read_write (gconstpointer iothread)
{
  BlkDriver driver;
  guint32 written;

  blk_driver_init (&driver, &(BlkDriverOptions){ .iothread = iothread != NULL });
  blk_driver_fill (&driver, BLK_DATA, 65536, 1);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_OUT, 8, BLK_DATA, 65536), ==, OK);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_FLUSH, 0, 0, 0), ==, OK);
  blk_driver_assert_image (&driver, 4096, blk_driver_at (&driver, BLK_DATA), 65536);

  blk_driver_add (&driver, 0, VIRTIO_BLK_T_IN, 8, BLK_DATA + 65536, 65536);
  blk_driver_kick (&driver, 0);
  g_assert_cmpuint (blk_driver_wait (&driver, 0, NULL, &written), ==, OK);
  g_assert_cmpuint (written, ==, 65537);
  g_assert_cmpmem (blk_driver_at (&driver, BLK_DATA), 65536,
                   blk_driver_at (&driver, BLK_DATA + 65536), 65536);
  g_assert_cmpuint (driver.n_irqs, >, 0);
  blk_driver_clear (&driver);
}

/* VIRTIO 1.2 §2.7.4: header, data and status may be split over descriptors in any way. */
static void
test_framing (gconstpointer iothread)
{
  guint64 header, status;
  BlkDriver driver;
  TestRing *ring;

  blk_driver_init (&driver, &(BlkDriverOptions){ .iothread = iothread != NULL });
  ring = &driver.rings[0];
  blk_driver_fill (&driver, BLK_DATA, 1024, 2);
  memmove ((guint8 *)blk_driver_at (&driver, BLK_HEADERS + 16), blk_driver_at (&driver, BLK_DATA),
           16);

  /* The header in three pieces, the last of which has the first 16 bytes of data too. */
  blk_driver_prepare (&driver, 0, 0, VIRTIO_BLK_T_OUT, 3, &header, &status);
  test_ring_desc (ring, 0, header, 1, VRING_DESC_F_NEXT, 1);
  test_ring_desc (ring, 1, header + 1, 9, VRING_DESC_F_NEXT, 2);
  test_ring_desc (ring, 2, header + 10, 22, VRING_DESC_F_NEXT, 3);
  test_ring_desc (ring, 3, BLK_DATA + 16, 1008, VRING_DESC_F_NEXT, 4);
  test_ring_desc (ring, 4, status, 1, VRING_DESC_F_WRITE, 0);
  test_ring_add (ring, 0);
  blk_driver_kick (&driver, 0);
  g_assert_cmpuint (blk_driver_wait (&driver, 0, NULL, NULL), ==, OK);
  blk_driver_assert_image (&driver, 3 * 512, blk_driver_at (&driver, BLK_DATA), 1024);

  /* Data in odd pieces, one of them across two ranges of RAM; the status behind the data. */
  blk_driver_prepare (&driver, 0, 0, VIRTIO_BLK_T_IN, 3, &header, &status);
  test_ring_desc (ring, 0, header, 16, VRING_DESC_F_NEXT, 1);
  test_ring_desc (ring, 1, RAM_HALF - 701, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 2);
  test_ring_desc (ring, 2, RAM_HALF - 700, 1024, VRING_DESC_F_WRITE, 0);
  *(guint8 *)blk_driver_at (&driver, RAM_HALF + 323) = 0xff;
  test_ring_add (ring, 0);
  blk_driver_kick (&driver, 0);
  blk_driver_wait (&driver, 0, NULL, NULL);
  g_assert_cmpuint (*(guint8 *)blk_driver_at (&driver, RAM_HALF + 323), ==, OK);
  g_assert_cmpmem (blk_driver_at (&driver, RAM_HALF - 701), 701, blk_driver_at (&driver, BLK_DATA),
                   701);
  g_assert_cmpmem (blk_driver_at (&driver, RAM_HALF), 323,
                   (guint8 *)blk_driver_at (&driver, BLK_DATA) + 701, 323);
  blk_driver_clear (&driver);
}

static void
test_get_id (gconstpointer iothread)
{
  BlkDriver driver;
  guint32 written;

  blk_driver_init (&driver, &(BlkDriverOptions){ .iothread = iothread != NULL,
                                                 .device = "{'serial': 'disk-0815'}" });
  memset (blk_driver_at (&driver, BLK_DATA), 0xff, 21);
  blk_driver_add (&driver, 0, VIRTIO_BLK_T_GET_ID, 0, BLK_DATA, VIRTIO_BLK_ID_BYTES);
  blk_driver_kick (&driver, 0);
  g_assert_cmpuint (blk_driver_wait (&driver, 0, NULL, &written), ==, OK);
  g_assert_cmpuint (written, ==, 21);
  g_assert_cmpmem (blk_driver_at (&driver, BLK_DATA), 21, "disk-0815\0\0\0\0\0\0\0\0\0\0\0\xff",
                   21);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_GET_ID, 0, BLK_DATA, 19), ==, IOERR);
  blk_driver_clear (&driver);
}

static void
set_ranges (BlkDriver *driver, guint n, guint64 sector, guint32 sectors, guint32 flags)
{
  struct virtio_blk_discard_write_zeroes *range = blk_driver_at (driver, BLK_DATA);

  range[n].sector = GUINT64_TO_LE (sector);
  range[n].num_sectors = GUINT32_TO_LE (sectors);
  range[n].flags = GUINT32_TO_LE (flags);
}

static void
test_ranges (gconstpointer iothread)
{
  const guint64 data = BLK_DATA + 4096;
  BlkDriver driver;

  blk_driver_init (
      &driver, &(BlkDriverOptions){ .iothread = iothread != NULL, .node = "{'discard': 'unmap'}" });
  blk_driver_fill (&driver, data, 262144, 3);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_OUT, 0, data, 262144), ==, OK);

  set_ranges (&driver, 0, 8, 8, 0);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_DISCARD, 0, BLK_DATA, 16), ==, OK);
  blk_driver_assert_image (&driver, 0, blk_driver_at (&driver, data), 4096);
  assert_zero_image (&driver, 4096, 4096);
  blk_driver_assert_image (&driver, 8192, blk_driver_at (&driver, data + 8192), 4096);

  /* Several ranges in one request; the third is at the very end. */
  set_ranges (&driver, 0, 100, 3, 0);
  set_ranges (&driver, 1, 200, 5, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
  set_ranges (&driver, 2, MIB / 512 - 1, 1, 0);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_WRITE_ZEROES, 0, BLK_DATA, 48), ==,
                    OK);
  blk_driver_assert_image (&driver, 99 * 512, blk_driver_at (&driver, data + 99 * 512), 512);
  assert_zero_image (&driver, 100 * 512, 3 * 512);
  blk_driver_assert_image (&driver, 103 * 512, blk_driver_at (&driver, data + 103 * 512), 97 * 512);
  assert_zero_image (&driver, 200 * 512, 5 * 512);
  blk_driver_assert_image (&driver, 205 * 512, blk_driver_at (&driver, data + 205 * 512), 512);

  /* Refused: nothing, half a range, too many, beyond the end, overflow, unknown flags. */
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_DISCARD, 0, 0, 0), ==, IOERR);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_DISCARD, 0, BLK_DATA, 24), ==, IOERR);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_DISCARD, 0, BLK_DATA, 16 * 17), ==,
                    IOERR);
  set_ranges (&driver, 0, MIB / 512, 1, 0);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_DISCARD, 0, BLK_DATA, 16), ==, IOERR);
  set_ranges (&driver, 0, G_MAXUINT64 / 512 + 1, 1, 0);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_WRITE_ZEROES, 0, BLK_DATA, 16), ==,
                    IOERR);
  set_ranges (&driver, 0, 0, G_MAXUINT32, 0);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_WRITE_ZEROES, 0, BLK_DATA, 16), ==,
                    IOERR);
  set_ranges (&driver, 0, 0, 1, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_DISCARD, 0, BLK_DATA, 16), ==, UNSUPP);
  set_ranges (&driver, 0, 0, 1, 2);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_WRITE_ZEROES, 0, BLK_DATA, 16), ==,
                    UNSUPP);
  blk_driver_assert_image (&driver, 0, blk_driver_at (&driver, data), 512);
  blk_driver_clear (&driver);
}

static void
test_ranges_off (gconstpointer iothread)
{
  BlkDriver driver;

  blk_driver_init (&driver,
                   &(BlkDriverOptions){ .iothread = iothread != NULL,
                                        .device = "{'discard': false, 'write-zeroes': 'off'}" });
  g_assert_cmphex (driver.features
                       & (FEATURE (VIRTIO_BLK_F_DISCARD) | FEATURE (VIRTIO_BLK_F_WRITE_ZEROES)),
                   ==, 0);
  set_ranges (&driver, 0, 0, 1, 0);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_DISCARD, 0, BLK_DATA, 16), ==, UNSUPP);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_WRITE_ZEROES, 0, BLK_DATA, 16), ==,
                    UNSUPP);
  blk_driver_clear (&driver);
}

static void
test_refused (gconstpointer iothread)
{
  BlkDriver driver;

  blk_driver_init (&driver, &(BlkDriverOptions){ .iothread = iothread != NULL });
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, MIB / 512, BLK_DATA, 512), ==,
                    IOERR);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, MIB / 512 - 1, BLK_DATA, 1024), ==,
                    IOERR);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_OUT, G_MAXUINT64, BLK_DATA, 512), ==,
                    IOERR);
  g_assert_cmpuint (
      blk_driver_run (&driver, 0, VIRTIO_BLK_T_OUT, G_MAXUINT64 / 512 + 1, BLK_DATA, 512), ==,
      IOERR);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_OUT, 0, BLK_DATA, 511), ==, IOERR);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, 0, BLK_DATA, 513), ==, IOERR);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_SCSI_CMD, 0, BLK_DATA, 512), ==,
                    UNSUPP);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_SECURE_ERASE, 0, BLK_DATA, 16), ==,
                    UNSUPP);
  g_assert_cmpuint (blk_driver_run (&driver, 0, 0xffffffff, 0, BLK_DATA, 512), ==, UNSUPP);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, 0, BLK_DATA, 512), ==, OK);
  g_assert_false (blk_driver_is_broken (&driver));
  blk_driver_clear (&driver);
}

/* Chains that are no requests: the device asks for a reset, and works again after it. */
static void
test_malformed (gconstpointer iothread)
{
  static const struct
  {
    guint32 header;
    gboolean status;
  } chains[] = { { 16, FALSE }, { 15, TRUE }, { 0, TRUE } };
  BlkDriver driver;

  blk_driver_init (&driver, &(BlkDriverOptions){ .iothread = iothread != NULL });
  for (guint i = 0; i < G_N_ELEMENTS (chains); i++)
    {
      TestRing *ring = &driver.rings[0];
      guint64 header, status;
      guint16 n = 0;

      blk_driver_prepare (&driver, 0, 0, VIRTIO_BLK_T_IN, 0, &header, &status);
      if (chains[i].header)
        {
          test_ring_desc (ring, n, header, chains[i].header,
                          chains[i].status ? VRING_DESC_F_NEXT : 0, 1);
          n++;
        }
      if (chains[i].status)
        test_ring_desc (ring, n, status, 1, VRING_DESC_F_WRITE, 0);
      test_ring_add (ring, 0);
      blk_driver_kick (&driver, 0);
      while (!blk_driver_is_broken (&driver))
        g_main_context_iteration (NULL, TRUE);
      g_assert_cmpuint (blk_driver_get_status (&driver, 0, 0), ==, 0xff);

      blk_driver_start (&driver, 0);
      g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, 0, BLK_DATA, 512), ==, OK);
    }
  blk_driver_clear (&driver);
}

static void
test_read_only (gconstpointer iothread)
{
  BlkDriver driver;

  blk_driver_init (
      &driver, &(BlkDriverOptions){ .iothread = iothread != NULL, .node = "{'read-only': true}" });
  g_assert_cmphex (driver.features & (FEATURE (VIRTIO_BLK_F_RO) | FEATURE (VIRTIO_BLK_F_DISCARD)),
                   ==, FEATURE (VIRTIO_BLK_F_RO));
  blk_driver_fill (&driver, BLK_DATA, 512, 4);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_OUT, 0, BLK_DATA, 512), ==, IOERR);
  assert_zero_image (&driver, 0, 512);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, 0, BLK_DATA, 512), ==, OK);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_FLUSH, 0, 0, 0), ==, OK);
  blk_driver_clear (&driver);
}

/* A full ring with one kick, and with EVENT_IDX no more interrupts than asked for. */
static void
test_batch (gconstpointer iothread)
{
  const guint n = (BLK_RING_SIZE - 2) / 3;
  SvBlockStats stats;
  BlkDriver driver;
  guint seen = 0;

  blk_driver_init (&driver, &(BlkDriverOptions){ .iothread = iothread != NULL });
  g_assert_cmphex (driver.features & F_EVENT_IDX, !=, 0);
  blk_driver_fill (&driver, BLK_DATA, n * 4096, 5);
  test_ring_set_used_event (&driver.rings[0], n - 1);
  for (guint i = 0; i < n; i++)
    blk_driver_add (&driver, 0, VIRTIO_BLK_T_OUT, i * 8, BLK_DATA + i * 4096, 4096);
  blk_driver_kick (&driver, 0);
  while (test_ring_used_idx (&driver.rings[0]) != n)
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < n; i++)
    {
      guint16 head;

      g_assert_cmpuint (blk_driver_wait (&driver, 0, &head, NULL), ==, OK);
      seen += head / 3;
    }
  g_assert_cmpuint (seen, ==, n * (n - 1) / 2);
  /* One for the device's first buffer, whose interrupt is always sent, and the one asked for. */
  g_assert_cmpuint (driver.n_irqs, <=, 2);
  blk_driver_assert_image (&driver, 0, blk_driver_at (&driver, BLK_DATA), n * 4096);
  sv_block_node_get_stats (driver.node, &stats);
  g_assert_cmpuint (stats.ops[SV_BLOCK_WRITE], ==, n);
  g_assert_cmpuint (stats.bytes[SV_BLOCK_WRITE], ==, n * 4096);
  blk_driver_clear (&driver);
}

/* The disk fills up: the guest is told, and goes on. */
static void
test_host_error (gconstpointer iothread)
{
  struct rlimit before, small;
  SvBlockStats stats;
  BlkDriver driver;

  blk_driver_init (&driver, &(BlkDriverOptions){ .iothread = iothread != NULL });
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_FLUSH, 0, 0, 0), ==, OK);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  small = before;
  small.rlim_cur = 4096;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_OUT, 64, BLK_DATA, 512), ==, IOERR);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_OUT, 64, BLK_DATA, 512), ==, OK);
  sv_block_node_get_stats (driver.node, &stats);
  g_assert_cmpuint (stats.failed[SV_BLOCK_WRITE], ==, 1);
  blk_driver_clear (&driver);
}

static const BlkTest tests[] = {
  { "read-write", test_read_write },
  { "framing", test_framing },
  { "get-id", test_get_id },
  { "ranges", test_ranges },
  { "ranges-off", test_ranges_off },
  { "refused", test_refused },
  { "malformed", test_malformed },
  { "read-only", test_read_only },
  { "batch", test_batch },
  { "host-error", test_host_error },
};

int
main (int argc, char **argv)
{
  return blk_tests_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
