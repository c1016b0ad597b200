/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/* Signals that end the process unless someone handles them: only where the disposition is the
 * default. */
static const int fatal_signals[]
    = { SIGHUP,  SIGINT,  SIGQUIT,   SIGILL,  SIGTRAP, SIGABRT, SIGBUS,  SIGFPE, SIGUSR1, SIGSEGV,
        SIGUSR2, SIGALRM, SIGSTKFLT, SIGTERM, SIGXCPU, SIGXFSZ, SIGPROF, SIGIO,  SIGPWR,  SIGVTALRM,
        SIGSYS };

/* fd is published last and withdrawn first: handlers look at nothing else while it is -1. */
static volatile sig_atomic_t terminal_fd = -1;
static volatile sig_atomic_t terminal_is_raw;
static pid_t terminal_group;
static struct termios terminal_saved;
static struct termios terminal_raw;

/* A background process that sets its terminal is stopped by SIGTTOU. */
static gboolean
in_foreground (int fd)
{
  pid_t group = tcgetpgrp (fd);

  return group < 0 || group == terminal_group;
}

static void
apply (gboolean raw)
{
  int fd = terminal_fd;
  int saved_errno = errno;

  if (fd >= 0 && terminal_is_raw != raw && in_foreground (fd)
      && tcsetattr (fd, TCSANOW, raw ? &terminal_raw : &terminal_saved) == 0)
    terminal_is_raw = raw;
  errno = saved_errno;
}

static void
set_handler (int number, void (*handler) (int), int flags)
{
  struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

  sigemptyset (&action.sa_mask);
  sigaction (number, &action, NULL);
}

static void
raise_default (int number)
{
  sigset_t set;

  set_handler (number, SIG_DFL, 0);
  raise (number);
  sigemptyset (&set);
  sigaddset (&set, number);
  pthread_sigmask (SIG_UNBLOCK, &set, NULL);
}

static void
on_fatal (int number)
{
  apply (FALSE);
  raise_default (number);
}

static void
on_stop (int number)
{
  int saved_errno = errno;

  apply (FALSE);
  raise_default (number);
  /* Here the process goes on again. */
  set_handler (number, on_stop, SA_RESTART);
  errno = saved_errno;
}

static void
on_continue (int number)
{
  /* A shell sets its own modes while a job is stopped, even one stopped by SIGSTOP. */
  terminal_is_raw = FALSE;
  apply (TRUE);
}

static void
install_handlers (void)
{
  static gsize once;
  struct sigaction action;

  if (!g_once_init_enter (&once))
    return;

  for (gsize i = 0; i < G_N_ELEMENTS (fatal_signals); i++)
    if (sigaction (fatal_signals[i], NULL, &action) == 0 && action.sa_handler == SIG_DFL)
      set_handler (fatal_signals[i], on_fatal, 0);
  if (sigaction (SIGTSTP, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
    set_handler (SIGTSTP, on_stop, SA_RESTART);
  if (sigaction (SIGCONT, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
    set_handler (SIGCONT, on_continue, SA_RESTART);
  atexit (sv_terminal_restore);
  g_once_init_leave (&once, 1);
}

gboolean
sv_terminal_set_raw (int fd, gboolean signals)
{
  if (terminal_fd >= 0 || tcgetattr (fd, &terminal_saved) != 0)
    return FALSE;

  terminal_raw = terminal_saved;
  terminal_raw.c_iflag
      &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  terminal_raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
  if (!signals)
    terminal_raw.c_lflag &= ~(tcflag_t)ISIG;
  terminal_raw.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
  terminal_raw.c_cflag |= CS8;
  terminal_raw.c_cc[VMIN] = 1;
  terminal_raw.c_cc[VTIME] = 0;

  install_handlers ();
  terminal_is_raw = FALSE;
  terminal_group = getpgrp ();
  terminal_fd = fd;
  apply (TRUE);
  return TRUE;
}

gboolean
sv_terminal_is_ours (void)
{
  if (terminal_fd < 0)
    return TRUE;
  if (!in_foreground (terminal_fd))
    return FALSE;

  apply (TRUE);
  return TRUE;
}

void
sv_terminal_restore (void)
{
  apply (FALSE);
  terminal_fd = -1;
}
