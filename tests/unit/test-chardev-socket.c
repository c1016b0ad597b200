/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "chardev-fixture.h"

typedef struct
{
  SvObject *root;
  char *dir;
  char *path;
  TestFrontend frontend;
  SvChardev *chardev;
  GArray *streams; /* of int: what a monitor got */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->root = sv_object_new_container ();
  f->dir = g_dir_make_tmp ("test-socket-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->dir, "s", NULL);
  test_frontend_init (&f->frontend);
  f->streams = g_array_new (FALSE, FALSE, sizeof (int));
}

static void
drop (Fixture *f)
{
  if (f->chardev == NULL)
    return;
  sv_object_unparent (SV_OBJECT (f->chardev));
  g_assert_finalize_object (g_steal_pointer (&f->chardev));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  drop (f);
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

static void G_GNUC_PRINTF (2, 3) make (Fixture *f, const char *format, ...)
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

static void G_GNUC_PRINTF (3, 4)
    assert_refused (Fixture *f, const char *word, const char *format, ...)
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

static void
serve (Fixture *f)
{
  make (f, "{\"path\": \"%s\", \"server\": true, \"wait\": false}", f->path);
}

static void
attach (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  sv_chardev_attach (f->chardev, &test_frontend, &f->frontend, &error);
  g_assert_no_error (error);
}

static int
unix_socket (const char *path, int (*use) (int, const struct sockaddr *, socklen_t))
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (use (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  return fd;
}

static int
call (Fixture *f)
{
  return unix_socket (f->path, connect);
}

static void
assert_filename (Fixture *f, const char *expected)
{
  g_autofree char *filename = sv_chardev_dup_filename (f->chardev);

  g_assert_cmpstr (filename, ==, expected);
}

static void
send_text (int fd, const char *text)
{
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
}

static void
assert_reads (int fd, const char *expected)
{
  char buffer[256] = "";

  g_assert_cmpint (read (fd, buffer, sizeof buffer - 1), ==, strlen (expected));
  g_assert_cmpstr (buffer, ==, expected);
}

static void
write_text (Fixture *f, const char *text)
{
  g_assert_cmpuint (sv_chardev_write (f->chardev, (const guint8 *)text, strlen (text)), ==,
                    strlen (text));
}

static void
test_server (Fixture *f, gconstpointer data)
{
  g_autofree char *connected = g_strdup_printf ("unix:%s,server=on", f->path);
  g_autofree char *disconnected = g_strdup_printf ("disconnected:%s", connected);
  int fd;

  serve (f);
  assert_filename (f, disconnected);
  attach (f);
  write_text (f, "nobody");
  fd = call (f);
  run_until (sv_chardev_is_open (f->chardev));
  g_assert_cmpuint (f->frontend.n_opened, ==, 1);
  assert_filename (f, connected);

  write_text (f, "hello");
  assert_reads (fd, "hello");
  send_text (fd, "world");
  run_until (f->frontend.received->len == 5);
  g_assert_cmpstr (f->frontend.received->str, ==, "world");
  g_assert_cmpuint (run_ready (), ==, 0);

  close (fd);
  run_until (f->frontend.n_closed == 1);
  write_text (f, "nobody");
  assert_filename (f, disconnected);
  fd = call (f);
  run_until (f->frontend.n_opened == 2);
  /* The device goes: so does the connection, and the file. */
  sv_chardev_detach (f->chardev);
  drop (f);
  assert_reads (fd, "");
  close (fd);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

static void
test_second_caller (Fixture *f, gconstpointer data)
{
  int first;
  int second;

  serve (f);
  attach (f);
  first = call (f);
  run_until (f->frontend.n_opened == 1);
  second = call (f);
  send_text (second, "2");
  run_ready ();
  g_assert_cmpuint (f->frontend.n_opened, ==, 1);
  /* One who waits costs nothing. */
  g_assert_cmpuint (run_ready (), ==, 0);
  send_text (first, "1");
  run_until (f->frontend.received->len == 1);

  close (first);
  run_until (f->frontend.received->len == 2);
  g_assert_cmpstr (f->frontend.received->str, ==, "12");
  g_assert_cmpuint (f->frontend.n_opened, ==, 2);
  close (second);
  run_until (f->frontend.n_closed == 2);
}

/* `echo command | nc -U` sends and goes; the guest reads when it likes. */
static void
test_unread_input (Fixture *f, gconstpointer data)
{
  int fd;

  serve (f);
  f->frontend.room = 0;
  attach (f);
  fd = call (f);
  run_until (f->frontend.n_opened == 1);
  send_text (fd, "command");
  close (fd);
  run_ready ();
  g_assert_cmpuint (run_ready (), ==, 0);
  g_assert_cmpuint (f->frontend.n_closed, ==, 0);
  f->frontend.room = 100;
  sv_chardev_update_input (f->chardev);
  run_until (f->frontend.n_closed == 1);
  g_assert_cmpstr (f->frontend.received->str, ==, "command");

  /* It keeps nobody out, though. */
  f->frontend.room = 0;
  fd = call (f);
  run_until (f->frontend.n_opened == 2);
  send_text (fd, "stuck");
  close (fd);
  fd = call (f);
  run_until (f->frontend.n_opened == 3);
  close (fd);
}

static void
test_flow (Fixture *f, gconstpointer data)
{
  g_autofree guint8 *block = g_malloc (1 << 20);
  g_autoptr (GByteArray) received = g_byte_array_new ();
  gsize taken;
  int fd;

  for (guint i = 0; i < 1 << 20; i++)
    block[i] = i * 7 + (i >> 8);
  serve (f);
  attach (f);
  fd = call (f);
  run_until (f->frontend.n_opened == 1);

  taken = sv_chardev_write (f->chardev, block, 1 << 20);
  g_assert_cmpuint (taken, >, 0);
  g_assert_cmpuint (taken, <, 1 << 20);
  g_assert_cmpuint (sv_chardev_write (f->chardev, block, 1), ==, 0);
  g_assert_cmpuint (run_ready (), ==, 0);
  while (received->len < 1 << 20)
    {
      guint8 buffer[8192];
      gssize n = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT);

      if (n > 0)
        {
          g_byte_array_append (received, buffer, n);
          continue;
        }
      run_until (f->frontend.n_writable > 0);
      f->frontend.n_writable = 0;
      taken += sv_chardev_write (f->chardev, block + taken, (1 << 20) - taken);
    }
  g_assert_cmpmem (received->data, received->len, block, 1 << 20);

  /* A peer that goes while the line is full: the front end goes on. */
  while (sv_chardev_write (f->chardev, block, 1 << 20) == 1 << 20)
    ;
  f->frontend.n_writable = 0;
  close (fd);
  run_until (f->frontend.n_closed == 1);
  g_assert_cmpuint (f->frontend.n_writable, >, 0);
  g_assert_cmpuint (sv_chardev_write (f->chardev, block, 1 << 20), ==, 1 << 20);
}

/* The first write after the peer went is no SIGPIPE and does not call back into the front end. */
static void
test_write_to_gone_peer (Fixture *f, gconstpointer data)
{
  int fd;

  serve (f);
  f->frontend.room = 0;
  attach (f);
  fd = call (f);
  run_until (f->frontend.n_opened == 1);
  close (fd);
  write_text (f, "x");
  g_assert_cmpuint (f->frontend.n_closed, ==, 0);
  run_until (f->frontend.n_closed == 1);
}

static void
test_path_taken (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  int fd;

  /* A process that was killed leaves its socket. */
  fd = unix_socket (f->path, bind);
  g_assert_cmpint (listen (fd, 1), ==, 0);
  close (fd);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
  serve (f);
  attach (f);
  fd = call (f);
  run_until (f->frontend.n_opened == 1);
  close (fd);

  /* This one lives. */
  assert_refused (f, "running process listens",
                  "{\"path\": \"%s\", \"server\": true, \"wait\": false}", f->path);
  run_ready ();
  fd = call (f);
  close (fd);
  drop (f);

  g_file_set_contents (f->path, "precious", -1, &error);
  g_assert_no_error (error);
  assert_refused (f, "exists and is not a socket",
                  "{\"path\": \"%s\", \"server\": true, \"wait\": false}", f->path);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_IS_REGULAR));
  g_unlink (f->path);

  /* Only its own file goes with the device. */
  serve (f);
  g_unlink (f->path);
  fd = unix_socket (f->path, bind);
  drop (f);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_unlink (f->path);
  close (fd);
}

static void
test_options (Fixture *f, gconstpointer data)
{
  g_autofree char *longest = g_strnfill (108, 'x');
  int null = open ("/dev/null", O_RDWR);

  assert_refused (f, "'path'", "{}");
  assert_refused (f, "'path'", "{\"path\": \"x\", \"port\": \"1\"}");
  assert_refused (f, "'port' is missing", "{\"host\": \"x\"}");
  assert_refused (f, "'abstract' needs 'path'", "{\"port\": \"1\", \"abstract\": true}");
  assert_refused (f, "'reconnect'", "{\"path\": \"x\", \"server\": true, \"reconnect\": 1}");
  assert_refused (f, "'wait=on'", "{\"path\": \"x\", \"wait\": true}");
  assert_refused (f, "1 to 107 are possible", "{\"path\": \"/%s\", \"server\": true}", longest);
  assert_refused (f, "Cannot connect to", "{\"path\": \"%s\"}", f->path);
  assert_refused (f, "/nowhere/s", "{\"path\": \"/nowhere/s\", \"server\": true}");
  assert_refused (f, "no inherited socket", "{\"fd\": 987}");
  assert_refused (f, "no inherited socket", "{\"fd\": \"%d\"}", null);
  close (null);
  assert_refused (f, "port 'no-such-service'",
                  "{\"host\": \"127.0.0.1\", \"port\": \"no-such-service\"}");
  assert_refused (f, "Port '65536' is out of range",
                  "{\"host\": \"127.0.0.1\", \"port\": \"65536\"}");
}

static void
test_abstract (Fixture *f, gconstpointer data)
{
  g_autofree char *filename = g_strdup_printf ("disconnected:unix:@%s,server=on", f->path);
  g_autoptr (SvChardev) client = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *json = g_strdup_printf ("{\"path\": \"%s\", \"abstract\": true}", f->path);

  make (f, "{\"path\": \"%s\", \"server\": true, \"wait\": false, \"abstract\": true}", f->path);
  assert_filename (f, filename);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  client = make_chardev (f->root, "chardev-socket", "client", json, &error);
  g_assert_no_error (error);
  run_until (sv_chardev_is_open (f->chardev));
  sv_object_unparent (SV_OBJECT (client));
}

static guint16
get_port (Fixture *f)
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
test_tcp (Fixture *f, gconstpointer data)
{
  static const char *const hosts[] = { "127.0.0.1", "localhost", "" };

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autofree char *filename = NULL;
      int fd;

      make (f,
            "{\"host\": \"%s\", \"port\": \"0\", \"server\": true, \"wait\": false, "
            "\"nodelay\": true, \"ipv4\": true}",
            hosts[i]);
      attach (f);
      fd = call_tcp (get_port (f));
      run_until (sv_chardev_is_open (f->chardev));
      filename = sv_chardev_dup_filename (f->chardev);
      g_assert_nonnull (strstr (filename, " <-> 127.0.0.1:"));
      write_text (f, "hello");
      assert_reads (fd, "hello");
      send_text (fd, "world");
      run_until (f->frontend.received->len == 5);
      g_string_truncate (f->frontend.received, 0);
      close (fd);
      run_until (!sv_chardev_is_open (f->chardev));
      drop (f);
    }
}

