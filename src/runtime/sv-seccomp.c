/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-seccomp.h"

#include <errno.h>
#include <gio/gio.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/chardev/sv-terminal.h"
#include "src/runtime/sv-log.h"
#include "src/runtime/sv-seccomp-private.h"

/* No list allows it, and the kernel has no such call. */
#define NEVER_ALLOWED 0x3fffffff

#define MAX_ARENAS 4

static gboolean enabled;
static const char *volatile error_text;

static char *
append (char *end, const char *limit, const char *text)
{
  while (*text != '\0' && end < limit)
    *end++ = *text++;
  return end;
}

static char *
append_number (char *end, const char *limit, gulong number)
{
  char digits[24];
  char *digit = digits + sizeof digits;

  *--digit = '\0';
  do
    *--digit = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return append (end, limit, digit);
}

/* Never waits: a reader who does not read must not keep the process. */
static void
write_if_ready (int fd, const char *text, gsize length)
{
  struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

  if (poll (&pollfd, 1, 0) == 1 && write (fd, text, length) < 0)
    return;
}

/* Async-signal-safe. */
static void
on_violation (int signum, siginfo_t *info, void *context)
{
  char thread_name[16] = "?";
  char line[160];
  const char *limit = line + sizeof line - 1;
  char *end = line;

  prctl (PR_GET_NAME, thread_name);
  end = append (end, limit, "stratovirt: thread ");
  end = append (end, limit, thread_name);
  end = append (end, limit, ": forbidden system call ");
  end = append_number (end, limit, (gulong)(guint)info->si_syscall);
  end = append (end, limit, " (");
  end = append (end, limit, sv_seccomp_get_syscall_name (info->si_syscall));
  end = append (end, limit, ")");
  *end++ = '\n';

  if (sv_log_get_fd () != STDERR_FILENO)
    write_if_ready (sv_log_get_fd (), line, (gsize)(end - line));
  write_if_ready (STDERR_FILENO, line, (gsize)(end - line));
  sv_terminal_restore ();

  /*
   * SIGSYS is blocked while its handler runs: at a second violation the kernel does not ask again,
   * it kills the process. So whatever goes wrong above ends the process as well.
   */
  for (;;)
    syscall (NEVER_ALLOWED);
}

static gboolean
fail (const char *what, GError **error)
{
  int errsv = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errsv),
               "Cannot restrict system calls: %s: %s%s", what, g_strerror (errsv),
               errsv == ENOSYS || errsv == EINVAL || errsv == EOPNOTSUPP
                   ? " (this kernel has no seccomp filters; -disable-seccomp does without)"
                   : "");
  return FALSE;
}

/**
 * sv_seccomp_init:
 * @error: return location
 *
 * Makes [func@seccomp_enter] effective in this process, and takes away from it and its children all
 * ways to gain privileges through a program they start (no_new_privs). For programs, not for
 * libraries; while there is one thread.
 *
 * Returns: %FALSE with @error set when the kernel lacks what it takes
 */
gboolean
sv_seccomp_init (GError **error)
{
  struct sigaction action = { .sa_sigaction = on_violation, .sa_flags = SA_SIGINFO };
  guint32 trap = SECCOMP_RET_TRAP;

  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return fail ("no_new_privs", error);
  if (syscall (SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &trap) < 0)
    return fail ("seccomp", error);
  /* With many threads malloc makes itself arenas, and looks up in /sys how many processors there are before
   * it makes the ninth: no thread may open that file. The data path allocates nothing: a few will do. */
  mallopt (M_ARENA_MAX, MAX_ARENAS);
  /* The first text of an error opens files that tell about character sets, which only the main thread may. */
  error_text = g_strerror (EIO);
  sigfillset (&action.sa_mask);
  if (sigaction (SIGSYS, &action, NULL) < 0)
    return fail ("sigaction", error);
  enabled = TRUE;
  return TRUE;
}

/**
 * sv_seccomp_enter:
 * @kind: what the calling thread is
 * @error: return location
 *
 * From here on the calling thread, and every thread it starts, may ask nothing of the kernel that
 * is not in the list for @kind: the process ends and says which system call it was. Threads that
 * are started later can only restrict themselves further. Without [func@seccomp_init] it does
 * nothing.
 *
 * Returns: %FALSE with @error set when the kernel refuses; the thread is as free as before
 */
gboolean
sv_seccomp_enter (SvThreadKind kind, GError **error)
{
  const SvSeccompFilter *filter = &sv_seccomp_filters[kind];
  struct sock_fprog program = { filter->length, (struct sock_filter *)filter->program };
  sigset_t sigsys;

  g_return_val_if_fail (kind < SV_THREAD_N_KINDS, FALSE);
  if (!enabled)
    return TRUE;

  /* A violation while it is blocked would end the process without a word. */
  sigemptyset (&sigsys);
  sigaddset (&sigsys, SIGSYS);
  pthread_sigmask (SIG_UNBLOCK, &sigsys, NULL);
  /* The threads run no code but this program's: kernels before 5.16 would slow them down against
   * speculation that a sandbox might abuse. */
  if (syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) < 0)
    return fail (filter->kind, error);
  return TRUE;
}

/**
 * sv_seccomp_enter_or_exit: (skip)
 * @kind: what the calling thread is
 *
 * The same as [func@seccomp_enter], where nobody can be told of a failure: the process ends then,
 * as it must not go on without its restrictions.
 */
void
sv_seccomp_enter_or_exit (SvThreadKind kind)
{
  g_autoptr (GError) error = NULL;

  if (sv_seccomp_enter (kind, &error))
    return;
  g_critical ("%s", error->message);
  _exit (EXIT_FAILURE);
}

/**
 * sv_seccomp_get_syscall_name:
 * @number: a system call
 *
 * Returns: its name, "unknown" if there is none; async-signal-safe
 */
const char *
sv_seccomp_get_syscall_name (long number)
{
  if (number < 0 || (gulong)number >= sv_seccomp_n_names || *sv_seccomp_names[number] == '\0')
    return "unknown";
  return sv_seccomp_names[number];
}
