/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-fd-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A terminal that says it is writable takes this much without blocking (the kernel's WAKEUP_CHARS).
 */
#define POLLED_CHUNK 256
#define READ_CHUNK 4096
/* What is read before the front end has room for it, where a filter looks out for keys. */
#define READ_AHEAD 4096
/* A TCP peer that closed is no HUP until something is sent to it. GLib hands the bit through to
 * poll(). */
#define GONE ((GIOCondition)(G_IO_HUP | G_IO_ERR | POLLRDHUP))

typedef enum
{
  OUTPUT_NONBLOCK, /* write() never blocks */
  OUTPUT_SOCKET,   /* MSG_DONTWAIT */
  OUTPUT_POLLED,   /* shared and blocking: ask first */
} OutputKind;

struct _SvFdStream
{
  SvChardev *chardev; /* not referenced: owns the stream */
  const SvFdStreamFuncs *funcs;
  int input;
  int output;
  OutputKind output_kind;
  gboolean input_is_socket;
  gboolean input_ended;
  gboolean input_paused;
  gboolean output_broken;
  gboolean wants_hangup;
  gboolean complained;
  gboolean freed;
  GIOCondition reading;
  GSource *read_source;
  GSource *write_source;
  GSource *hangup_source;
  GSource *deliver_source;
  gsize n_ahead;
  guint8 *ahead; /* with a filter only */
};

static gboolean
is_type (int fd, mode_t type)
{
  struct stat st;

  return fd >= 0 && fstat (fd, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

static void
drop_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
watch (GSource **source, int fd, GIOCondition condition, GUnixFDSourceFunc func, gpointer data)
{
  *source = g_unix_fd_source_new (fd, condition);
  g_source_set_callback (*source, G_SOURCE_FUNC (func), data, NULL);
  g_source_attach (*source, NULL);
}

static void
stream_clear (SvFdStream *self)
{
  g_free (self->ahead);
}

static void
stream_unref (SvFdStream *self)
{
  g_rc_box_release_full (self, (GDestroyNotify)stream_clear);
}

/* The chardev and the stream survive what the front end does in its callbacks. */
static void
enter (SvFdStream *self)
{
  g_object_ref (self->chardev);
  g_rc_box_acquire (self);
}

static void
leave (SvFdStream *self, SvChardev *chardev)
{
  stream_unref (self);
  g_object_unref (chardev);
}

static gboolean on_input (int fd, GIOCondition condition, gpointer user_data);

static void
end_input (SvFdStream *self)
{
  self->input_ended = TRUE;
  self->reading = 0;
  drop_source (&self->read_source);
  drop_source (&self->hangup_source);
  if (self->funcs->hangup != NULL)
    self->funcs->hangup (self->chardev);
}

static gboolean
on_broken (gpointer user_data)
{
  SvFdStream *self = user_data;
  SvChardev *chardev = self->chardev;

  enter (self);
  if (!self->input_ended)
    end_input (self);
  leave (self, chardev);
  return G_SOURCE_REMOVE;
}

/* The hangup callback must not run inside the front end's write. */
static void
break_output (SvFdStream *self)
{
  self->output_broken = TRUE;
  if (self->funcs->hangup == NULL || self->input_ended || self->input != self->output
      || self->hangup_source != NULL)
    return;

  self->hangup_source = g_idle_source_new ();
  g_source_set_priority (self->hangup_source, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->hangup_source, on_broken, self, NULL);
  g_source_attach (self->hangup_source, NULL);
}

static void
set_reading (SvFdStream *self, GIOCondition condition)
{
  if (self->read_source != NULL && self->reading == condition)
    return;

  drop_source (&self->read_source);
  self->reading = condition;
  if (condition != 0)
    watch (&self->read_source, self->input, condition, on_input, self);
}

/* How much may be read now. Keys for the VMM are seen even while the guest takes no input. */
static gsize
read_room (SvFdStream *self)
{
  if (self->ahead == NULL)
    return sv_chardev_can_receive (self->chardev);
  return sv_chardev_is_attached (self->chardev) ? READ_AHEAD - self->n_ahead : 0;
}

static void
deliver (SvFdStream *self)
{
  gsize n = MIN (self->n_ahead, sv_chardev_can_receive (self->chardev));

  sv_chardev_receive (self->chardev, self->ahead, n);
  self->n_ahead -= n;
  memmove (self->ahead, self->ahead + n, self->n_ahead);
}

static gboolean
on_deliver (gpointer user_data)
{
  SvFdStream *self = user_data;
  SvChardev *chardev = self->chardev;

  enter (self);
  drop_source (&self->deliver_source);
  deliver (self);
  if (!self->freed)
    sv_fd_stream_update_input (self);
  leave (self, chardev);
  return G_SOURCE_REMOVE;
}

static void
receive (SvFdStream *self, gsize room)
{
  guint8 chunk[READ_CHUNK];
  guint8 *buffer = self->ahead != NULL ? self->ahead + self->n_ahead : chunk;
  gssize n;

  room = MIN (room, sizeof chunk);
  n = self->input_is_socket ? recv (self->input, buffer, room, MSG_DONTWAIT)
                            : read (self->input, buffer, room);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0)
    {
      end_input (self);
      return;
    }

  if (self->ahead == NULL)
    {
      sv_chardev_receive (self->chardev, buffer, n);
      return;
    }
  self->n_ahead += self->funcs->filter (self->chardev, buffer, n);
  if (!self->freed)
    deliver (self);
}

static gboolean
on_input (int fd, GIOCondition condition, gpointer user_data)
{
  SvFdStream *self = user_data;
  SvChardev *chardev = self->chardev;
  gsize room = read_room (self);

  enter (self);
  if (room > 0)
    {
      if (self->funcs->may_read == NULL || self->funcs->may_read (chardev))
        receive (self, room);
    }
  else if (self->wants_hangup && (condition & GONE) != 0)
    end_input (self);
  if (!self->freed)
    sv_fd_stream_update_input (self);
  leave (self, chardev);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_output (int fd, GIOCondition condition, gpointer user_data)
{
  SvFdStream *self = user_data;
  SvChardev *chardev = self->chardev;

  enter (self);
  drop_source (&self->write_source);
  sv_chardev_writable (chardev);
  leave (self, chardev);
  return G_SOURCE_CONTINUE;
}

/* A reader that went away is an error of write(), not the end of the VM. */
static void
ignore_sigpipe (void)
{
  struct sigaction action;

  if (sigaction (SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
    signal (SIGPIPE, SIG_IGN);
}

SvFdStream *
sv_fd_stream_new (SvChardev *chardev, int input, int output, const SvFdStreamFuncs *funcs)
{
  SvFdStream *self = g_rc_box_new0 (SvFdStream);
  int flags = output >= 0 ? fcntl (output, F_GETFL) : 0;

  ignore_sigpipe ();
  self->chardev = chardev;
  self->funcs = funcs;
  self->input = input;
  self->output = output;
  self->input_ended = input < 0;
  self->input_is_socket = is_type (input, S_IFSOCK);
  if (funcs->filter != NULL)
    self->ahead = g_malloc (READ_AHEAD);
  if (is_type (output, S_IFSOCK))
    self->output_kind = OUTPUT_SOCKET;
  else if ((flags & O_NONBLOCK) != 0 || is_type (output, S_IFREG))
    self->output_kind = OUTPUT_NONBLOCK;
  else
    self->output_kind = OUTPUT_POLLED;
  return self;
}

void
sv_fd_stream_steal (SvFdStream *self, int *input, int *output)
{
  *input = self->input;
  *output = self->output;
  self->input = -1;
  self->output = -1;
  sv_fd_stream_free (self);
}

void
sv_fd_stream_free (SvFdStream *self)
{
  drop_source (&self->read_source);
  drop_source (&self->write_source);
  drop_source (&self->hangup_source);
  drop_source (&self->deliver_source);
  if (self->output >= 0 && self->output != self->input)
    close (self->output);
  if (self->input >= 0)
    close (self->input);
  self->freed = TRUE;
  stream_unref (self);
}

static gssize
write_some (SvFdStream *self, const guint8 *data, gsize length)
{
  struct pollfd pollfd = { .fd = self->output, .events = POLLOUT };

  switch (self->output_kind)
    {
    case OUTPUT_SOCKET:
      return send (self->output, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);

    case OUTPUT_POLLED:
      if (poll (&pollfd, 1, 0) == 0)
        {
          errno = EAGAIN;
          return -1;
        }
      return write (self->output, data, MIN (length, POLLED_CHUNK));

    case OUTPUT_NONBLOCK:
    default:
      return write (self->output, data, length);
    }
}

/* A full disk may become usable again: what comes meanwhile is lost, said once. */
static void
complain (SvFdStream *self, int error)
{
  g_autofree char *filename = NULL;

  if (self->complained)
    return;
  self->complained = TRUE;
  filename = sv_chardev_dup_filename (self->chardev);
  g_warning ("Output for character device '%s' (%s) is lost: %s",
             sv_object_get_id (SV_OBJECT (self->chardev)), filename, g_strerror (error));
}

gsize
sv_fd_stream_write (SvFdStream *self, const guint8 *data, gsize length)
{
  gsize taken = 0;

  if (self->output < 0 || self->output_broken)
    return length;
  if (self->write_source != NULL)
    return 0;

  while (taken < length)
    {
      gssize n = write_some (self, data + taken, length - taken);

      if (n > 0)
        taken += n;
      else if (n < 0 && errno == EAGAIN)
        {
          watch (&self->write_source, self->output, G_IO_OUT, on_output, self);
          return taken;
        }
      else if (n == 0 || errno != EINTR)
        {
          if (is_type (self->output, S_IFREG))
            complain (self, errno);
          else
            break_output (self);
          return length;
        }
    }
  return taken;
}

void
sv_fd_stream_update_input (SvFdStream *self)
{
  if (self->n_ahead > 0 && self->deliver_source == NULL
      && sv_chardev_can_receive (self->chardev) > 0)
    {
      self->deliver_source = g_idle_source_new ();
      g_source_set_priority (self->deliver_source, G_PRIORITY_DEFAULT);
      g_source_set_callback (self->deliver_source, on_deliver, self, NULL);
      g_source_attach (self->deliver_source, NULL);
    }
  if (self->input_ended)
    return;

  if (!self->input_paused && read_room (self) > 0)
    set_reading (self, G_IO_IN);
  else if (self->wants_hangup)
    set_reading (self, GONE);
  else
    set_reading (self, 0);
}

void
sv_fd_stream_watch_hangup (SvFdStream *self)
{
  self->wants_hangup = TRUE;
  sv_fd_stream_update_input (self);
}

void
sv_fd_stream_pause_input (SvFdStream *self, gboolean pause)
{
  self->input_paused = pause;
  sv_fd_stream_update_input (self);
}

int
sv_fd_reopen (int fd, int access_mode)
{
  char path[32];
  int copy;

  if (is_type (fd, S_IFCHR) || is_type (fd, S_IFIFO))
    {
      g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
      copy = open (path, access_mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
      if (copy >= 0)
        return copy;
    }
  return fcntl (fd, F_DUPFD_CLOEXEC, 3);
}
