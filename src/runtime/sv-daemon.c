/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Written to by the daemon when it is ready; its end of file tells the parent that it failed. */
static int ready_fd = -1;
/* /dev/null, which may be out of reach later */
static int null_fd = -1;

static gboolean
fail (const char *what, GError **error)
{
  int errsv = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errsv),
               "Cannot go into the background: %s: %s", what, g_strerror (errsv));
  return FALSE;
}

/* In the parent: stays until the daemon is ready or gone. */
static void
wait_for_daemon (pid_t child, int fd)
{
  char byte;
  ssize_t n;

  do
    n = read (fd, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n < 1)
    waitpid (child, NULL, 0);
  /* Without exit handlers: what they would tidy up is the daemon's now. */
  _exit (n == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/**
 * sv_daemon_start: (skip)
 * @error: return location
 *
 * Goes into the background, in a session without a terminal. Returns in the new process only; the
 * caller's process stays until that one called [func@daemon_ready], and exits with status 0, or is
 * gone, and exits with status 1. Standard error still works meanwhile, for messages.
 *
 * There must be no other thread yet.
 *
 * Returns: %FALSE with @error set when there is no new process
 */
gboolean
sv_daemon_start (GError **error)
{
  int fds[2];
  pid_t child;

  null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_fd < 0)
    return fail ("/dev/null", error);
  if (pipe2 (fds, O_CLOEXEC) < 0)
    return fail ("pipe2", error);
  child = fork ();
  if (child < 0)
    {
      fail ("fork", error);
      close (fds[0]);
      close (fds[1]);
      return FALSE;
    }
  if (child > 0)
    {
      close (fds[1]);
      wait_for_daemon (child, fds[0]);
    }

  close (fds[0]);
  ready_fd = fds[1];
  setsid ();
  /* Not the leader of the session any more: opening a terminal does not make it ours. */
  child = fork ();
  if (child < 0)
    return fail ("fork", error);
  if (child > 0)
    _exit (EXIT_SUCCESS);
  umask (027);
  return TRUE;
}

/**
 * sv_daemon_ready: (skip)
 * @error: return location
 *
 * Lets go of the directory and of the standard streams that came from the caller of this program,
 * and tells its waiting process that all is well. Does nothing unless [func@daemon_start] was
 * called.
 *
 * Returns: %FALSE with @error set when that fails
 */
gboolean
sv_daemon_ready (GError **error)
{
  if (ready_fd < 0)
    return TRUE;

  if (chdir ("/") < 0 || dup2 (null_fd, STDIN_FILENO) < 0 || dup2 (null_fd, STDOUT_FILENO) < 0
      || dup2 (null_fd, STDERR_FILENO) < 0)
    return fail ("/dev/null", error);
  if (null_fd > STDERR_FILENO)
    close (null_fd);
  null_fd = -1;
  if (write (ready_fd, "", 1) != 1)
    return fail ("write", error);
  close (ready_fd);
  ready_fd = -1;
  return TRUE;
}
