/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to an image: reads and writes of every shape, with each engine, with and without O_DIRECT. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "src/block/sv-block-file-queue.h"
#include "tests/unit/block-variants.h"

#define MIB (1024 * 1024)

static void
test_read_write (gconstpointer data)
{
  const BlockVariant *variant = data;
  guint8 *out = block_test_alloc (MIB, 1);
  guint8 *in = block_test_alloc (MIB, 0);
  BlockFixture fixture;
  SvBlockStats stats;
  guint8 *peek;

  block_variant_set_up (&fixture, variant, 4 * MIB);
  g_assert_cmpuint (sv_block_node_get_size (fixture.node), ==, 4 * MIB);
  g_assert_cmpstr (sv_block_file_queue_get_engine (fixture.queue), ==, "none");

  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, MIB, out, MIB), ==, 0);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_FLUSH, 0, NULL, 0), ==, 0);
  g_assert_cmpstr (sv_block_file_queue_get_engine (fixture.queue), ==,
                   variant->aio == SV_BLOCK_AIO_THREADS ? "threads" : "io_uring");
  peek = block_fixture_peek (&fixture, MIB, MIB);
  g_assert_cmpmem (peek, MIB, out, MIB);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, MIB, in, MIB), ==, 0);
  g_assert_cmpmem (in, MIB, out, MIB);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, 4 * MIB - 512, in, 512), ==, 0);
  block_test_assert_zero (in, 512);

  sv_block_node_get_stats (fixture.node, &stats);
  g_assert_cmpuint (stats.ops[SV_BLOCK_READ], ==, 2);
  g_assert_cmpuint (stats.bytes[SV_BLOCK_READ], ==, MIB + 512);
  g_assert_cmpuint (stats.ops[SV_BLOCK_WRITE], ==, 1);
  g_assert_cmpuint (stats.bytes[SV_BLOCK_WRITE], ==, MIB);
  g_assert_cmpuint (stats.ops[SV_BLOCK_FLUSH], ==, 1);
  g_assert_cmpuint (stats.time_ns[SV_BLOCK_WRITE], >, 0);
  g_assert_cmpuint (stats.failed[SV_BLOCK_READ], ==, 0);

  free (peek);
  free (in);
  free (out);
  block_fixture_tear_down (&fixture);
}

/* Pieces at odd addresses, larger together than a bounce buffer. */
static void
test_misaligned (gconstpointer data)
{
  const gsize lengths[] = { 1, 511, 7, 4096 - 7, 300000, 3 * 4096 + 5, 1000 };
  gsize total = 400 * 1024;
  guint8 *out = block_test_alloc (total + 64, 2);
  guint8 *in = block_test_alloc (total + 64, 0);
  struct iovec iov[2][G_N_ELEMENTS (lengths) + 1];
  BlockFixture fixture;
  guint8 *peek;

  block_variant_set_up (&fixture, data, MIB);
  for (guint write = 0; write < 2; write++)
    {
      guint8 *at = (write ? out : in) + 3;
      gsize left = total;

      for (guint i = 0; i < G_N_ELEMENTS (iov[0]); i++)
        {
          iov[write][i].iov_base = at;
          iov[write][i].iov_len = i < G_N_ELEMENTS (lengths) ? lengths[i] : left;
          at += iov[write][i].iov_len;
          left -= iov[write][i].iov_len;
        }
      g_assert_cmpuint (left, ==, 0);
    }

  g_assert_cmpint (
      block_fixture_run_full (&fixture, &(SvBlockRequest){ .op = SV_BLOCK_WRITE,
                                                           .offset = 8192,
                                                           .length = total,
                                                           .iov = iov[1],
                                                           .n_iov = G_N_ELEMENTS (iov[1]) }),
      ==, 0);
  peek = block_fixture_peek (&fixture, 8192, total);
  g_assert_cmpmem (peek, total, out + 3, total);
  g_assert_cmpint (
      block_fixture_run_full (&fixture, &(SvBlockRequest){ .op = SV_BLOCK_READ,
                                                           .offset = 8192,
                                                           .length = total,
                                                           .iov = iov[0],
                                                           .n_iov = G_N_ELEMENTS (iov[0]) }),
      ==, 0);
  g_assert_cmpmem (in + 3, total, out + 3, total);
  free (peek);
  free (in);
  free (out);
  block_fixture_tear_down (&fixture);
}

