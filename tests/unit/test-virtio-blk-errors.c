/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a disk does when the host fails: rerror and werror. */

#include <errno.h>
#include <linux/virtio_blk.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "hw/virtio/sv-virtio-blk-errors.h"
#include "tests/unit/blk-driver.h"

#define SECTOR 64

static struct rlimit before;

/* Writes beyond the first page fail from now on. */
static void
break_writes (void)
{
  struct rlimit small;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  small = before;
  small.rlim_cur = 4096;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
}

static void
mend_writes (void)
{
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
}

static void
set_up (BlkDriver *driver, gconstpointer iothread, const char *properties)
{
  blk_driver_init (driver,
                   &(BlkDriverOptions){ .iothread = iothread != NULL, .device = properties });
  g_assert_cmpuint (blk_driver_run (driver, 0, VIRTIO_BLK_T_FLUSH, 0, 0, 0), ==, VIRTIO_BLK_S_OK);
}

static void
check_status (gconstpointer iothread, const char *properties, guint8 status)
{
  BlkDriver driver;

  set_up (&driver, iothread, properties);
  break_writes ();
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_OUT, SECTOR, BLK_DATA, 512), ==, status);
  mend_writes ();
  blk_driver_clear (&driver);
}

static void
test_report (gconstpointer iothread)
{
  check_status (iothread, "{}", VIRTIO_BLK_S_IOERR);
  check_status (iothread, "{'werror': 'report'}", VIRTIO_BLK_S_IOERR);
  /* The disk is not full, the file is too large. */
  check_status (iothread, "{'werror': 'enospc'}", VIRTIO_BLK_S_IOERR);
}

static void
test_ignore (gconstpointer iothread)
{
  check_status (iothread, "{'werror': 'ignore'}", VIRTIO_BLK_S_OK);
}

static guint
count_failed (BlkDriver *driver)
{
  SvBlockStats stats;

  sv_block_node_get_stats (driver->node, &stats);
  return stats.failed[SV_BLOCK_WRITE];
}

/* Three writes that fail; the VM would be stopped now. */
static void
park_three (BlkDriver *driver)
{
  break_writes ();
  for (guint i = 0; i < 3; i++)
    {
      memset (blk_driver_at (driver, BLK_DATA + i * 512), 'a' + i, 512);
      blk_driver_add (driver, 0, VIRTIO_BLK_T_OUT, SECTOR + i, BLK_DATA + i * 512, 512);
    }
  blk_driver_kick (driver, 0);
  while (count_failed (driver) < 3)
    g_main_context_iteration (NULL, FALSE);
  sv_device_quiesce (SV_DEVICE (driver->device));
  mend_writes ();
}

static void
test_stop (gconstpointer iothread)
{
  g_autofree char *content = NULL;
  BlkDriver driver;
  gsize size;

  set_up (&driver, iothread, "{'werror': 'stop'}");
  park_three (&driver);
  sv_device_resume (SV_DEVICE (driver.device));
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (blk_driver_wait (&driver, 0, NULL, NULL), ==, VIRTIO_BLK_S_OK);
  g_assert_true (g_file_get_contents (driver.path, &content, &size, NULL));
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (content[(SECTOR + i) * 512 + 511], ==, 'a' + i);
  blk_driver_clear (&driver);
}

/* A driver that resets the disk meanwhile has forgotten its requests. */
static void
test_stop_reset (gconstpointer iothread)
{
  BlkDriver driver;

  set_up (&driver, iothread, "{'werror': 'stop'}");
  park_three (&driver);
  sv_device_reset (SV_DEVICE (driver.device));
  sv_device_resume (SV_DEVICE (driver.device));
  blk_driver_start (&driver, 0);
  g_assert_cmpuint (blk_driver_run (&driver, 0, VIRTIO_BLK_T_IN, 0, BLK_DATA, 512), ==, VIRTIO_BLK_S_OK);
  blk_driver_clear (&driver);
}

/* Before the main thread hears of the first error, a guest can cause any number of them. */
static void
test_stop_once (gconstpointer iothread)
{
  SvVirtioBlkErrors errors = { .werror = SV_BLOCKDEV_ON_ERROR_STOP };
  BlkDriver driver;
  guint n_refs;

  set_up (&driver, iothread, "{}");
  errors.device = SV_DEVICE (driver.device);
  n_refs = G_OBJECT (driver.device)->ref_count;
  for (guint i = 0; i < 1000; i++)
    {
      g_assert_cmpint (sv_virtio_blk_errors_handle (&errors, SV_BLOCK_READ, EIO), ==,
                       SV_BLOCKDEV_ON_ERROR_REPORT);
      g_assert_cmpint (sv_virtio_blk_errors_handle (&errors, SV_BLOCK_WRITE, EIO), ==,
                       SV_BLOCKDEV_ON_ERROR_STOP);
    }
  /* Each message holds the device. */
  g_assert_cmpuint (G_OBJECT (driver.device)->ref_count, <=, n_refs + 2);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_cmpuint (G_OBJECT (driver.device)->ref_count, ==, n_refs);
  blk_driver_clear (&driver);
}

static void
test_wrong (gconstpointer iothread)
{
  g_autoptr (GError) error = NULL;
  BlkDriver driver;

  blk_driver_init (&driver, &(BlkDriverOptions){ 0 });
  g_assert_null (blk_driver_new_device (&driver, "{'werror': 'maybe'}", &error));
  g_assert_nonnull (strstr (error->message, "werror"));
  blk_driver_clear (&driver);
}

#define ADD(name, function)                                                                        \
  g_test_add_data_func ("/virtio/blk/errors/main/" name, NULL, function);                          \
  g_test_add_data_func ("/virtio/blk/errors/iothread/" name, "", function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("report", test_report);
  ADD ("ignore", test_ignore);
  ADD ("stop", test_stop);
  ADD ("stop-reset", test_stop_reset);
  ADD ("stop-once", test_stop_once);
  ADD ("wrong", test_wrong);
  return g_test_run ();
}
