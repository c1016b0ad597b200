/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Peers of a socket that listens: one after the other, what goes to and fro. */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/socket-fixture.h"

static void
test_server (SocketFixture *f, gconstpointer data)
{
  g_autofree char *connected = g_strdup_printf ("unix:%s,server=on", f->path);
  g_autofree char *disconnected = g_strdup_printf ("disconnected:%s", connected);
  int fd;

  socket_fixture_serve (f);
  socket_fixture_assert_filename (f, disconnected);
  socket_fixture_attach (f);
  socket_fixture_write_text (f, "nobody");
  fd = socket_fixture_call (f);
  run_until (sv_chardev_is_open (f->chardev));
  g_assert_cmpuint (f->frontend.n_opened, ==, 1);
  socket_fixture_assert_filename (f, connected);

  socket_fixture_write_text (f, "hello");
  assert_reads (fd, "hello");
  send_text (fd, "world");
  run_until (f->frontend.received->len == 5);
  g_assert_cmpstr (f->frontend.received->str, ==, "world");
  g_assert_cmpuint (run_ready (), ==, 0);

  close (fd);
  run_until (f->frontend.n_closed == 1);
  socket_fixture_write_text (f, "nobody");
  socket_fixture_assert_filename (f, disconnected);
  fd = socket_fixture_call (f);
  run_until (f->frontend.n_opened == 2);
  /* The device goes: so does the connection, and the file. */
  sv_chardev_detach (f->chardev);
  socket_fixture_drop (f);
  assert_reads (fd, "");
  close (fd);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

static void
test_second_caller (SocketFixture *f, gconstpointer data)
{
  int first;
  int second;

  socket_fixture_serve (f);
  socket_fixture_attach (f);
  first = socket_fixture_call (f);
  run_until (f->frontend.n_opened == 1);
  second = socket_fixture_call (f);
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
test_unread_input (SocketFixture *f, gconstpointer data)
{
  int fd;

  socket_fixture_serve (f);
  f->frontend.room = 0;
  socket_fixture_attach (f);
  fd = socket_fixture_call (f);
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
  fd = socket_fixture_call (f);
  run_until (f->frontend.n_opened == 2);
  send_text (fd, "stuck");
  close (fd);
  fd = socket_fixture_call (f);
  run_until (f->frontend.n_opened == 3);
  close (fd);
}

static void
test_flow (SocketFixture *f, gconstpointer data)
{
  g_autofree guint8 *block = g_malloc (1 << 20);
  g_autoptr (GByteArray) received = g_byte_array_new ();
  gsize taken;
  int fd;

  for (guint i = 0; i < 1 << 20; i++)
    block[i] = i * 7 + (i >> 8);
  socket_fixture_serve (f);
  socket_fixture_attach (f);
  fd = socket_fixture_call (f);
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
test_write_to_gone_peer (SocketFixture *f, gconstpointer data)
{
  int fd;

  socket_fixture_serve (f);
  f->frontend.room = 0;
  socket_fixture_attach (f);
  fd = socket_fixture_call (f);
  run_until (f->frontend.n_opened == 1);
  close (fd);
  socket_fixture_write_text (f, "x");
  g_assert_cmpuint (f->frontend.n_closed, ==, 0);
  run_until (f->frontend.n_closed == 1);
}

static void
take_stream (SvChardev *chardev, int input, int output, gpointer opaque)
{
  SocketFixture *f = opaque;

  g_assert_cmpint (input, ==, output);
  g_assert_cmpint (fcntl (input, F_GETFL) & O_NONBLOCK, !=, 0);
  g_array_append_val (f->streams, input);
}

static void
test_streams (SocketFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  int fds[3];

  socket_fixture_serve (f);
  /* One who came before the monitor is not lost. */
  fds[0] = socket_fixture_call (f);
  send_text (fds[0], "0");
  run_until (sv_chardev_is_open (f->chardev));
  g_assert_true (sv_chardev_take_streams (f->chardev, take_stream, f, &error));
  g_assert_cmpuint (f->streams->len, ==, 1);
  assert_reads (g_array_index (f->streams, int, 0), "0");
  for (guint i = 1; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = socket_fixture_call (f);
      run_until (f->streams->len == i + 1);
      send_text (g_array_index (f->streams, int, i), "hello");
      assert_reads (fds[i], "hello");
    }

  g_assert_false (sv_chardev_take_streams (f->chardev, take_stream, f, &error));
  g_assert_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_false (sv_chardev_attach (f->chardev, &test_frontend, &f->frontend, &error));
  sv_chardev_detach (f->chardev);
  socket_fixture_attach (f);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  fds[0] = socket_fixture_call (f);
  run_until (f->frontend.n_opened == 1);
  g_assert_cmpuint (f->streams->len, ==, 3);
  close (fds[0]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  SOCKET_FIXTURE_ADD ("/chardev-socket/server", test_server);
  SOCKET_FIXTURE_ADD ("/chardev-socket/second-caller", test_second_caller);
  SOCKET_FIXTURE_ADD ("/chardev-socket/unread-input", test_unread_input);
  SOCKET_FIXTURE_ADD ("/chardev-socket/flow", test_flow);
  SOCKET_FIXTURE_ADD ("/chardev-socket/write-to-gone-peer", test_write_to_gone_peer);
  SOCKET_FIXTURE_ADD ("/chardev-socket/streams", test_streams);
  return g_test_run ();
}
