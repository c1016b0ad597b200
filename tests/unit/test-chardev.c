/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chardev-fixture.h"
#include "src/chardev/sv-chardev-file.h"

typedef struct
{
  SvObject *root;
  char *dir;
  TestFrontend frontend;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->root = sv_object_new_container ();
  f->dir = g_dir_make_tmp ("test-chardev-XXXXXX", &error);
  g_assert_no_error (error);
  test_frontend_init (&f->frontend);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_finalize_object (f->root);
  g_assert_cmpint (g_rmdir (f->dir), ==, 0);
  g_free (f->dir);
  test_frontend_clear (&f->frontend);
}

static void
test_attach (Fixture *f, gconstpointer data)
{
  g_autoptr (TestChardev) device = g_object_new (TEST_TYPE_CHARDEV, NULL);
  SvChardev *chardev = SV_CHARDEV (device);
  g_autoptr (GError) error = NULL;

  g_assert_true (sv_object_add_child (f->root, "c0", SV_OBJECT (chardev), NULL));
  g_assert_cmpuint (sv_chardev_can_receive (chardev), ==, 0);
  sv_chardev_event (chardev, SV_CHARDEV_OPENED);
  g_assert_true (sv_chardev_attach (chardev, &test_frontend, &f->frontend, &error));
  g_assert_cmpuint (f->frontend.n_opened, ==, 1);
  g_assert_true (sv_chardev_is_attached (chardev));

  g_assert_false (sv_chardev_attach (chardev, &test_frontend, &f->frontend, &error));
  g_assert_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "'c0'"));
  g_clear_error (&error);
  g_assert_false (sv_object_remove (SV_OBJECT (chardev), &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY);
  g_clear_error (&error);

  sv_chardev_event (chardev, SV_CHARDEV_CLOSED);
  g_assert_cmpuint (f->frontend.n_closed, ==, 1);
  g_assert_false (sv_chardev_is_open (chardev));
  g_string_append (device->input, "abc");
  f->frontend.room = 2;
  sv_chardev_update_input (chardev);
  g_assert_cmpstr (f->frontend.received->str, ==, "ab");

  sv_chardev_detach (chardev);
  f->frontend.room = 10;
  sv_chardev_update_input (chardev);
  sv_chardev_event (chardev, SV_CHARDEV_BREAK);
  sv_chardev_writable (chardev);
  g_assert_cmpstr (f->frontend.received->str, ==, "ab");
  g_assert_cmpuint (f->frontend.n_breaks + f->frontend.n_writable, ==, 0);
  g_assert_true (sv_chardev_attach (chardev, &test_frontend, &f->frontend, &error));
  g_assert_cmpstr (f->frontend.received->str, ==, "abc");
  sv_chardev_detach (chardev);
  g_assert_true (sv_object_remove (SV_OBJECT (chardev), &error));
}

static void
no_stream (SvChardev *chardev, int input, int output, gpointer opaque)
{
  g_assert_not_reached ();
}

static void
test_null (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SvChardev) chardev = make_chardev (f->root, "chardev-null", "n", "{}", &error);
  g_autofree char *filename = NULL;

  g_assert_no_error (error);
  filename = sv_chardev_dup_filename (chardev);
  g_assert_cmpstr (filename, ==, "null");
  g_assert_cmpuint (sv_chardev_write (chardev, (const guint8 *)"abc", 3), ==, 3);
  g_assert_false (sv_chardev_take_streams (chardev, no_stream, NULL, &error));
  g_assert_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_UNSUPPORTED);
  g_assert_false (sv_chardev_is_attached (chardev));
}

static void
assert_contents (const char *path, const char *expected)
{
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &contents, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (contents, ==, expected);
}

static void
write_file (Fixture *f, const char *path, const char *option, const char *text)
{
  g_autofree char *json = g_strdup_printf ("{\"path\": \"%s\"%s}", path, option);
  g_autoptr (GError) error = NULL;
  g_autoptr (SvChardev) chardev = make_chardev (f->root, "chardev-file", "f", json, &error);
  g_autofree char *filename = NULL;

  g_assert_no_error (error);
  filename = sv_chardev_dup_filename (chardev);
  g_assert_cmpstr (filename, ==, "file");
  g_assert_true (sv_chardev_is_open (chardev));
  g_assert_cmpuint (sv_chardev_write (chardev, (const guint8 *)text, strlen (text)), ==,
                    strlen (text));
  sv_object_unparent (SV_OBJECT (chardev));
}

static void
test_file (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->dir, "out", NULL);

  write_file (f, path, "", "one\n");
  assert_contents (path, "one\n");
  write_file (f, path, ", \"append\": true", "two\n");
  assert_contents (path, "one\ntwo\n");
  write_file (f, path, ", \"append\": \"off\"", "three\n");
  assert_contents (path, "three\n");
  g_unlink (path);
}

static void
assert_file_refused (Fixture *f, const char *json, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (make_chardev (f->root, "chardev-file", "f", json, &error));
  g_assert_nonnull (strstr (error->message, word));
}

