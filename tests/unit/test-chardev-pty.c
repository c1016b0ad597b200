/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "chardev-fixture.h"

typedef struct
{
  SvObject *root;
  SvChardev *chardev;
  char *slave_name;
  TestFrontend frontend;
} Fixture;

static GString *printed;

static void
on_print (const char *text)
{
  g_string_append (printed, text);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *filename = NULL;
  GPrintFunc old;

  printed = g_string_new (NULL);
  f->root = sv_object_new_container ();
  old = g_set_print_handler (on_print);
  f->chardev = make_chardev (f->root, "chardev-pty", "serial0", "{}", &error);
  g_set_print_handler (old);
  g_assert_no_error (error);

  filename = sv_chardev_dup_filename (f->chardev);
  g_assert_true (g_str_has_prefix (filename, "pty:/dev/pts/"));
  f->slave_name = g_strdup (filename + strlen ("pty:"));
  test_frontend_init (&f->frontend);
  g_assert_true (sv_chardev_attach (f->chardev, &test_frontend, &f->frontend, NULL));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  sv_chardev_detach (f->chardev);
  sv_object_unparent (SV_OBJECT (f->chardev));
  g_assert_finalize_object (f->chardev);
  g_object_unref (f->root);
  g_free (f->slave_name);
  test_frontend_clear (&f->frontend);
  g_string_free (printed, TRUE);
}

static int
open_slave (Fixture *f)
{
  int fd = open (f->slave_name, O_RDWR | O_NOCTTY | O_NONBLOCK);

  g_assert_cmpint (fd, >=, 0);
  run_until (sv_chardev_is_open (f->chardev));
  return fd;
}

static void
assert_reads (int fd, const char *expected)
{
  char buffer[256] = "";

  g_assert_cmpint (read (fd, buffer, sizeof buffer - 1), ==, strlen (expected));
  g_assert_cmpstr (buffer, ==, expected);
}

static void
test_announced (Fixture *f, gconstpointer data)
{
  g_autofree char *line
      = g_strdup_printf ("char device redirected to %s (label serial0)\n", f->slave_name);

  g_assert_cmpstr (printed->str, ==, line);
}

static void
test_talk (Fixture *f, gconstpointer data)
{
  struct termios termios;
  int fd;

  /* Before somebody is there, output is nobody's. */
  g_assert_cmpuint (sv_chardev_write (f->chardev, (const guint8 *)"early", 5), ==, 5);
  fd = open_slave (f);
  g_assert_cmpuint (f->frontend.n_opened, ==, 1);
  g_assert_cmpint (tcgetattr (fd, &termios), ==, 0);
  g_assert_cmphex (termios.c_lflag & (ECHO | ICANON | ISIG), ==, 0);
  g_assert_cmphex (termios.c_oflag & OPOST, ==, 0);

  g_assert_cmpuint (sv_chardev_write (f->chardev, (const guint8 *)"hi\n\003", 4), ==, 4);
  assert_reads (fd, "hi\n\003");
  g_assert_cmpint (write (fd, "\003\r\n", 3), ==, 3);
  run_until (f->frontend.received->len == 3);
  g_assert_cmpstr (f->frontend.received->str, ==, "\003\r\n");
  close (fd);
}

static void
test_come_and_go (Fixture *f, gconstpointer data)
{
  int fd;
  int second;

  for (guint i = 1; i <= 3; i++)
    {
      fd = open_slave (f);
      g_assert_cmpuint (f->frontend.n_opened, ==, i);
      /* Another one beside is no event. */
      second = open (f->slave_name, O_RDWR | O_NOCTTY);
      close (fd);
      run_ready ();
      g_assert_cmpuint (f->frontend.n_closed, ==, i - 1);
      close (second);
      run_until (!sv_chardev_is_open (f->chardev));
      g_assert_cmpuint (f->frontend.n_closed, ==, i);
      g_assert_cmpuint (sv_chardev_write (f->chardev, (const guint8 *)"x", 1), ==, 1);
      /* Nobody there costs nothing: no event, no timer. */
      g_assert_cmpuint (run_ready (), ==, 0);
    }
}

static void
test_flow (Fixture *f, gconstpointer data)
{
  guint8 block[4096] = { 0 };
  gsize taken = 0;
  gsize n;
  int fd = open_slave (f);

  /* Input stays outside until there is room for it. */
  f->frontend.room = 0;
  sv_chardev_update_input (f->chardev);
  g_assert_cmpint (write (fd, "abc", 3), ==, 3);
  g_assert_cmpuint (run_ready (), ==, 0);
  f->frontend.room = 2;
  sv_chardev_update_input (f->chardev);
  run_until (f->frontend.received->len == 2);
  f->frontend.room = 2;
  sv_chardev_update_input (f->chardev);
  run_until (f->frontend.received->len == 3);
  g_assert_cmpstr (f->frontend.received->str, ==, "abc");

  /* Output: as much as fits, then a word when there is room. */
  while ((n = sv_chardev_write (f->chardev, block, sizeof block)) == sizeof block)
    g_assert_cmpuint (taken += n, <, 1 << 22);
  g_assert_cmpuint (sv_chardev_write (f->chardev, block, 1), ==, 0);
  while (f->frontend.n_writable == 0)
    {
      if (read (fd, block, sizeof block) < 0)
        g_assert_cmpint (errno, ==, EAGAIN);
      g_main_context_iteration (NULL, FALSE);
    }
  close (fd);

  /* One who leaves with the line full does not block the next. */
  run_until (!sv_chardev_is_open (f->chardev));
  fd = open_slave (f);
  while ((n = sv_chardev_write (f->chardev, block, sizeof block)) == sizeof block)
    ;
  f->frontend.n_writable = 0;
  close (fd);
  run_until (!sv_chardev_is_open (f->chardev));
  g_assert_cmpuint (f->frontend.n_writable, ==, 1);
  g_assert_cmpuint (sv_chardev_write (f->chardev, block, sizeof block), ==, sizeof block);
}

/* Somebody leaves while the front end takes nothing. */
static void
test_hangup_unread (Fixture *f, gconstpointer data)
{
  int fd = open_slave (f);

  f->frontend.room = 0;
  g_assert_cmpint (write (fd, "abc", 3), ==, 3);
  close (fd);
  run_until (!sv_chardev_is_open (f->chardev));
  g_assert_cmpuint (run_ready (), ==, 0);
  f->frontend.room = 10;
  fd = open_slave (f);
  g_assert_cmpint (write (fd, "d", 1), ==, 1);
  run_until (f->frontend.received->len > 0 && strchr (f->frontend.received->str, 'd'));
  close (fd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/chardev-pty/announced", test_announced);
  ADD ("/chardev-pty/talk", test_talk);
  ADD ("/chardev-pty/come-and-go", test_come_and_go);
  ADD ("/chardev-pty/flow", test_flow);
  ADD ("/chardev-pty/hangup-unread", test_hangup_unread);
  return g_test_run ();
}
