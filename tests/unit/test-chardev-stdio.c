/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chardev-fixture.h"

/* Standard input and output of the device are pipes, the ends of which the test has; the process's
 * own come back at once. */
typedef struct
{
  SvObject *root;
  SvChardev *chardev;
  TestFrontend frontend;
  int to_device;
  int from_device;
  int device_input;
  guint quits;
} Fixture;

static void
on_quit (SvChardev *chardev, Fixture *f)
{
  f->quits++;
}

static void
make (Fixture *f, int input, int output)
{
  g_autoptr (GError) error = NULL;
  int saved_input = fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
  int saved_output = fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);

  fflush (stdout);
  if (input >= 0)
    dup2 (input, STDIN_FILENO);
  else
    close (STDIN_FILENO);
  dup2 (output, STDOUT_FILENO);
  f->chardev = make_chardev (f->root, "chardev-stdio", "con", "{}", &error);
  dup2 (saved_output, STDOUT_FILENO);
  dup2 (saved_input, STDIN_FILENO);
  close (saved_output);
  close (saved_input);
  g_assert_no_error (error);
  g_signal_connect (f->chardev, "quit-requested", G_CALLBACK (on_quit), f);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  int input[2];
  int output[2];

  f->root = sv_object_new_container ();
  test_frontend_init (&f->frontend);
  g_assert_cmpint (pipe2 (input, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (output, O_CLOEXEC), ==, 0);
  make (f, input[0], output[1]);
  close (output[1]);
  f->device_input = input[0];
  f->to_device = input[1];
  f->from_device = output[0];
  g_assert_true (sv_chardev_attach (f->chardev, &test_frontend, &f->frontend, NULL));
}

static void
drop (Fixture *f)
{
  sv_object_unparent (SV_OBJECT (f->chardev));
  g_assert_finalize_object (g_steal_pointer (&f->chardev));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (f->chardev != NULL)
    drop (f);
  g_object_unref (f->root);
  test_frontend_clear (&f->frontend);
  close (f->to_device);
  close (f->from_device);
  close (f->device_input);
}

static void
send_bytes (Fixture *f, const char *text)
{
  g_assert_cmpint (write (f->to_device, text, strlen (text)), ==, strlen (text));
}

static char *
read_output (Fixture *f)
{
  char buffer[1024];
  gssize n = read (f->from_device, buffer, sizeof buffer);

  return n < 0 ? NULL : g_strndup (buffer, n);
}

static void
test_talk (Fixture *f, gconstpointer data)
{
  g_autofree char *filename = sv_chardev_dup_filename (f->chardev);
  g_autofree char *output = NULL;

  g_assert_cmpstr (filename, ==, "stdio");
  g_assert_cmpuint (sv_chardev_write (f->chardev, (const guint8 *)"hello", 5), ==, 5);
  output = read_output (f);
  g_assert_cmpstr (output, ==, "hello");
  send_bytes (f, "world");
  run_until (f->frontend.received->len == 5);
  g_assert_cmpstr (f->frontend.received->str, ==, "world");

  /* Other processes share the descriptor: it stays as it was. */
  g_assert_cmphex (fcntl (f->device_input, F_GETFL) & O_NONBLOCK, ==, 0);
}

static void
test_keys (Fixture *f, gconstpointer data)
{
  g_autofree char *help = NULL;

  send_bytes (f, "a\001\001b");
  run_until (f->frontend.received->len == 3);
  g_assert_cmpstr (f->frontend.received->str, ==, "a\001b");

  /* The two keys may come in different pieces. */
  send_bytes (f, "\001");
  run_ready ();
  g_assert_cmpuint (f->frontend.received->len, ==, 3);
  send_bytes (f, "b");
  run_until (f->frontend.n_breaks == 1);
  send_bytes (f, "\001s\001?\001zc");
  run_until (f->frontend.received->len == 4);
  g_assert_cmpstr (f->frontend.received->str, ==, "a\001bc");
  help = read_output (f);
  g_assert_nonnull (strstr (help, "C-a x"));

  g_assert_cmpuint (f->quits, ==, 0);
  send_bytes (f, "\001x");
  run_until (f->quits == 1);
}

/* Keys act while the guest takes no input, as one that hangs; what was typed before waits for it. */
static void
test_keys_without_room (Fixture *f, gconstpointer data)
{
  f->frontend.room = 0;
  send_bytes (f, "abc\001b");
  run_until (f->frontend.n_breaks == 1);
  g_assert_cmpuint (f->frontend.received->len, ==, 0);
  send_bytes (f, "de\001x");
  run_until (f->quits == 1);

  f->frontend.room = 2;
  sv_chardev_update_input (f->chardev);
  run_until (f->frontend.received->len == 2);
  f->frontend.room = 100;
  sv_chardev_update_input (f->chardev);
  run_until (f->frontend.received->len == 5);
  g_assert_cmpstr (f->frontend.received->str, ==, "abcde");
  g_assert_cmpuint (run_ready (), ==, 0);
}

