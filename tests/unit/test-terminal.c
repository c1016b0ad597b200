/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "chardev-fixture.h"

/*
 * A terminal with a shell and a job, as a person has them: the test holds the terminal's other end,
 * the shell (this program with --shell) leads the session, the job (--job) is a VM that echoes what
 * is typed on chardev-stdio. Without a shell beside it the job could not be stopped by SIGTSTP.
 */
typedef struct
{
  int master;
  int slave;
  int to_shell;
  int from_shell;
  pid_t shell;
  pid_t job;
} Fixture;

/* --- job --- */

static GMainLoop *job_loop;
static SvChardev *job_chardev;

static gsize
job_can_receive (gpointer opaque)
{
  return 16;
}

static void
job_receive (gpointer opaque, const guint8 *data, gsize length)
{
  switch (data[0])
    {
    case 'A':
      abort ();
    case 'E':
      exit (3);
    case 'R':
      g_main_loop_quit (job_loop);
      break;
    case 'S':
      raise (SIGSEGV);
      break;
    default:
      sv_chardev_write (job_chardev, data, length);
    }
}

static void
job_quit (SvChardev *chardev)
{
  exit (42);
}

static const int default_signals[] = { SIGSEGV, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP };

static int
run_job (const char *json)
{
  static const SvChardevFrontend frontend = { job_can_receive, job_receive, NULL, NULL };
  g_autoptr (SvObject) root = sv_object_new_container ();

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  prctl (PR_SET_DUMPABLE, 0);
  /* Whatever a sanitizer would do with it, or nohup made of them */
  for (guint i = 0; i < G_N_ELEMENTS (default_signals); i++)
    signal (default_signals[i], SIG_DFL);
  job_loop = g_main_loop_new (NULL, FALSE);
  job_chardev = make_chardev (root, "chardev-stdio", "con", json, NULL);
  g_signal_connect (job_chardev, "quit-requested", G_CALLBACK (job_quit), NULL);
  sv_chardev_attach (job_chardev, &frontend, NULL, NULL);
  sv_chardev_write (job_chardev, (const guint8 *)"ready", 5);
  g_main_loop_run (job_loop);
  return 0;
}

/* --- shell --- */

typedef enum
{
  REPORT_STARTED = 1,
  REPORT_STATUS,
  REPORT_DONE,
} ReportKind;

typedef struct
{
  ReportKind kind;
  int value;
} Report;

static void
report (ReportKind kind, int value)
{
  Report message = { kind, value };

  if (write (4, &message, sizeof message) != sizeof message)
    _exit (1);
}

/* Orders come on descriptor 3, one byte each; reports go to descriptor 4. */
static int
run_shell (const char *program, const char *json)
{
  char order;
  int status;
  pid_t job;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  setsid ();
  ioctl (STDIN_FILENO, TIOCSCTTY, 0);
  signal (SIGTTOU, SIG_IGN);
  job = fork ();
  if (job == 0)
    {
      setpgid (0, 0);
      tcsetpgrp (STDIN_FILENO, getpid ());
      signal (SIGTTOU, SIG_DFL);
      close (3);
      close (4);
      execl (program, program, "--job", json, NULL);
      _exit (127);
    }
  setpgid (job, job);
  tcsetpgrp (STDIN_FILENO, job);
  report (REPORT_STARTED, job);

  while (read (3, &order, 1) == 1)
    switch (order)
      {
      case 'w':
        if (waitpid (job, &status, WUNTRACED | WCONTINUED) == job)
          report (REPORT_STATUS, status);
        break;
      case 'b':
        tcsetpgrp (STDIN_FILENO, getpgrp ());
        report (REPORT_DONE, 0);
        break;
      case 'f':
        tcsetpgrp (STDIN_FILENO, job);
        report (REPORT_DONE, 0);
        break;
      default:
        return 1;
      }
  return 0;
}

/* --- test --- */

static int
get_report (Fixture *f, ReportKind kind)
{
  Report message = { 0 };

  g_assert_cmpint (read (f->from_shell, &message, sizeof message), ==, sizeof message);
  g_assert_cmpint (message.kind, ==, kind);
  return message.value;
}

