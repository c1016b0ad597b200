/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-chardev-pty.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "src/chardev/sv-fd-stream.h"
#include "src/migration/sv-migratable.h"

#define OPEN_CHECK_SECONDS 1

/*
 * The kernel tells the master when the last user closes the terminal, not when the first one opens
 * it. inotify does, so an unused console wakes nobody up; without inotify, a timer looks.
 */
struct _SvChardevPty
{
  SvChardev parent_instance;

  SvFdStream *stream;
  int master; /* owned by stream */
  char *slave_name;
  int inotify;
  GSource *open_source;

  /* For a monitor */
  SvChardevStreamFunc stream_func;
  gpointer stream_opaque;
  gboolean given; /* a copy of the master */
  GSource *again_source;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvChardevPty, sv_chardev_pty, SV_TYPE_CHARDEV,
                               SV_MIGRATABLE_STATELESS ("its peers are others elsewhere; what they have not taken is kept by its user"))

static gboolean
has_user (SvChardevPty *self)
{
  struct pollfd pollfd = { .fd = self->master, .events = POLLIN };

  return poll (&pollfd, 1, 0) >= 0 && (pollfd.revents & POLLHUP) == 0;
}

static void on_hangup (SvChardev *chardev);

static const SvFdStreamFuncs stream_funcs = {
  .hangup = on_hangup,
};

static void
give_stream (SvChardevPty *self)
{
  int copy = fcntl (self->master, F_DUPFD_CLOEXEC, 0);

  if (copy < 0)
    return;
  self->given = TRUE;
  self->stream_func (SV_CHARDEV (self), copy, copy, self->stream_opaque);
}

static void
check_user (SvChardevPty *self)
{
  SvChardev *chardev = SV_CHARDEV (self);

  if (self->given || sv_chardev_is_open (chardev) || !has_user (self))
    return;
  if (self->stream_func != NULL)
    {
      give_stream (self);
      return;
    }

  self->stream = sv_fd_stream_new (chardev, self->master, self->master, &stream_funcs);
  sv_chardev_event (chardev, SV_CHARDEV_OPENED);
  sv_fd_stream_watch_hangup (self->stream);
}

static void
on_hangup (SvChardev *chardev)
{
  SvChardevPty *self = SV_CHARDEV_PTY (chardev);
  int input;
  int output;

  sv_fd_stream_steal (g_steal_pointer (&self->stream), &input, &output);
  /* What the last user did not read is not for the next one. */
  tcflush (self->master, TCOFLUSH);
  sv_chardev_event (chardev, SV_CHARDEV_CLOSED);
  sv_chardev_writable (chardev);
  check_user (self);
}

static gboolean
on_inotify (int fd, GIOCondition condition, gpointer user_data)
{
  guint8 buffer[1024];

  while (read (fd, buffer, sizeof buffer) > 0)
    ;
  check_user (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_timer (gpointer user_data)
{
  check_user (user_data);
  return G_SOURCE_CONTINUE;
}

static void
watch_for_user (SvChardevPty *self)
{
  self->inotify = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  if (self->inotify >= 0 && inotify_add_watch (self->inotify, self->slave_name, IN_OPEN) >= 0)
    {
      self->open_source = g_unix_fd_source_new (self->inotify, G_IO_IN);
      g_source_set_callback (self->open_source, G_SOURCE_FUNC (on_inotify), self, NULL);
    }
  else
    {
      self->open_source = g_timeout_source_new_seconds (OPEN_CHECK_SECONDS);
      g_source_set_callback (self->open_source, on_timer, self, NULL);
    }
  g_source_attach (self->open_source, NULL);
}

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_OPEN, "Cannot %s a pseudo terminal: %s",
               what, g_strerror (errno));
  return FALSE;
}

static gboolean
open_pair (SvChardevPty *self, GError **error)
{
  char name[64];
  struct termios termios;
  int slave;

  self->master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (self->master < 0)
    return fail (error, "make");
  if (grantpt (self->master) != 0 || unlockpt (self->master) != 0
      || ptsname_r (self->master, name, sizeof name) != 0)
    return fail (error, "name");

  /* Opened once: the terminal stays raw, and from now on the master knows that nobody is there. */
  slave = open (name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0)
    return fail (error, "open");
  if (tcgetattr (slave, &termios) == 0)
    {
      cfmakeraw (&termios);
      tcsetattr (slave, TCSANOW, &termios);
    }
  close (slave);

  self->slave_name = g_strdup (name);
  return TRUE;
}