/* No more than a limited amount is read ahead; nothing of it is lost at the end of input. */
static void
test_much_without_room (Fixture *f, gconstpointer data)
{
  g_autofree char *text = g_strnfill (10000, 'x');

  f->frontend.room = 0;
  send_bytes (f, text);
  close (f->to_device);
  f->to_device = -1;
  run_ready ();
  g_assert_cmpuint (run_ready (), ==, 0);
  g_assert_cmpuint (f->frontend.received->len, ==, 0);
  f->frontend.room = 20000;
  sv_chardev_update_input (f->chardev);
  run_until (f->frontend.received->len == 10000);
}

static void
test_eof (Fixture *f, gconstpointer data)
{
  g_autofree char *output = NULL;

  send_bytes (f, "last");
  close (f->to_device);
  f->to_device = -1;
  run_until (f->frontend.received->len == 4);
  run_ready ();
  g_assert_cmpuint (run_ready (), ==, 0);
  g_assert_true (sv_chardev_is_open (f->chardev));
  g_assert_cmpuint (f->quits + f->frontend.n_closed, ==, 0);
  g_assert_cmpuint (sv_chardev_write (f->chardev, (const guint8 *)"on", 2), ==, 2);
  output = read_output (f);
  g_assert_cmpstr (output, ==, "on");

  /* Nor does a reader that goes away end anything. */
  close (f->from_device);
  f->from_device = -1;
  g_assert_cmpuint (sv_chardev_write (f->chardev, (const guint8 *)"off", 3), ==, 3);
  g_assert_cmpuint (run_ready (), ==, 0);
}

static void
test_odd_inputs (Fixture *f, gconstpointer data)
{
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  int file = open (g_test_get_filename (G_TEST_DIST, "test-chardev-stdio.c", NULL),
                   O_RDONLY | O_CLOEXEC);
  const int inputs[] = { null, file, -1 };

  g_assert_cmpint (file, >=, 0);
  for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
    {
      drop (f);
      g_string_truncate (f->frontend.received, 0);
      make (f, inputs[i], null);
      g_assert_true (sv_chardev_attach (f->chardev, &test_frontend, &f->frontend, NULL));
      run_ready ();
      g_assert_cmpuint (run_ready (), ==, 0);
      g_assert_cmpuint (f->frontend.received->len > 0, ==, inputs[i] == file);
      g_assert_cmpuint (sv_chardev_write (f->chardev, (const guint8 *)"x", 1), ==, 1);
    }
  close (null);
  close (file);
}

static void
test_only_one (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (make_chardev (f->root, "chardev-stdio", "second", "{}", &error));
  g_assert_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "'con'"));
}

static void
test_flow (Fixture *f, gconstpointer data)
{
  g_autofree guint8 *block = g_malloc0 (1 << 20);
  gsize taken = sv_chardev_write (f->chardev, block, 1 << 20);

  g_assert_cmpuint (taken, >, 0);
  g_assert_cmpuint (taken, <, 1 << 20);
  g_assert_cmpuint (run_ready (), ==, 0);
  while (taken > 0)
    {
      gssize n = read (f->from_device, block, MIN (taken, 1 << 20));

      g_assert_cmpint (n, >, 0);
      taken -= n;
    }
  run_until (f->frontend.n_writable == 1);

  /* Input waits for a front end that is not ready. */
  f->frontend.room = 3;
  send_bytes (f, "abcdef");
  run_until (f->frontend.received->len == 3);
  g_assert_cmpuint (run_ready (), ==, 0);
  f->frontend.room = 3;
  sv_chardev_update_input (f->chardev);
  run_until (f->frontend.received->len == 6);
}

static void
take_stream (SvChardev *chardev, int input, int output, gpointer opaque)
{
  int *fds = opaque;

  fds[0] = input;
  fds[1] = output;
}

static void
test_streams (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;
  char buffer[8] = "";
  int fds[2] = { -1, -1 };

  sv_chardev_detach (f->chardev);
  g_assert_true (sv_chardev_take_streams (f->chardev, take_stream, fds, &error));
  g_assert_cmpint (fds[0], !=, fds[1]);
  /* A monitor's bytes are its own. */
  send_bytes (f, "\001x");
  g_assert_cmpint (read (fds[0], buffer, sizeof buffer), ==, 2);
  g_assert_cmpstr (buffer, ==, "\001x");
  g_assert_cmpint (write (fds[1], "{}", 2), ==, 2);
  output = read_output (f);
  g_assert_cmpstr (output, ==, "{}");
  run_ready ();
  g_assert_cmpuint (f->quits, ==, 0);
  close (fds[0]);
  close (fds[1]);

  sv_chardev_detach (f->chardev);
  g_assert_false (sv_chardev_take_streams (f->chardev, take_stream, fds, &error));
  g_assert_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_UNSUPPORTED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/chardev-stdio/talk", test_talk);
  ADD ("/chardev-stdio/keys", test_keys);
  ADD ("/chardev-stdio/keys-without-room", test_keys_without_room);
  ADD ("/chardev-stdio/much-without-room", test_much_without_room);
  ADD ("/chardev-stdio/eof", test_eof);
  ADD ("/chardev-stdio/odd-inputs", test_odd_inputs);
  ADD ("/chardev-stdio/only-one", test_only_one);
  ADD ("/chardev-stdio/flow", test_flow);
  ADD ("/chardev-stdio/streams", test_streams);
  return g_test_run ();
}