/* Sectors, whatever the alignment that the disk wants. */
static void
test_sectors (gconstpointer data)
{
  guint8 *out = block_test_alloc (16 * 512, 3);
  guint8 *in = block_test_alloc (16 * 512, 0);
  BlockFixture fixture;
  guint8 *peek;

  block_variant_set_up (&fixture, data, MIB);
  for (guint i = 0; i < 16; i++)
    g_assert_cmpint (
        block_fixture_run (&fixture, SV_BLOCK_WRITE, 4096 + i * 512, out + i * 512, 512), ==, 0);
  peek = block_fixture_peek (&fixture, 4096, 16 * 512);
  g_assert_cmpmem (peek, 16 * 512, out, 16 * 512);
  for (guint i = 0; i < 16; i++)
    g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, 4096 + i * 512, in + i * 512, 512),
                     ==, 0);
  g_assert_cmpmem (in, 16 * 512, out, 16 * 512);
  free (peek);
  free (in);
  free (out);
  block_fixture_tear_down (&fixture);
}

typedef struct
{
  SvBlockRequest request;
  struct iovec iov;
  guint *n_done;
  int result;
} BatchRequest;

static void
batch_request_done (SvBlockRequest *request, int result)
{
  BatchRequest *batch = (BatchRequest *)request;

  batch->result = result;
  (*batch->n_done)++;
}

static void
count_batch (gpointer data)
{
  (*(guint *)data)++;
}

/* More requests than the queue is deep, more misaligned ones than there are bounce buffers. */
static void
test_batch (gconstpointer data)
{
  const guint n = 3 * BLOCK_TEST_DEPTH;
  g_autofree BatchRequest *requests = g_new0 (BatchRequest, n);
  guint8 *out = block_test_alloc (n * 4096 + 1, 4);
  BlockFixture fixture;
  guint n_done = 0;
  guint n_batches = 0;
  guint8 *peek;

  block_variant_set_up (&fixture, data, n * 4096);
  sv_block_queue_set_batch_func (fixture.queue, count_batch, &n_batches);
  for (guint i = 0; i < n; i++)
    {
      requests[i].iov = (struct iovec){ out + 1 + i * 4096, 4096 };
      requests[i].request = (SvBlockRequest){ .op = SV_BLOCK_WRITE,
                                              .offset = i * 4096,
                                              .length = 4096,
                                              .iov = &requests[i].iov,
                                              .n_iov = 1,
                                              .done = batch_request_done };
      requests[i].n_done = &n_done;
      sv_block_queue_submit (fixture.queue, &requests[i].request);
    }
  g_assert_cmpuint (n_done, ==, 0);
  g_assert_cmpuint (sv_block_queue_get_in_flight (fixture.queue), ==, n);
  sv_block_queue_kick (fixture.queue);
  while (n_done < n)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (n_batches, >, 0);
  g_assert_cmpuint (n_batches, <=, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (requests[i].result, ==, 0);
  peek = block_fixture_peek (&fixture, 0, n * 4096);
  g_assert_cmpmem (peek, n * 4096, out + 1, n * 4096);
  g_assert_cmpuint (sv_block_queue_get_in_flight (fixture.queue), ==, 0);

  /* Drain waits without the main loop. */
  n_done = 0;
  for (guint i = 0; i < n; i++)
    {
      requests[i].iov = (struct iovec){ out + 1 + i * 4096, 4096 };
      requests[i].request.op = SV_BLOCK_READ;
      requests[i].request.iov = &requests[i].iov;
      requests[i].request.n_iov = 1;
      sv_block_queue_submit (fixture.queue, &requests[i].request);
    }
  sv_block_queue_drain (fixture.queue);
  g_assert_cmpuint (n_done, ==, n);
  free (peek);
  free (out);
  block_fixture_tear_down (&fixture);
}

/* A file of 1,000 bytes is a disk of two sectors; the second one reads zero from byte 488 on. */
static void
test_short_file (gconstpointer data)
{
  guint8 *out = block_test_alloc (1024, 5);
  guint8 *in = block_test_alloc (1024, 6);
  BlockFixture fixture;
  guint8 *peek;
  int fd;

  block_variant_set_up (&fixture, data, 1000);
  g_assert_cmpuint (sv_block_node_get_size (fixture.node), ==, 1024);
  fd = open (fixture.path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (pwrite (fd, out, 1000, 0), ==, 1000);
  close (fd);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, 0, in, 1024), ==, 0);
  g_assert_cmpmem (in, 1000, out, 1000);
  block_test_assert_zero (in + 1000, 24);
  memset (in, 0xff, 512);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, 512, in, 512), ==, 0);
  g_assert_cmpmem (in, 488, out + 512, 488);
  block_test_assert_zero (in + 488, 24);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, 1024, in, 512), ==, -EINVAL);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, 512, in, 1024), ==, -EINVAL);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, G_MAXUINT64 - 511, in, 512), ==,
                   -EINVAL);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 512, out + 512, 512), ==, 0);
  peek = block_fixture_peek (&fixture, 0, 1024);
  g_assert_cmpmem (peek, 1024, out, 1024);
  free (peek);
  free (in);
  free (out);
  block_fixture_tear_down (&fixture);
}

