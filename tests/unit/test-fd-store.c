/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "src/runtime/sv-fd-store.h"

static int
open_temporary (int flags)
{
  g_autofree char *name = NULL;
  int fd = g_file_open_tmp ("sv-test-XXXXXX", &name, NULL);
  int again = open (name, flags);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (again, >=, 0);
  close (fd);
  g_unlink (name);
  return again;
}

static void
test_names (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  int first = open_temporary (O_RDONLY);
  int second = open_temporary (O_RDONLY);

  sv_fd_store_add (root, "a", first);
  sv_fd_store_add (root, "a", second);
  g_assert_cmpint (fcntl (first, F_GETFD), ==, -1);
  g_assert_cmpint (sv_fd_store_steal (root, "a"), ==, second);
  g_assert_cmpint (sv_fd_store_steal (root, "a"), ==, -1);
  close (second);
}

static void
test_sets (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  int reader = open_temporary (O_RDONLY);
  int writer = open_temporary (O_RDWR);
  int fd;

  sv_fd_store_add_to_set (root, 5, reader, "r");
  sv_fd_store_add_to_set (root, 5, writer, NULL);
  g_assert_cmpint (fcntl (reader, F_GETFD), ==, FD_CLOEXEC);
  g_assert_cmpuint (sv_fd_store_get_sets (root)->len, ==, 2);

  fd = sv_fd_store_open (root, "/dev/fdset/5", O_RDWR, 0);
  g_assert_cmpint (fd, >, STDERR_FILENO);
  g_assert_cmpint (fcntl (fd, F_GETFL) & O_ACCMODE, ==, O_RDWR);
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, FD_CLOEXEC);
  close (fd);
  g_assert_cmpint (fcntl (writer, F_GETFD), >=, 0);

  g_assert_cmpint (sv_fd_store_open (root, "/dev/fdset/5", O_WRONLY, 0), ==, -1);
  g_assert_cmpint (errno, ==, EACCES);
  g_assert_cmpint (sv_fd_store_open (root, "/dev/fdset/6", O_RDONLY, 0), ==, -1);
  g_assert_cmpint (errno, ==, ENOENT);
  g_assert_cmpint (sv_fd_store_open (root, "/dev/fdset/5x", O_RDONLY, 0), ==, -1);
  g_assert_cmpint (errno, ==, ENOENT);
  fd = sv_fd_store_open (root, "/dev/null", O_RDONLY, 0);
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, FD_CLOEXEC);
  close (fd);

  g_clear_object (&root);
  g_assert_cmpint (fcntl (writer, F_GETFD), ==, -1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/runtime/fd-store/names", test_names);
  g_test_add_func ("/runtime/fd-store/sets", test_sets);
  return g_test_run ();
}
