/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/runtime/sv-pid-file.h"

typedef struct
{
  char *directory;
  char *path;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = g_dir_make_tmp ("sv-test-XXXXXX", NULL);
  f->path = g_build_filename (f->directory, "pid", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_unlink (f->path);
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_free (f->directory);
  g_free (f->path);
}

static void
test_life (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *expected = g_strdup_printf ("%d\n", (int)getpid ());
  g_autofree char *text = NULL;
  SvPidFile *file;

  /* Left by a process that was killed, and longer than what comes. */
  g_assert_true (g_file_set_contents (f->path, "12345678901234567890\n", -1, NULL));
  file = sv_pid_file_new (f->path, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (f->path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, expected);
  sv_pid_file_free (file);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

static void
test_in_use (Fixture *f, gconstpointer data)
{
  g_autoptr (SvPidFile) file G_GNUC_UNUSED = sv_pid_file_new (f->path, NULL);
  g_autofree char *message = g_strdup_printf ("Pidfile '%s' is in use by another process", f->path);
  pid_t child = fork ();
  int status;

  if (child == 0)
    {
      GError *error = NULL;
      SvPidFile *second = sv_pid_file_new (f->path, &error);

      _exit (second == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY)
                     && g_str_equal (error->message, message)
                 ? EXIT_SUCCESS
                 : EXIT_FAILURE);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == EXIT_SUCCESS);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

/* What is no file of a process that is gone stays as it is. */
static void
test_foreign (Fixture *f, gconstpointer data)
{
  g_autofree char *alive = g_strdup_printf ("%d\n", (int)getppid ());
  const char *const contents[] = { "precious\n", "", "-1\n", "0\n", "1 2\n", alive };

  for (guint i = 0; i < G_N_ELEMENTS (contents); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = NULL;

      g_assert_true (g_file_set_contents (f->path, contents[i], -1, NULL));
      g_assert_null (sv_pid_file_new (f->path, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
      g_assert_true (g_file_get_contents (f->path, &text, NULL, NULL));
      g_assert_cmpstr (text, ==, contents[i]);
    }
}

static void
test_replaced (Fixture *f, gconstpointer data)
{
  SvPidFile *file = sv_pid_file_new (f->path, NULL);

  /* Somebody else's file has come to the place: it stays. */
  g_assert_cmpint (g_unlink (f->path), ==, 0);
  g_assert_true (g_file_set_contents (f->path, "1\n", -1, NULL));
  sv_pid_file_free (file);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (f->directory, "none", "pid", NULL);
  g_autofree char *message
      = g_strdup_printf ("Cannot write pidfile '%s': No such file or directory", path);

  g_assert_null (sv_pid_file_new (path, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (error->message, ==, message);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/runtime/pid-file/life", Fixture, NULL, set_up, test_life, tear_down);
  g_test_add ("/runtime/pid-file/in-use", Fixture, NULL, set_up, test_in_use, tear_down);
  g_test_add ("/runtime/pid-file/foreign", Fixture, NULL, set_up, test_foreign, tear_down);
  g_test_add ("/runtime/pid-file/replaced", Fixture, NULL, set_up, test_replaced, tear_down);
  g_test_add ("/runtime/pid-file/refused", Fixture, NULL, set_up, test_refused, tear_down);
  return g_test_run ();
}
