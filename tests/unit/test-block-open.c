/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opening images: what is refused and how, locks, io_uring forbidden, and images that grow. */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/block/sv-block-file-queue.h"
#include "tests/unit/block-fixture.h"

/* A file that even root cannot open for writing, nor with O_DIRECT. */
#define READ_ONLY_FILE "/proc/sys/kernel/ostype"

static void
assert_refused (const char *path, const char *message, const char *property, gboolean value)
{
  g_autoptr (GError) error = NULL;
  SvBlockNode *node = block_test_open (path, &error, property, value, NULL);

  g_assert_null (node);
  g_assert_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_OPEN);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, message));
}

static void
test_refused (void)
{
  g_autofree char *path = block_test_make_file (0);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  assert_refused ("/nonexistent/disk.img", "No such file", NULL, FALSE);
  assert_refused (folder, "directory", NULL, FALSE);
  assert_refused (folder, "directory", "read-only", TRUE);
  assert_refused ("/dev/null", "character device", NULL, FALSE);
  assert_refused (READ_ONLY_FILE, "read-only=on", NULL, FALSE);

  g_unlink (path);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  assert_refused (path, "pipe", NULL, FALSE);
  assert_refused (path, "pipe", "read-only", TRUE);
  g_unlink (path);

  g_assert_null (block_test_open (NULL, &error, NULL));
  g_assert_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "filename"));
}

static void
test_no_direct (void)
{
  g_autoptr (GError) error = NULL;
  SvBlockNode *node
      = block_test_open (READ_ONLY_FILE, &error, "read-only", TRUE, "cache-direct", TRUE, NULL);

  g_assert_null (node);
  g_assert_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_OPEN);
  g_assert_nonnull (strstr (error->message, "cache.direct=off"));
}

static void
test_auto_read_only (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SvBlockNode) node
      = block_test_open (READ_ONLY_FILE, &error, "auto-read-only", TRUE, NULL);

  g_assert_no_error (error);
  g_assert_true (sv_block_node_is_read_only (node));
}

static void
test_not_open (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SvBlockNode) node
      = g_object_new (SV_TYPE_BLOCK_FILE, "filename", READ_ONLY_FILE, NULL);
  g_autoptr (SvObject) root = sv_object_new_container ();

  sv_object_add_child (root, "disk0", SV_OBJECT (node), &error);
  g_assert_no_error (error);
  g_assert_null (sv_block_node_create_queue (node, NULL, 1, &error));
  g_assert_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "disk0"));
}

static void
assert_locked (const char *path, gboolean read_only)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (block_test_open (path, &error, "read-only", read_only, NULL));
  g_assert_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_LOCKED);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, "another drive or process"));
}

static void
test_lock (void)
{
  g_autofree char *path = block_test_make_file (4096);
  g_autoptr (GError) error = NULL;
  g_autoptr (SvBlockNode) first = block_test_open (path, &error, NULL);
  g_autoptr (SvBlockNode) second = NULL;

  g_assert_no_error (error);
  assert_locked (path, FALSE);
  assert_locked (path, TRUE);
  second = block_test_open (path, &error, "locking", SV_BLOCK_LOCKING_OFF, NULL);
  g_assert_no_error (error);
  g_clear_object (&second);
  assert_locked (path, FALSE);
  g_clear_object (&first);

  first = block_test_open (path, &error, "read-only", TRUE, NULL);
  g_assert_no_error (error);
  second = block_test_open (path, &error, "read-only", TRUE, "locking", SV_BLOCK_LOCKING_ON, NULL);
  g_assert_no_error (error);
  assert_locked (path, FALSE);
  g_clear_object (&first);
  assert_locked (path, FALSE);
  g_clear_object (&second);
  first = block_test_open (path, &error, NULL);
  g_assert_no_error (error);
  g_unlink (path);
}

/* A process that is killed leaves no lock behind. */
static void
test_lock_killed (void)
{
  g_autofree char *path = block_test_make_file (4096);
  g_autoptr (GError) error = NULL;
  SvBlockNode *node;
  int ends[2];
  char byte;
  pid_t pid;

  g_assert_cmpint (pipe (ends), ==, 0);
  pid = fork ();
  if (pid == 0)
    {
      if (block_test_open (path, NULL, NULL) && write (ends[1], "x", 1) == 1)
        pause ();
      _exit (1);
    }
  close (ends[1]);
  g_assert_cmpint (read (ends[0], &byte, 1), ==, 1);
  close (ends[0]);
  assert_locked (path, FALSE);
  kill (pid, SIGKILL);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  node = block_test_open (path, &error, NULL);
  g_assert_no_error (error);
  g_assert_finalize_object (node);
  g_unlink (path);
}