static gboolean
sv_chardev_pty_complete (SvObject *object, GError **error)
{
  SvChardevPty *self = SV_CHARDEV_PTY (object);

  if (!SV_OBJECT_CLASS (sv_chardev_pty_parent_class)->complete (object, error))
    return FALSE;
  if (!open_pair (self, error))
    return FALSE;

  /* Later the reply of chardev-add tells it: the guest or a monitor may use standard output, and a reader who does not
   * read must not stop the main loop. */
  if (g_main_depth () == 0)
    g_print ("char device redirected to %s (label %s)\n", self->slave_name,
             sv_object_get_id (object) != NULL ? sv_object_get_id (object) : "pty");
  watch_for_user (self);
  return TRUE;
}

static gsize
sv_chardev_pty_write (SvChardev *chardev, const guint8 *data, gsize length)
{
  SvChardevPty *self = SV_CHARDEV_PTY (chardev);

  return self->stream != NULL ? sv_fd_stream_write (self->stream, data, length) : length;
}

static void
sv_chardev_pty_update_input (SvChardev *chardev)
{
  SvChardevPty *self = SV_CHARDEV_PTY (chardev);

  if (self->stream != NULL)
    sv_fd_stream_update_input (self->stream);
}

static void
stop_asking_again (SvChardevPty *self)
{
  if (self->again_source != NULL)
    g_source_destroy (self->again_source);
  g_clear_pointer (&self->again_source, g_source_unref);
}

static gboolean
sv_chardev_pty_take_streams (SvChardev *chardev, SvChardevStreamFunc func, gpointer opaque, GError **error)
{
  SvChardevPty *self = SV_CHARDEV_PTY (chardev);
  int input;
  int output;

  self->stream_func = func;
  self->stream_opaque = opaque;
  if (func == NULL)
    {
      stop_asking_again (self);
      self->given = FALSE;
    }
  else if (self->stream != NULL)
    sv_fd_stream_steal (g_steal_pointer (&self->stream), &input, &output);
  check_user (self);
  return TRUE;
}

static gboolean
on_again (gpointer user_data)
{
  SvChardevPty *self = user_data;

  stop_asking_again (self);
  check_user (self);
  return G_SOURCE_REMOVE;
}

/* What the terminal keeps for the next one who opens it. */
static void
drop_unread (SvChardevPty *self)
{
  int slave = ioctl (self->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

  tcflush (self->master, TCOFLUSH);
  if (slave < 0)
    return;
  tcflush (slave, TCIFLUSH);
  close (slave);
}

static void
sv_chardev_pty_end_stream (SvChardev *chardev)
{
  SvChardevPty *self = SV_CHARDEV_PTY (chardev);

  self->given = FALSE;
  /* Replies are for whoever asked. */
  if (!has_user (self))
    drop_unread (self);
  if (self->stream_func == NULL || self->again_source != NULL || !has_user (self))
    return;
  /* The next user was faster than the end was noticed, or the monitor does not want this one. */
  self->again_source = g_timeout_source_new_seconds (OPEN_CHECK_SECONDS);
  g_source_set_callback (self->again_source, on_again, self, NULL);
  g_source_attach (self->again_source, NULL);
}

static char *
sv_chardev_pty_dup_filename (SvChardev *chardev)
{
  SvChardevPty *self = SV_CHARDEV_PTY (chardev);

  return g_strdup_printf ("pty:%s", self->slave_name != NULL ? self->slave_name : "");
}

static void
sv_chardev_pty_finalize (GObject *object)
{
  SvChardevPty *self = SV_CHARDEV_PTY (object);

  if (self->open_source != NULL)
    {
      g_source_destroy (self->open_source);
      g_source_unref (self->open_source);
    }
  stop_asking_again (self);
  if (self->inotify >= 0)
    close (self->inotify);
  if (self->stream != NULL)
    sv_fd_stream_free (self->stream);
  else if (self->master >= 0)
    close (self->master);
  g_free (self->slave_name);

  G_OBJECT_CLASS (sv_chardev_pty_parent_class)->finalize (object);
}

static void
sv_chardev_pty_class_init (SvChardevPtyClass *klass)
{
  SvChardevClass *chardev_class = SV_CHARDEV_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_chardev_pty_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_chardev_pty_complete;
  chardev_class->write = sv_chardev_pty_write;
  chardev_class->update_input = sv_chardev_pty_update_input;
  chardev_class->take_streams = sv_chardev_pty_take_streams;
  chardev_class->end_stream = sv_chardev_pty_end_stream;
  chardev_class->dup_filename = sv_chardev_pty_dup_filename;
}

static void
sv_chardev_pty_init (SvChardevPty *self)
{
  self->master = -1;
  self->inotify = -1;
}