/* A TCP peer that went with unread input is not in the way of one who waits. */
static void
test_tcp_unread_input (Fixture *f, gconstpointer data)
{
  int fd;

  make (f, "{\"host\": \"127.0.0.1\", \"port\": \"0\", \"server\": true, \"wait\": false}");
  f->frontend.room = 0;
  attach (f);
  fd = call_tcp (get_port (f));
  run_until (f->frontend.n_opened == 1);
  send_text (fd, "stuck");
  close (fd);
  fd = call_tcp (get_port (f));
  run_until (f->frontend.n_opened == 2);
  close (fd);
}

static void
test_client (Fixture *f, gconstpointer data)
{
  g_autofree char *filename = g_strdup_printf ("unix:%s", f->path);
  int listener = unix_socket (f->path, bind);
  int fd;

  g_assert_cmpint (listen (listener, 1), ==, 0);
  make (f, "{\"path\": \"%s\"}", f->path);
  fd = accept (listener, NULL, NULL);
  attach (f);
  assert_filename (f, filename);
  send_text (fd, "hello");
  run_until (f->frontend.received->len == 5);
  close (fd);
  run_until (f->frontend.n_closed == 1);
  g_assert_cmpuint (run_ready (), ==, 0);
  close (listener);
  g_unlink (f->path);
}

