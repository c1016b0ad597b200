/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where a socket is: paths, TCP, descriptors, listening or connecting; what is refused. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/socket-fixture.h"

static void
test_path_taken (SocketFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  int fd;

  /* A process that was killed leaves its socket. */
  fd = unix_socket (f->path, bind);
  g_assert_cmpint (listen (fd, 1), ==, 0);
  close (fd);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
  socket_fixture_serve (f);
  socket_fixture_attach (f);
  fd = socket_fixture_call (f);
  run_until (f->frontend.n_opened == 1);
  close (fd);

  /* This one lives. */
  socket_fixture_assert_refused (f, "running process listens",
                  "{\"path\": \"%s\", \"server\": true, \"wait\": false}", f->path);
  run_ready ();
  fd = socket_fixture_call (f);
  close (fd);
  socket_fixture_drop (f);

  g_file_set_contents (f->path, "precious", -1, &error);
  g_assert_no_error (error);
  socket_fixture_assert_refused (f, "exists and is not a socket",
                  "{\"path\": \"%s\", \"server\": true, \"wait\": false}", f->path);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_IS_REGULAR));
  g_unlink (f->path);

  /* Only its own file goes with the device. */
  socket_fixture_serve (f);
  g_unlink (f->path);
  fd = unix_socket (f->path, bind);
  socket_fixture_drop (f);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_unlink (f->path);
  close (fd);
}

static void
test_options (SocketFixture *f, gconstpointer data)
{
  g_autofree char *longest = g_strnfill (108, 'x');
  int null = open ("/dev/null", O_RDWR);

  socket_fixture_assert_refused (f, "'path'", "{}");
  socket_fixture_assert_refused (f, "'path'", "{\"path\": \"x\", \"port\": \"1\"}");
  socket_fixture_assert_refused (f, "'port' is missing", "{\"host\": \"x\"}");
  socket_fixture_assert_refused (f, "'abstract' needs 'path'", "{\"port\": \"1\", \"abstract\": true}");
  socket_fixture_assert_refused (f, "'reconnect'", "{\"path\": \"x\", \"server\": true, \"reconnect\": 1}");
  socket_fixture_assert_refused (f, "'wait=on'", "{\"path\": \"x\", \"wait\": true}");
  socket_fixture_assert_refused (f, "1 to 107 are possible", "{\"path\": \"/%s\", \"server\": true}", longest);
  socket_fixture_assert_refused (f, "Cannot connect to", "{\"path\": \"%s\"}", f->path);
  socket_fixture_assert_refused (f, "/nowhere/s", "{\"path\": \"/nowhere/s\", \"server\": true}");
  socket_fixture_assert_refused (f, "no inherited socket", "{\"fd\": 987}");
  socket_fixture_assert_refused (f, "no inherited socket", "{\"fd\": \"%d\"}", null);
  close (null);
  socket_fixture_assert_refused (f, "port 'no-such-service'",
                  "{\"host\": \"127.0.0.1\", \"port\": \"no-such-service\"}");
  socket_fixture_assert_refused (f, "Port '65536' is out of range",
                  "{\"host\": \"127.0.0.1\", \"port\": \"65536\"}");
}

static void
test_abstract (SocketFixture *f, gconstpointer data)
{
  g_autofree char *filename = g_strdup_printf ("disconnected:unix:@%s,server=on", f->path);
  g_autoptr (SvChardev) client = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *json = g_strdup_printf ("{\"path\": \"%s\", \"abstract\": true}", f->path);

  socket_fixture_make (f, "{\"path\": \"%s\", \"server\": true, \"wait\": false, \"abstract\": true}", f->path);
  socket_fixture_assert_filename (f, filename);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  client = make_chardev (f->root, "chardev-socket", "client", json, &error);
  g_assert_no_error (error);
  run_until (sv_chardev_is_open (f->chardev));
  sv_object_unparent (SV_OBJECT (client));
}

static guint16
get_port (SocketFixture *f)
{
  g_autofree char *filename = sv_chardev_dup_filename (f->chardev);
  char *end = strstr (filename, ",server=on");

  g_assert_nonnull (end);
  *end = '\0';
  return g_ascii_strtoull (strrchr (filename, ':') + 1, NULL, 10);
}

