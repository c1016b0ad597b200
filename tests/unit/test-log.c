/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-log.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A process has one log writer for good: each test runs its messages in a process of its own, with
 * the variables of its environment, and looks at what that wrote.
 */
static void
log_all_levels (void)
{
  g_autoptr (GError) error = NULL;

  sv_log_init (g_getenv ("SV_TEST_LOG_FILE"), &error);
  g_assert_no_error (error);
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_critical ("a critical");
  g_warning ("a warning");
  g_message ("a message");
  g_info ("an info");
  sv_debug ("a debug");
  sv_trace ("a trace");
  g_log ("Other", G_LOG_LEVEL_DEBUG, "from elsewhere");
  g_log ("Other", G_LOG_LEVEL_WARNING, "elsewhere warns");
}

static const struct
{
  const char *level;
  const char *shown;
  const char *hidden;
} cases[] = {
  { NULL, "warning", "message" },
  { "", "warning", "message" },
  { "error", "critical", "warning" },
  { "warning", "warning", "info" },
  { "info", "info", "debug" },
  { "debug", "debug", "from elsewhere" },
  { "debug", "info", "trace" },
  { "TRACE", "trace", "not there" },
  { "trace", "from elsewhere", "not there" },
  { "info", "message", "debug" },
  { "warning", "elsewhere warns", "message" },
};

static void
test_levels (void)
{
  if (g_test_subprocess ())
    {
      log_all_levels ();
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *shown = g_strdup_printf ("*%s\n*", cases[i].shown);
      g_autofree char *hidden = g_strdup_printf ("*%s\n*", cases[i].hidden);

      if (cases[i].level != NULL)
        g_setenv ("STRATOVIRT_LOG_LEVEL", cases[i].level, TRUE);
      else
        g_unsetenv ("STRATOVIRT_LOG_LEVEL");
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      g_test_trap_assert_stderr (shown);
      g_test_trap_assert_stderr_unmatched (hidden);
    }
  g_unsetenv ("STRATOVIRT_LOG_LEVEL");
}

static void
test_bad_level (void)
{
  g_autoptr (GError) error = NULL;

  g_setenv ("STRATOVIRT_LOG_LEVEL", "loud", TRUE);
  g_assert_false (sv_log_init (NULL, &error));
  g_assert_cmpstr (
      error->message, ==,
      "STRATOVIRT_LOG_LEVEL is 'loud'; it must be error, warning, info, debug or trace");
  g_unsetenv ("STRATOVIRT_LOG_LEVEL");
}

static void
test_file (void)
{
  g_autofree char *path = NULL, *text = NULL;
  g_auto (GStrv) lines = NULL;
  int fd;

  if (g_test_subprocess ())
    {
      log_all_levels ();
      return;
    }

  fd = g_file_open_tmp ("sv-log-XXXXXX", &path, NULL);
  g_assert_cmpint (write (fd, "before\n", 7), ==, 7);
  close (fd);
  g_setenv ("SV_TEST_LOG_FILE", path, TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr_unmatched ("*a warning*");
  g_unsetenv ("SV_TEST_LOG_FILE");

  /* Appended to; time, domain, level, text */
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", 0);
  g_assert_cmpstr (lines[0], ==, "before");
  g_assert_true (g_regex_match_simple (
      "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3} stratovirt: error: a critical$",
      lines[1], 0, 0));
  g_assert_true (g_str_has_suffix (lines[2], " stratovirt: warning: a warning"));
  g_assert_true (g_str_has_suffix (lines[3], " Other: warning: elsewhere warns"));
  g_assert_cmpstr (lines[4], ==, "");
  g_assert_null (lines[5]);
  g_remove (path);
}

/* No falling back on standard error: whoever asked for a file does not look there. */
static void
test_bad_file (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sv_log_init ("/nowhere/at/all.log", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "'/nowhere/at/all.log'"));
}