static void
test_file_errors (Fixture *f, gconstpointer data)
{
  g_autofree char *fifo = g_build_filename (f->dir, "fifo", NULL);
  g_autofree char *json = g_strdup_printf ("{\"path\": \"%s\"}", fifo);

  assert_file_refused (f, "{}", "'path' is missing");
  assert_file_refused (f, "{\"path\": \"/nowhere/at/all\"}", "/nowhere/at/all");
  assert_file_refused (f, "{\"path\": \"/x\", \"pat\": \"y\"}", "pat");
  /* A named pipe that nobody reads would block. */
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  assert_file_refused (f, json, "nobody reads");
  g_unlink (fifo);
}

static void
test_fifo (Fixture *f, gconstpointer data)
{
  g_autofree char *fifo = g_build_filename (f->dir, "fifo", NULL);
  g_autofree char *json = g_strdup_printf ("{\"path\": \"%s\"}", fifo);
  g_autofree guint8 *block = g_malloc0 (1 << 20);
  g_autoptr (SvChardev) chardev = NULL;
  g_autoptr (GError) error = NULL;
  gsize taken;
  gsize drained = 0;
  int reader;

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  reader = open (fifo, O_RDONLY | O_NONBLOCK);
  chardev = make_chardev (f->root, "chardev-file", "f", json, &error);
  g_assert_no_error (error);
  g_assert_true (sv_chardev_attach (chardev, &test_frontend, &f->frontend, NULL));

  /* A full pipe takes what fits and says when there is room; nothing waits. */
  taken = sv_chardev_write (chardev, block, 1 << 20);
  g_assert_cmpuint (taken, >, 0);
  g_assert_cmpuint (taken, <, 1 << 20);
  g_assert_cmpuint (sv_chardev_write (chardev, block, 1), ==, 0);
  g_assert_cmpuint (run_ready (), ==, 0);
  while (drained < taken)
    {
      gssize n = read (reader, block, 1 << 20);

      g_assert_cmpint (n, >, 0);
      drained += n;
    }
  run_until (f->frontend.n_writable == 1);
  g_assert_cmpuint (sv_chardev_write (chardev, block, 1), ==, 1);
  g_assert_cmpuint (run_ready (), ==, 0);

  /* Nobody reads any more: output is dropped, SIGPIPE does not come. */
  close (reader);
  g_assert_cmpuint (sv_chardev_write (chardev, block, 100), ==, 100);
  g_assert_cmpuint (sv_chardev_write (chardev, block, 1 << 20), ==, 1 << 20);
  g_unlink (fifo);
}

static void
test_parse_good (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *text;
    const char *json;
  } cases[] = {
    { "stdio", "{\"backend\":\"stdio\"}" },
    { "stdio,signal=off", "{\"backend\":\"stdio\",\"signal\":\"off\"}" },
    { "pty", "{\"backend\":\"pty\"}" },
    { "null", "{\"backend\":\"null\"}" },
    { "file:/a,b=c", "{\"backend\":\"file\",\"path\":\"/a,b=c\"}" },
    { "unix:/s", "{\"backend\":\"socket\",\"path\":\"/s\"}" },
    { "unix:/s,server,nowait",
      "{\"backend\":\"socket\",\"path\":\"/s\",\"server\":true,\"wait\":false}" },
    { "unix:/s,server=on,wait=off",
      "{\"backend\":\"socket\",\"path\":\"/s\",\"server\":\"on\",\"wait\":\"off\"}" },
    { "unix:/a,,b,server", "{\"backend\":\"socket\",\"path\":\"/a,b\",\"server\":true}" },
    { "tcp:localhost:80,nodelay",
      "{\"backend\":\"socket\",\"host\":\"localhost\",\"port\":\"80\",\"nodelay\":true}" },
    { "tcp:[::1]:80,ipv6",
      "{\"backend\":\"socket\",\"host\":\"::1\",\"port\":\"80\",\"ipv6\":true}" },
    { "file,path=/a,append", "{\"backend\":\"file\",\"path\":\"/a\",\"append\":true}" },
    { "socket,path=/s,server,nowait",
      "{\"backend\":\"socket\",\"path\":\"/s\",\"server\":true,\"wait\":false}" },
    { "tcp::80,server,wait",
      "{\"backend\":\"socket\",\"host\":\"\",\"port\":\"80\",\"server\":true,\"wait\":true}" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = json_node_alloc ();
      g_autofree char *json = NULL;

      json_node_init (node, JSON_NODE_OBJECT);
      json_node_take_object (node, sv_chardev_parse_short (cases[i].text, &error));
      g_assert_no_error (error);
      json = json_to_string (node, FALSE);
      g_assert_cmpstr (json, ==, cases[i].json);
    }
}

static void
test_parse_bad (Fixture *f, gconstpointer data)
{
  static const char *const cases[] = { "",         "stdi",      "stdiox",        "pipe:/x",
                                       "tcp:80",   "tcp:host:", "unix:/s,servr", "unix:/s,=on",
                                       "unix:/s,", "pty,",      "tcp:",          "vc",
                                       "files",    "socket:",   "file,/a" };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (sv_chardev_parse_short (cases[i], &error));
      g_assert_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_ADDRESS);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/chardev/attach", test_attach);
  ADD ("/chardev/null", test_null);
  ADD ("/chardev/file", test_file);
  ADD ("/chardev/file-errors", test_file_errors);
  ADD ("/chardev/fifo", test_fifo);
  ADD ("/chardev/parse-good", test_parse_good);
  ADD ("/chardev/parse-bad", test_parse_bad);
  return g_test_run ();
}