static int
give_order (Fixture *f, char order, ReportKind kind)
{
  g_assert_cmpint (write (f->to_shell, &order, 1), ==, 1);
  return get_report (f, kind);
}

static int
await_status (Fixture *f)
{
  return give_order (f, 'w', REPORT_STATUS);
}

static void
type (Fixture *f, const char *text)
{
  g_assert_cmpint (write (f->master, text, strlen (text)), ==, strlen (text));
}

static void
await_output (Fixture *f, const char *expected)
{
  g_autoptr (GString) seen = g_string_new (NULL);
  char buffer[64];

  while (strstr (seen->str, expected) == NULL)
    {
      gssize n = read (f->master, buffer, sizeof buffer);

      g_assert_cmpint (n, >, 0);
      g_string_append_len (seen, buffer, n);
    }
}

static gboolean
is_raw (Fixture *f)
{
  struct termios termios;

  g_assert_cmpint (tcgetattr (f->slave, &termios), ==, 0);
  return (termios.c_lflag & (ICANON | ECHO)) == 0;
}

/* A change of the settings is no event that could be waited for. */
static void
await_raw (Fixture *f)
{
  while (!is_raw (f))
    g_thread_yield ();
}

static gboolean
has_signals (Fixture *f)
{
  struct termios termios;

  g_assert_cmpint (tcgetattr (f->slave, &termios), ==, 0);
  return (termios.c_lflag & ISIG) != 0;
}

static void
be_shell (gpointer user_data)
{
  int *fds = user_data;

  /* Out of the way of 0 to 4 first. */
  for (guint i = 0; i < 3; i++)
    fds[i] = fcntl (fds[i], F_DUPFD, 20);
  dup2 (fds[0], STDIN_FILENO);
  dup2 (fds[0], STDOUT_FILENO);
  dup2 (fds[1], 3);
  dup2 (fds[2], 4);
  for (guint i = 0; i < 3; i++)
    close (fds[i]);
}

static void
set_up (Fixture *f, gconstpointer json)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *program = g_file_read_link ("/proc/self/exe", &error);
  const char *argv[] = { program, "--shell", json, NULL };
  char name[64];
  int orders[2];
  int reports[2];
  int fds[3];

  f->master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_cmpint (grantpt (f->master), ==, 0);
  g_assert_cmpint (unlockpt (f->master), ==, 0);
  g_assert_cmpint (ptsname_r (f->master, name, sizeof name), ==, 0);
  f->slave = open (name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_cmpint (pipe2 (orders, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (reports, O_CLOEXEC), ==, 0);
  fds[0] = f->slave;
  fds[1] = orders[0];
  fds[2] = reports[1];
  g_spawn_async (NULL, (char **)argv, NULL,
                 G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_LEAVE_DESCRIPTORS_OPEN
                     | G_SPAWN_CHILD_INHERITS_STDIN,
                 be_shell, fds, &f->shell, &error);
  g_assert_no_error (error);
  close (orders[0]);
  close (reports[1]);
  f->to_shell = orders[1];
  f->from_shell = reports[0];
  f->job = get_report (f, REPORT_STARTED);
  await_output (f, "ready");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  int status;

  kill (f->job, SIGKILL);
  close (f->to_shell);
  g_assert_cmpint (waitpid (f->shell, &status, 0), ==, f->shell);
  close (f->from_shell);
  close (f->slave);
  close (f->master);
}

static void
test_raw (Fixture *f, gconstpointer data)
{
  g_assert_true (is_raw (f));
  g_assert_false (has_signals (f));
  type (f, "\003\032z");
  await_output (f, "\003\032z");
}

static void
test_signals_on (Fixture *f, gconstpointer data)
{
  int status;

  g_assert_true (is_raw (f));
  g_assert_true (has_signals (f));
  type (f, "\003");
  status = await_status (f);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGINT);
  g_assert_false (is_raw (f));
}

