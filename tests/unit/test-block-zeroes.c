/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Write-zeroes and discard on file systems that lack some of fallocate's modes. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/block-fixture.h"

#define SIZE (1024 * 1024u)

static void
assert_zero_range (const guint8 *image, const guint8 *before, gsize start, gsize length)
{
  g_assert_cmpmem (image, start, before, start);
  for (gsize i = start; i < start + length; i++)
    g_assert_cmpint (image[i], ==, 0);
  g_assert_cmpmem (image + start + length, SIZE - start - length, before + start + length,
                   SIZE - start - length);
}

/* A tmpfs knows holes, but not ranges of zeroes that are allocated. */
static void
test_tmpfs (gconstpointer aio)
{
  int fd = memfd_create ("disk", MFD_CLOEXEC);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  guint8 *data = block_test_alloc (SIZE, 1);
  guint8 *image = block_test_alloc (SIZE, 0);
  g_autoptr (GError) error = NULL;
  BlockFixture fixture = { 0 };
  struct stat status;

  g_assert_cmpint (ftruncate (fd, SIZE), ==, 0);
  fixture.node = block_test_open (path, &error, "discard", SV_BLOCK_DISCARD_UNMAP, "aio",
                                  GPOINTER_TO_INT (aio), NULL);
  g_assert_no_error (error);
  fixture.queue = sv_block_node_create_queue (fixture.node, NULL, 8, &error);
  g_assert_no_error (error);

  for (guint round = 0; round < 2; round++)
    {
      g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, data, SIZE), ==, 0);
      g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE_ZEROES, 65536, NULL, SIZE / 2),
                       ==, 0);
      g_assert_cmpint (pread (fd, image, SIZE, 0), ==, SIZE);
      assert_zero_range (image, data, 65536, SIZE / 2);
      g_assert_cmpint (fstat (fd, &status), ==, 0);
      g_assert_cmpint (status.st_blocks * 512, ==, SIZE);
    }
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_DISCARD, 0, NULL, SIZE / 2), ==, 0);
  g_assert_cmpint (fstat (fd, &status), ==, 0);
  g_assert_cmpint (status.st_blocks * 512, ==, SIZE / 2);

  sv_block_queue_free (fixture.queue);
  g_object_unref (fixture.node);
  close (fd);
  free (image);
  free (data);
}

/* Nothing but write: zeroes are written, discard does nothing. */
static void
test_no_fallocate (gconstpointer direct)
{
  guint8 *data = block_test_alloc (SIZE, 2);
  BlockFixture fixture;
  guint8 *image;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      free (data);
      return;
    }
  block_test_forbid (SYS_fallocate, EOPNOTSUPP);
  block_fixture_set_up (&fixture, SIZE, "aio", SV_BLOCK_AIO_THREADS, "discard",
                        SV_BLOCK_DISCARD_UNMAP, "cache-direct", direct != NULL, NULL);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, data, SIZE), ==, 0);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_DISCARD, 0, NULL, SIZE), ==, 0);
  for (guint may_unmap = 0; may_unmap < 2; may_unmap++)
    {
      /* Larger than what is written at a time, and less than a block at both ends. */
      SvBlockRequest request = { .op = SV_BLOCK_WRITE_ZEROES,
                                 .may_unmap = may_unmap,
                                 .fua = TRUE,
                                 .offset = 512,
                                 .length = SIZE - 2048 };

      g_assert_cmpint (block_fixture_run_full (&fixture, &request), ==, 0);
      image = block_fixture_peek (&fixture, 0, SIZE);
      assert_zero_range (image, data, 512, SIZE - 2048);
      free (image);
      g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, data, SIZE), ==, 0);
    }
  block_fixture_tear_down (&fixture);
  free (data);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/block/zeroes/tmpfs/io_uring", GINT_TO_POINTER (SV_BLOCK_AIO_IO_URING),
                        test_tmpfs);
  g_test_add_data_func ("/block/zeroes/tmpfs/threads", GINT_TO_POINTER (SV_BLOCK_AIO_THREADS),
                        test_tmpfs);
  g_test_add_data_func ("/block/zeroes/no-fallocate/cached", NULL, test_no_fallocate);
  g_test_add_data_func ("/block/zeroes/no-fallocate/direct", "direct", test_no_fallocate);
  return g_test_run ();
}
