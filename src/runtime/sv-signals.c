/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-signals.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <sys/signalfd.h>
#include <unistd.h>

/*
 * Requests to end come in by a signalfd. GLib's own sources for signals need a thread of their own,
 * which costs start-up time and would be one more to confine.
 */

typedef struct
{
  GSourceFunc func;
  gpointer user_data;
} Watch;

static void
fill (sigset_t *set)
{
  sigemptyset (set);
  sigaddset (set, SIGINT);
  sigaddset (set, SIGTERM);
  sigaddset (set, SIGHUP);
}

static gboolean
readable (int fd, GIOCondition condition, gpointer user_data)
{
  Watch *watch = user_data;
  struct signalfd_siginfo info;

  while (read (fd, &info, sizeof info) == sizeof info)
    {
      if (!watch->func (watch->user_data))
        return G_SOURCE_REMOVE;
    }
  return G_SOURCE_CONTINUE;
}

/**
 * sv_signals_watch: (skip)
 * @func: called by the default main context when someone asks the process to end
 * @user_data: for @func
 * @error: return location
 *
 * From here on SIGINT, SIGTERM and SIGHUP do not end the process but call @func. Threads that were
 * started before must have blocked them: [func@signals_block].
 *
 * Returns: %FALSE with @error set when that cannot be had
 */
gboolean
sv_signals_watch (GSourceFunc func, gpointer user_data, GError **error)
{
  sigset_t set;
  Watch *watch;
  int fd;

  fill (&set);
  fd = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0)
    {
      int errsv = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errsv), "Cannot watch signals: %s",
                   g_strerror (errsv));
      return FALSE;
    }
  sv_signals_block (NULL);
  watch = g_new (Watch, 1);
  *watch = (Watch){ func, user_data };
  /* Lives as long as the process. */
  g_unix_fd_add_full (G_PRIORITY_DEFAULT, fd, G_IO_IN, readable, watch, g_free);
  return TRUE;
}

/**
 * sv_signals_block: (skip)
 * @old: (out) (optional): the mask as it was
 *
 * Blocks the signals of [func@signals_watch] in the calling thread and in those that it starts:
 * they are the main thread's business.
 */
void
sv_signals_block (sigset_t *old)
{
  sigset_t set;

  fill (&set);
  pthread_sigmask (SIG_BLOCK, &set, old);
}