static void
test_reconnect (Fixture *f, gconstpointer data)
{
  int listener;
  int fd;

  /* Nobody is there yet: no error, and tried again. */
  make (f, "{\"path\": \"%s\", \"reconnect\": 1}", f->path);
  attach (f);
  run_ready ();
  g_assert_false (sv_chardev_is_open (f->chardev));
  listener = unix_socket (f->path, bind);
  g_assert_cmpint (listen (listener, 1), ==, 0);
  for (guint i = 1; i <= 2; i++)
    {
      run_until (f->frontend.n_opened == i);
      fd = accept (listener, NULL, NULL);
      write_text (f, "again");
      assert_reads (fd, "again");
      close (fd);
      run_until (f->frontend.n_closed == i);
    }
  close (listener);
  g_unlink (f->path);
}

static void
test_inherited (Fixture *f, gconstpointer data)
{
  int pair[2];
  int listener;
  int fd;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
  assert_refused (f, "does not listen", "{\"fd\": %d, \"server\": true}", pair[0]);
  make (f, "{\"fd\": \"%d\"}", pair[0]);
  g_assert_cmpint (fcntl (pair[0], F_GETFD) & FD_CLOEXEC, !=, 0);
  attach (f);
  write_text (f, "hello");
  assert_reads (pair[1], "hello");
  sv_chardev_detach (f->chardev);
  drop (f);
  assert_reads (pair[1], "");
  close (pair[1]);

  /* As libvirt hands over its monitor; the file is not ours to remove. A caller is there: wait=on
   * does not. */
  listener = unix_socket (f->path, bind);
  g_assert_cmpint (listen (listener, 1), ==, 0);
  fd = call (f);
  make (f, "{\"fd\": %d, \"server\": true, \"wait\": true}", listener);
  g_assert_true (sv_chardev_is_open (f->chardev));
  attach (f);
  send_text (fd, "world");
  run_until (f->frontend.received->len == 5);
  sv_chardev_detach (f->chardev);
  drop (f);
  close (fd);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_unlink (f->path);
}