static int
call_tcp (guint16 port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (connect (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  return fd;
}

static void
test_tcp (SocketFixture *f, gconstpointer data)
{
  static const char *const hosts[] = { "127.0.0.1", "localhost", "" };

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autofree char *filename = NULL;
      int fd;

      socket_fixture_make (f,
            "{\"host\": \"%s\", \"port\": \"0\", \"server\": true, \"wait\": false, "
            "\"nodelay\": true, \"ipv4\": true}",
            hosts[i]);
      socket_fixture_attach (f);
      fd = call_tcp (get_port (f));
      run_until (sv_chardev_is_open (f->chardev));
      filename = sv_chardev_dup_filename (f->chardev);
      g_assert_nonnull (strstr (filename, " <-> 127.0.0.1:"));
      socket_fixture_write_text (f, "hello");
      assert_reads (fd, "hello");
      send_text (fd, "world");
      run_until (f->frontend.received->len == 5);
      g_string_truncate (f->frontend.received, 0);
      close (fd);
      run_until (!sv_chardev_is_open (f->chardev));
      socket_fixture_drop (f);
    }
}

/* A TCP peer that went with unread input is not in the way of one who waits. */
static void
test_tcp_unread_input (SocketFixture *f, gconstpointer data)
{
  int fd;

  socket_fixture_make (f, "{\"host\": \"127.0.0.1\", \"port\": \"0\", \"server\": true, \"wait\": false}");
  f->frontend.room = 0;
  socket_fixture_attach (f);
  fd = call_tcp (get_port (f));
  run_until (f->frontend.n_opened == 1);
  send_text (fd, "stuck");
  close (fd);
  fd = call_tcp (get_port (f));
  run_until (f->frontend.n_opened == 2);
  close (fd);
}

static void
test_client (SocketFixture *f, gconstpointer data)
{
  g_autofree char *filename = g_strdup_printf ("unix:%s", f->path);
  int listener = unix_socket (f->path, bind);
  int fd;

  g_assert_cmpint (listen (listener, 1), ==, 0);
  socket_fixture_make (f, "{\"path\": \"%s\"}", f->path);
  fd = accept (listener, NULL, NULL);
  socket_fixture_attach (f);
  socket_fixture_assert_filename (f, filename);
  send_text (fd, "hello");
  run_until (f->frontend.received->len == 5);
  close (fd);
  run_until (f->frontend.n_closed == 1);
  g_assert_cmpuint (run_ready (), ==, 0);
  close (listener);
  g_unlink (f->path);
}

static void
test_reconnect (SocketFixture *f, gconstpointer data)
{
  int listener;
  int fd;

  /* Nobody is there yet: no error, and tried again. */
  socket_fixture_make (f, "{\"path\": \"%s\", \"reconnect\": 1}", f->path);
  socket_fixture_attach (f);
  run_ready ();
  g_assert_false (sv_chardev_is_open (f->chardev));
  listener = unix_socket (f->path, bind);
  g_assert_cmpint (listen (listener, 1), ==, 0);
  for (guint i = 1; i <= 2; i++)
    {
      run_until (f->frontend.n_opened == i);
      fd = accept (listener, NULL, NULL);
      socket_fixture_write_text (f, "again");
      assert_reads (fd, "again");
      close (fd);
      run_until (f->frontend.n_closed == i);
    }
  close (listener);
  g_unlink (f->path);
}

static void
test_inherited (SocketFixture *f, gconstpointer data)
{
  int pair[2];
  int listener;
  int fd;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
  socket_fixture_assert_refused (f, "does not listen", "{\"fd\": %d, \"server\": true}", pair[0]);
  socket_fixture_make (f, "{\"fd\": \"%d\"}", pair[0]);
  g_assert_cmpint (fcntl (pair[0], F_GETFD) & FD_CLOEXEC, !=, 0);
  socket_fixture_attach (f);
  socket_fixture_write_text (f, "hello");
  assert_reads (pair[1], "hello");
  sv_chardev_detach (f->chardev);
  socket_fixture_drop (f);
  assert_reads (pair[1], "");
  close (pair[1]);

  /* As libvirt hands over its monitor; the file is not ours to remove. A caller is there: wait=on
   * does not. */
  listener = unix_socket (f->path, bind);
  g_assert_cmpint (listen (listener, 1), ==, 0);
  fd = socket_fixture_call (f);
  socket_fixture_make (f, "{\"fd\": %d, \"server\": true, \"wait\": true}", listener);
  g_assert_true (sv_chardev_is_open (f->chardev));
  socket_fixture_attach (f);
  send_text (fd, "world");
  run_until (f->frontend.received->len == 5);
  sv_chardev_detach (f->chardev);
  socket_fixture_drop (f);
  close (fd);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_unlink (f->path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  SOCKET_FIXTURE_ADD ("/chardev-socket/path-taken", test_path_taken);
  SOCKET_FIXTURE_ADD ("/chardev-socket/options", test_options);
  SOCKET_FIXTURE_ADD ("/chardev-socket/abstract", test_abstract);
  SOCKET_FIXTURE_ADD ("/chardev-socket/tcp", test_tcp);
  SOCKET_FIXTURE_ADD ("/chardev-socket/tcp-unread-input", test_tcp_unread_input);
  SOCKET_FIXTURE_ADD ("/chardev-socket/client", test_client);
  SOCKET_FIXTURE_ADD ("/chardev-socket/reconnect", test_reconnect);
  SOCKET_FIXTURE_ADD ("/chardev-socket/inherited", test_inherited);
  return g_test_run ();
}