static void
test_exits (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *keys;
    int signal;      /* instead of keys */
    int exit_status; /* -1: by @signal or @by_signal */
    int by_signal;
  } ways[] = {
    { "R", 0, 0, 0 },
    { "E", 0, 3, 0 },
    { "\001x", 0, 42, 0 },
    { "A", 0, -1, SIGABRT },
    { "S", 0, -1, SIGSEGV },
    { NULL, SIGTERM, -1, SIGTERM },
    { NULL, SIGINT, -1, SIGINT },
    { NULL, SIGHUP, -1, SIGHUP },
    { NULL, SIGQUIT, -1, SIGQUIT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      int status;

      if (i > 0)
        {
          tear_down (f, NULL);
          set_up (f, "{}");
        }
      g_assert_true (is_raw (f));
      if (ways[i].keys != NULL)
        type (f, ways[i].keys);
      else
        kill (f->job, ways[i].signal);
      status = await_status (f);
      if (ways[i].exit_status >= 0)
        g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == ways[i].exit_status);
      else
        g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == ways[i].by_signal);
      g_assert_false (is_raw (f));
      g_assert_true (has_signals (f));
    }
}

static void
test_stop (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      int status;

      kill (f->job, SIGTSTP);
      status = await_status (f);
      g_assert_true (WIFSTOPPED (status) && WSTOPSIG (status) == SIGTSTP);
      g_assert_false (is_raw (f));

      kill (f->job, SIGCONT);
      g_assert_true (WIFCONTINUED (await_status (f)));
      await_raw (f);
      type (f, "x");
      await_output (f, "x");
    }
}

/* SIGSTOP cannot be caught: the shell brings its own settings. */
static void
test_hard_stop (Fixture *f, gconstpointer data)
{
  struct termios termios;

  kill (f->job, SIGSTOP);
  g_assert_true (WIFSTOPPED (await_status (f)));
  g_assert_cmpint (tcgetattr (f->slave, &termios), ==, 0);
  termios.c_lflag |= ICANON | ECHO | ISIG;
  g_assert_cmpint (tcsetattr (f->slave, TCSANOW, &termios), ==, 0);
  kill (f->job, SIGCONT);
  g_assert_true (WIFCONTINUED (await_status (f)));
  await_raw (f);
  type (f, "x");
  await_output (f, "x");
}

/* In the background the terminal is the shell's: the VM neither reads it, which would stop it, nor
 * sets it. */
static void
test_background (Fixture *f, gconstpointer data)
{
  struct termios termios;
  int status;

  give_order (f, 'b', REPORT_DONE);
  g_assert_cmpint (tcgetattr (f->slave, &termios), ==, 0);
  termios.c_lflag |= ICANON | ISIG;
  g_assert_cmpint (tcsetattr (f->slave, TCSANOW, &termios), ==, 0);
  kill (f->job, SIGCONT);
  type (f, "typed\n");
  /* Back in the foreground it notices by itself, and finds what nobody else read. */
  give_order (f, 'f', REPORT_DONE);
  await_output (f, "typed\r\n");
  g_assert_false (has_signals (f));
  type (f, "E");
  status = await_status (f);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 3);

  /* One that ends there leaves the terminal as the shell has it. */
  tear_down (f, NULL);
  set_up (f, "{}");
  give_order (f, 'b', REPORT_DONE);
  kill (f->job, SIGTERM);
  status = await_status (f);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGTERM);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--shell") == 0)
    return run_shell (argv[0], argv[2]);
  if (argc == 3 && strcmp (argv[1], "--job") == 0)
    return run_job (argv[2]);

  g_test_init (&argc, &argv, NULL);
#define ADD(path, json, func) g_test_add (path, Fixture, json, set_up, func, tear_down)
  ADD ("/terminal/raw", "{}", test_raw);
  ADD ("/terminal/signals-on", "{\"signal\": true}", test_signals_on);
  ADD ("/terminal/exits", "{}", test_exits);
  ADD ("/terminal/stop", "{}", test_stop);
  ADD ("/terminal/hard-stop", "{}", test_hard_stop);
  ADD ("/terminal/background", "{}", test_background);
  return g_test_run ();
}
