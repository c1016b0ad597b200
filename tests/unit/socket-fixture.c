/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/unit/socket-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

void
socket_fixture_set_up (SocketFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->root = sv_object_new_container ();
  f->dir = g_dir_make_tmp ("test-socket-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->dir, "s", NULL);
  test_frontend_init (&f->frontend);
  f->streams = g_array_new (FALSE, FALSE, sizeof (int));
}

void
socket_fixture_drop (SocketFixture *f)
{
  if (f->chardev == NULL)
    return;
  sv_object_unparent (SV_OBJECT (f->chardev));
  g_assert_finalize_object (g_steal_pointer (&f->chardev));
}

void
socket_fixture_tear_down (SocketFixture *f, gconstpointer data)
{
  socket_fixture_drop (f);
  g_assert_finalize_object (f->root);
  /* Nothing is left behind. */
  g_assert_cmpint (g_rmdir (f->dir), ==, 0);
  g_free (f->dir);
  g_free (f->path);
  test_frontend_clear (&f->frontend);
  for (guint i = 0; i < f->streams->len; i++)
    close (g_array_index (f->streams, int, i));
  g_array_unref (f->streams);
}

void
socket_fixture_make (SocketFixture *f, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *json = NULL;
  va_list args;

  va_start (args, format);
  json = g_strdup_vprintf (format, args);
  va_end (args);
  f->chardev = make_chardev (f->root, "chardev-socket", "c0", json, &error);
  g_assert_no_error (error);
}

void
socket_fixture_assert_refused (SocketFixture *f, const char *word, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *json = NULL;
  va_list args;

  va_start (args, format);
  json = g_strdup_vprintf (format, args);
  va_end (args);
  g_assert_null (make_chardev (f->root, "chardev-socket", "c1", json, &error));
  g_assert_nonnull (error);
  if (strstr (error->message, word) == NULL)
    g_error ("'%s' is not in: %s", word, error->message);
}

void
socket_fixture_serve (SocketFixture *f)
{
  socket_fixture_make (f, "{\"path\": \"%s\", \"server\": true, \"wait\": false}", f->path);
}

void
socket_fixture_attach (SocketFixture *f)
{
  g_autoptr (GError) error = NULL;

  sv_chardev_attach (f->chardev, &test_frontend, &f->frontend, &error);
  g_assert_no_error (error);
}

int
unix_socket (const char *path, int (*use) (int, const struct sockaddr *, socklen_t))
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (use (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  return fd;
}

int
socket_fixture_call (SocketFixture *f)
{
  return unix_socket (f->path, connect);
}

void
socket_fixture_assert_filename (SocketFixture *f, const char *expected)
{
  g_autofree char *filename = sv_chardev_dup_filename (f->chardev);

  g_assert_cmpstr (filename, ==, expected);
}

void
send_text (int fd, const char *text)
{
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
}

void
assert_reads (int fd, const char *expected)
{
  char buffer[256] = "";

  g_assert_cmpint (read (fd, buffer, sizeof buffer - 1), ==, strlen (expected));
  g_assert_cmpstr (buffer, ==, expected);
}

void
socket_fixture_write_text (SocketFixture *f, const char *text)
{
  g_assert_cmpuint (sv_chardev_write (f->chardev, (const guint8 *)text, strlen (text)), ==,
                    strlen (text));
}