/* Where io_uring is forbidden or missing, threads do the work, unasked. */
static void
test_no_io_uring (void)
{
  BlockFixture fixture;
  guint8 *out, *in;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }
  block_test_forbid (SYS_io_uring_setup, ENOSYS);
  out = block_test_alloc (4096, 1);
  in = block_test_alloc (4096, 0);
  block_fixture_set_up (&fixture, 4096, NULL);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_WRITE, 0, out, 4096), ==, 0);
  g_assert_cmpstr (sv_block_file_queue_get_engine (fixture.queue), ==, "threads");
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, 0, in, 4096), ==, 0);
  g_assert_cmpmem (in, 4096, out, 4096);
  free (in);
  free (out);
  block_fixture_tear_down (&fixture);
}

/* The descriptor of the only ring of this process */
static int
find_ring (void)
{
  int found = -1;

  for (int fd = 0; fd < 1024; fd++)
    {
      g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
      g_autofree char *target = g_file_read_link (link, NULL);

      if (g_strcmp0 (target, "anon_inode:[io_uring]") == 0)
        {
          g_assert_cmpint (found, ==, -1);
          found = fd;
        }
    }
  return found;
}

/* A ring takes no other orders than those for disks, nor new rules. */
static void
test_restricted_ring (void)
{
  BlockFixture fixture;
  guint8 buffer[4096];

  block_fixture_set_up (&fixture, 4096, NULL);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, 0, buffer, 4096), ==, 0);
  g_assert_cmpstr (sv_block_file_queue_get_engine (fixture.queue), ==, "io_uring");
  g_assert_cmpint (
      syscall (SYS_io_uring_register, find_ring (), IORING_UNREGISTER_EVENTFD, NULL, 0), ==, -1);
  g_assert_cmpint (errno, ==, EACCES);
  block_fixture_tear_down (&fixture);
}

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer data)
{
  (*(guint *)data)++;
}

static void
test_grow (void)
{
  g_autoptr (GError) error = NULL;
  BlockFixture fixture;
  guint8 buffer[512];
  guint n = 0;

  block_fixture_set_up (&fixture, 4096, NULL);
  g_signal_connect (fixture.node, "notify::size", G_CALLBACK (count_notify), &n);
  g_assert_true (sv_block_node_refresh_size (fixture.node, &error));
  g_assert_cmpuint (n, ==, 0);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, 8192 - 512, buffer, 512), ==,
                   -EINVAL);
  g_assert_cmpint (truncate (fixture.path, 8192), ==, 0);
  g_assert_true (sv_block_node_refresh_size (fixture.node, &error));
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (sv_block_node_get_size (fixture.node), ==, 8192);
  g_assert_cmpint (block_fixture_run (&fixture, SV_BLOCK_READ, 8192 - 512, buffer, 512), ==, 0);
  block_fixture_tear_down (&fixture);
}

static void
test_properties (void)
{
  static const struct
  {
    const char *name;
    const char *value;
    gboolean ok;
  } values[] = {
    { "aio", "threads", TRUE },     { "aio", "io_uring", TRUE },
    { "aio", "native", TRUE },      { "aio", "posix", FALSE },
    { "discard", "unmap", TRUE },   { "discard", "ignore", TRUE },
    { "discard", "on", TRUE },      { "discard", "off", TRUE },
    { "discard", "maybe", FALSE },  { "detect-zeroes", "unmap", TRUE },
    { "locking", "auto", TRUE },    { "locking", "off", TRUE },
    { "cache.direct", "on", TRUE }, { "cache.no-flush", "off", TRUE },
    { "read-only", "on", TRUE },    { "auto-read-only", "off", TRUE },
    { "size", "1", FALSE },         { "cache.directly", "on", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (SvObject) node = g_object_new (SV_TYPE_BLOCK_FILE, NULL);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s=%s", values[i].name, values[i].value);
      g_assert_cmpint (
          sv_object_set_property_string (node, values[i].name, values[i].value, NULL, &error), ==,
          values[i].ok);
      if (!values[i].ok)
        g_assert_nonnull (strstr (error->message, values[i].name));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/block/open/refused", test_refused);
  g_test_add_func ("/block/open/no-direct", test_no_direct);
  g_test_add_func ("/block/open/auto-read-only", test_auto_read_only);
  g_test_add_func ("/block/open/not-open", test_not_open);
  g_test_add_func ("/block/open/properties", test_properties);
  g_test_add_func ("/block/lock/conflict", test_lock);
  g_test_add_func ("/block/lock/killed", test_lock_killed);
  g_test_add_func ("/block/no-io-uring", test_no_io_uring);
  g_test_add_func ("/block/restricted-ring", test_restricted_ring);
  g_test_add_func ("/block/grow", test_grow);
  return g_test_run ();
}