/* The disk is full in the middle of a write: what fits is written, the request fails, the next
 * works. */
static void
test_full (gconstpointer data)
{
  guint8 *out = block_test_alloc (4 * 4096, 11);
  struct rlimit before, small;
  BlockFixture fixture;
  SvBlockStats stats;
  guint8 *peek;
  int result;

  block_variant_set_up (&fixture, data, 4 * 4096);
  /* Start the engine while there is no limit. */
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_FLUSH, 0, NULL, 0), ==, 0);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  small = before;
  small.rlim_cur = 2 * 4096;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  result = block_fixture_run_full (&fixture,
                                   &(SvBlockRequest){ .op = SV_BLOCK_WRITE,
                                                      .offset = 4096,
                                                      .length = 3 * 4096,
                                                      .iov = &(struct iovec){ out, 3 * 4096 },
                                                      .n_iov = 1 });
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_cmpint (result, ==, -EFBIG);
  peek = block_fixture_peek (&fixture, 4096, 4096);
  g_assert_cmpmem (peek, 4096, out, 4096);
  free (peek);

  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, out, 4 * 4096), ==, 0);
  sv_block_node_get_stats (fixture.node, &stats);
  g_assert_cmpuint (stats.failed[SV_BLOCK_WRITE], ==, 1);
  g_assert_cmpuint (stats.ops[SV_BLOCK_WRITE], ==, 1);
  peek = block_fixture_peek (&fixture, 0, 4 * 4096);
  g_assert_cmpmem (peek, 4 * 4096, out, 4 * 4096);
  free (peek);
  free (out);
  block_fixture_tear_down (&fixture);
}

static void
test_read_only (gconstpointer data)
{
  const BlockVariant *variant = data;
  guint8 *buffer = block_test_alloc (512, 12);
  BlockFixture fixture;
  guint8 *peek;

  block_fixture_set_up (&fixture, 4096, "aio", variant->aio, "read-only", TRUE, NULL);
  g_assert_true (sv_block_node_is_read_only (fixture.node));
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, buffer, 512), ==, -EROFS);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE_ZEROES, 0, NULL, 512), ==, -EROFS);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_DISCARD, 0, NULL, 512), ==, -EROFS);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, 0, buffer, 512), ==, 0);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_FLUSH, 0, NULL, 0), ==, 0);
  block_test_assert_zero (buffer, 512);
  peek = block_fixture_peek (&fixture, 0, 4096);
  block_test_assert_zero (peek, 4096);
  free (peek);
  free (buffer);
  block_fixture_tear_down (&fixture);
}

static void
test_write_through (gconstpointer data)
{
  guint8 *out = block_test_alloc (4096, 13);
  BlockFixture fixture;
  guint8 *peek;

  block_variant_set_up (&fixture, data, 4096);
  g_assert_cmpint (
      block_fixture_run_full (&fixture, &(SvBlockRequest){ .op = SV_BLOCK_WRITE,
                                                           .fua = TRUE,
                                                           .length = 4096,
                                                           .iov = &(struct iovec){ out, 4096 },
                                                           .n_iov = 1 }),
      ==, 0);
  peek = block_fixture_peek (&fixture, 0, 4096);
  g_assert_cmpmem (peek, 4096, out, 4096);
  free (peek);
  free (out);
  block_fixture_tear_down (&fixture);
}

/* A queue in flight is freed: it waits. */
static void
test_free_in_flight (gconstpointer data)
{
  guint8 *out = block_test_alloc (8 * 4096, 14);
  BatchRequest requests[8] = { 0 };
  BlockFixture fixture;
  guint n_done = 0;

  block_variant_set_up (&fixture, data, MIB);
  for (guint i = 0; i < 8; i++)
    {
      requests[i].n_done = &n_done;
      requests[i].iov = (struct iovec){ out + i * 4096, 4096 };
      requests[i].request = (SvBlockRequest){ .op = SV_BLOCK_WRITE,
                                              .offset = i * 4096,
                                              .length = 4096,
                                              .iov = &requests[i].iov,
                                              .n_iov = 1,
                                              .done = batch_request_done };
      sv_block_queue_submit (fixture.queue, &requests[i].request);
      if (i == 4)
        sv_block_queue_kick (fixture.queue);
    }
  g_clear_pointer (&fixture.queue, sv_block_queue_free);
  g_assert_cmpuint (n_done, ==, 8);
  free (out);
  block_fixture_tear_down (&fixture);
}

static const BlockVariantTest tests[] = {
  { "read-write", test_read_write },
  { "misaligned", test_misaligned },
  { "sectors", test_sectors },
  { "batch", test_batch },
  { "short-file", test_short_file },
  { "full", test_full },
  { "read-only", test_read_only },
  { "write-through", test_write_through },
  { "free-in-flight", test_free_in_flight },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  block_variant_add_tests (tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
