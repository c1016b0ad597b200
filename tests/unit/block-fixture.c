/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/unit/block-fixture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

typedef struct
{
  SvBlockRequest request;
  gboolean is_done;
  int result;
} TestRequest;

static void
request_done (SvBlockRequest *request, int result)
{
  TestRequest *test = (TestRequest *)request;

  g_assert_false (test->is_done);
  test->is_done = TRUE;
  test->result = result;
}

char *
block_test_make_file (guint64 size)
{
  char *path = g_build_filename (g_test_get_dir (G_TEST_BUILT), "block-XXXXXX", NULL);
  int fd = g_mkstemp (path);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (ftruncate (fd, size), ==, 0);
  close (fd);
  return path;
}

static SvBlockNode *
open_valist (const char *path, GError **error, const char *first_property, va_list args)
{
  g_autoptr (SvBlockNode) node = g_object_new (SV_TYPE_BLOCK_FILE, "filename", path, NULL);

  if (first_property)
    g_object_set_valist (G_OBJECT (node), first_property, args);
  return sv_object_complete (SV_OBJECT (node), error) ? g_steal_pointer (&node) : NULL;
}

SvBlockNode *
block_test_open (const char *path, GError **error, const char *first_property, ...)
{
  SvBlockNode *node;
  va_list args;

  va_start (args, first_property);
  node = open_valist (path, error, first_property, args);
  va_end (args);
  return node;
}

void
block_fixture_set_up (BlockFixture *self, guint64 size, const char *first_property, ...)
{
  g_autoptr (GError) error = NULL;
  va_list args;

  self->path = block_test_make_file (size);
  va_start (args, first_property);
  self->node = open_valist (self->path, &error, first_property, args);
  va_end (args);
  g_assert_no_error (error);
  self->queue = sv_block_node_create_queue (self->node, NULL, BLOCK_TEST_DEPTH, &error);
  g_assert_no_error (error);
}

void
block_fixture_tear_down (BlockFixture *self)
{
  g_clear_pointer (&self->queue, sv_block_queue_free);
  g_assert_finalize_object (self->node);
  g_unlink (self->path);
  g_free (self->path);
}

int
block_fixture_run_full (BlockFixture *self, SvBlockRequest *request)
{
  TestRequest test = { .request = *request };

  test.request.done = request_done;
  sv_block_queue_submit (self->queue, &test.request);
  g_assert_false (test.is_done);
  sv_block_queue_kick (self->queue);
  while (!test.is_done)
    g_main_context_iteration (NULL, TRUE);
  return test.result;
}

int
block_fixture_run (
    BlockFixture *self, SvBlockOp op, guint64 offset, gpointer buffer, guint64 length)
{
  struct iovec iov = { buffer, length };
  SvBlockRequest request
      = { .op = op, .offset = offset, .length = length, .iov = &iov, .n_iov = 1 };

  return block_fixture_run_full (self, &request);
}

guint8 *
block_test_alloc (gsize size, guint seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  guint8 *buffer = aligned_alloc (4096, (size + 4095) / 4096 * 4096);

  g_assert_nonnull (buffer);
  for (gsize i = 0; i < size; i++)
    buffer[i] = seed ? g_rand_int (rand) : 0;
  return buffer;
}

guint8 *
block_fixture_peek (BlockFixture *self, guint64 offset, gsize size)
{
  guint8 *buffer = block_test_alloc (size, 0);
  int fd = open (self->path, O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (pread (fd, buffer, size, offset), ==, size);
  close (fd);
  return buffer;
}

void
block_test_forbid (guint number, int error)
{
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = { G_N_ELEMENTS (filter), filter };

  g_assert_cmpint (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
  g_assert_cmpint (prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==, 0);
}