static void
take_stream (SvChardev *chardev, int input, int output, gpointer opaque)
{
  Fixture *f = opaque;

  g_assert_cmpint (input, ==, output);
  g_assert_cmpint (fcntl (input, F_GETFL) & O_NONBLOCK, !=, 0);
  g_array_append_val (f->streams, input);
}

static void
test_streams (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  int fds[3];

  serve (f);
  /* One who came before the monitor is not lost. */
  fds[0] = call (f);
  send_text (fds[0], "0");
  run_until (sv_chardev_is_open (f->chardev));
  g_assert_true (sv_chardev_take_streams (f->chardev, take_stream, f, &error));
  g_assert_cmpuint (f->streams->len, ==, 1);
  assert_reads (g_array_index (f->streams, int, 0), "0");
  for (guint i = 1; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = call (f);
      run_until (f->streams->len == i + 1);
      send_text (g_array_index (f->streams, int, i), "hello");
      assert_reads (fds[i], "hello");
    }

  g_assert_false (sv_chardev_take_streams (f->chardev, take_stream, f, &error));
  g_assert_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_false (sv_chardev_attach (f->chardev, &test_frontend, &f->frontend, &error));
  sv_chardev_detach (f->chardev);
  attach (f);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  fds[0] = call (f);
  run_until (f->frontend.n_opened == 1);
  g_assert_cmpuint (f->streams->len, ==, 3);
  close (fds[0]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/chardev-socket/server", test_server);
  ADD ("/chardev-socket/second-caller", test_second_caller);
  ADD ("/chardev-socket/unread-input", test_unread_input);
  ADD ("/chardev-socket/flow", test_flow);
  ADD ("/chardev-socket/write-to-gone-peer", test_write_to_gone_peer);
  ADD ("/chardev-socket/path-taken", test_path_taken);
  ADD ("/chardev-socket/options", test_options);
  ADD ("/chardev-socket/abstract", test_abstract);
  ADD ("/chardev-socket/tcp", test_tcp);
  ADD ("/chardev-socket/tcp-unread-input", test_tcp_unread_input);
  ADD ("/chardev-socket/client", test_client);
  ADD ("/chardev-socket/reconnect", test_reconnect);
  ADD ("/chardev-socket/inherited", test_inherited);
  ADD ("/chardev-socket/streams", test_streams);
  return g_test_run ();
}