static void
test_named_pipe (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("test-log-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "pipe", NULL);
  int reader;

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  g_assert_false (sv_log_init (path, &error));
  g_assert_nonnull (strstr (error->message, "nobody reads"));

  reader = open (path, O_RDONLY | O_NONBLOCK);
  g_assert_true (sv_log_init (path, NULL));
  g_assert_cmpint (fcntl (sv_log_get_fd (), F_GETFL) & O_NONBLOCK, ==, 0);
  g_assert_true (sv_log_init (NULL, NULL));
  close (reader);
  g_remove (path);
  g_rmdir (folder);
}

static void
log_to_full_pipe (void)
{
  g_autofree char *text = g_malloc0 (1 << 20);
  int fds[2];
  gssize n;

  g_assert_cmpint (pipe (fds), ==, 0);
  dup2 (fds[1], STDERR_FILENO);
  g_assert_true (sv_log_init (NULL, NULL));
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  fcntl (fds[1], F_SETFL, O_NONBLOCK);
  while (write (fds[1], text, 4096) > 0)
    continue;
  fcntl (fds[1], F_SETFL, 0);

  g_warning ("one that is lost");
  g_warning ("another one");
  g_assert_cmpint (read (fds[0], text, 1 << 20), >, 0);
  g_warning ("one that comes");
  n = read (fds[0], text, (1 << 20) - 1);
  g_assert_cmpint (n, >, 0);
  text[n] = '\0';
  g_assert_nonnull (strstr (text, ": 2 messages are missing here"));
  g_assert_nonnull (strstr (text, "one that comes\n"));
  g_assert_null (strstr (text, "lost"));
}

/* Nobody waits for a reader. */
static void
test_full_pipe (void)
{
  if (g_test_subprocess ())
    {
      log_to_full_pipe ();
      return;
    }
  g_test_trap_subprocess (NULL, 20 * G_USEC_PER_SEC, 0);
  g_test_trap_assert_passed ();
}

static void
test_escapes (void)
{
  if (g_test_subprocess ())
    {
      g_assert_true (sv_log_init (NULL, NULL));
      g_log_set_always_fatal (G_LOG_FATAL_MASK);
      g_warning ("clear\033[2Jscreen\r\nforged: line\n\n");
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*: clear\\x1b?2Jscreen\\x0d\n  forged: line\n");
}

static void
test_guest (void)
{
  g_autofree char *path = NULL, *text = NULL;
  g_auto (GStrv) parts = NULL;
  gint64 start;
  guint n, limit;

  if (g_test_subprocess ())
    {
      g_assert_true (sv_log_init (g_getenv ("SV_TEST_LOG_FILE"), NULL));
      for (guint i = 0; i < 100000; i++)
        sv_log_guest ("complaint %u", i);
      sv_log_guest ("another place");
      return;
    }

  close (g_file_open_tmp ("sv-log-XXXXXX", &path, NULL));
  g_setenv ("SV_TEST_LOG_FILE", path, TRUE);
  start = g_get_monotonic_time ();
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_unsetenv ("SV_TEST_LOG_FILE");

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, " stratovirt: warning: guest: complaint 0\n"));
  g_assert_nonnull (strstr (text, "(repeated; not shown every time)\n"));
  g_assert_nonnull (strstr (text, "guest: another place\n"));
  parts = g_strsplit (text, "complaint", 0);
  n = g_strv_length (parts) - 1;
  limit = 5 + 1 + (guint)((g_get_monotonic_time () - start) / (G_USEC_PER_SEC / 5));
  g_assert_cmpuint (n, >=, 5);
  g_assert_cmpuint (n, <=, limit);
  g_remove (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/log/levels", test_levels);
  g_test_add_func ("/log/bad-level", test_bad_level);
  g_test_add_func ("/log/file", test_file);
  g_test_add_func ("/log/bad-file", test_bad_file);
  g_test_add_func ("/log/named-pipe", test_named_pipe);
  g_test_add_func ("/log/full-pipe", test_full_pipe);
  g_test_add_func ("/log/escapes", test_escapes);
  g_test_add_func ("/log/guest", test_guest);

  return g_test_run ();
}
