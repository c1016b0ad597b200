/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "qmp/sv-qmp-dispatch.h"
#include "qmp/sv-qmp-event-line.h"
#include "qmp/sv-qmp-framer.h"
#include "qmp/sv-qmp-version.h"

#define MAX_FDS 16

struct _SvQmpSession
{
  guint ref_count;
  SvObject *root;
  int input;
  int output;
  gboolean input_is_socket;
  gboolean output_is_socket;
  SvQmpSessionClosedFunc closed_func;
  gpointer opaque;

  GSource *source;
  gpointer input_tag;
  gpointer output_tag;

  SvQmpFramer *framer;
  char buffer[8192];
  const char *unread; /* within buffer */
  gsize n_unread;
  int fds[MAX_FDS]; /* that came with what was read last */
  guint n_fds;

  GString *out;
  gsize out_sent;
  SvQmpWatch *watch; /* NULL: the client watches nothing */
  gboolean lagging; /* missed an event since everything was sent */
  SvQmpCall *call;  /* being executed */
  gboolean eof;
  gboolean closed;
  gboolean processing;
};

typedef struct
{
  GSource source;
  SvQmpSession *session;
} SessionSource;

static void session_update (SvQmpSession *self);

static void
session_unref (SvQmpSession *self)
{
  if (--self->ref_count > 0)
    return;
  sv_qmp_framer_free (self->framer);
  g_string_free (self->out, TRUE);
  g_object_unref (self->root);
  g_free (self);
}

static void
drop_fds (SvQmpSession *self)
{
  for (guint i = 0; i < self->n_fds; i++)
    close (self->fds[i]);
  self->n_fds = 0;
}

static void
session_close (SvQmpSession *self)
{
  if (self->closed)
    return;
  self->closed = TRUE;
  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  if (self->call)
    sv_qmp_call_abandon (self->call);
  g_clear_pointer (&self->call, sv_qmp_call_unref);
  g_clear_pointer (&self->watch, sv_qmp_watch_free);
  drop_fds (self);
  if (self->output != self->input)
    close (self->output);
  close (self->input);
}

/* Output */

static gsize
session_pending (SvQmpSession *self)
{
  return self->out->len - self->out_sent;
}

/* One attempt that does not block; bytes written, or -1 with errno. */
static gssize
write_some (SvQmpSession *self, const char *data, gsize length)
{
  struct pollfd poll_fd = { .fd = self->output, .events = POLLOUT };

  if (self->output_is_socket)
    return send (self->output, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);

  /* The descriptor may be shared with others (a terminal), so its O_NONBLOCK is left alone. */
  if (poll (&poll_fd, 1, 0) <= 0 || !(poll_fd.revents & (POLLOUT | POLLERR | POLLHUP)))
    {
      errno = EAGAIN;
      return -1;
    }
  if (poll_fd.revents & POLLHUP)
    {
      /* A terminal that nobody has open keeps what is written for the next one who opens it. */
      errno = EIO;
      return -1;
    }
  return write (self->output, data, MIN (length, 4096));
}

/* Sends what can be sent now; FALSE when the client is gone. */
static gboolean
session_write (SvQmpSession *self)
{
  while (session_pending (self) > 0)
    {
      gssize n = write_some (self, self->out->str + self->out_sent, session_pending (self));

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno != EAGAIN)
        return FALSE;
      if (n <= 0)
        break;
      self->out_sent += (gsize)n;
    }
  if (session_pending (self) == 0)
    {
      /* A large reply does not make the buffer large for ever. */
      if (self->out->allocated_len > SV_QMP_SESSION_OUTPUT_PAUSE)
        {
          g_string_free (self->out, TRUE);
          self->out = g_string_new (NULL);
        }
      g_string_truncate (self->out, 0);
      self->out_sent = 0;
      self->lagging = FALSE;
    }
  else if (self->out_sent > SV_QMP_SESSION_OUTPUT_PAUSE)
    {
      g_string_erase (self->out, 0, (gssize)self->out_sent);
      self->out_sent = 0;
    }
  return TRUE;
}

/* Execution */

static void
call_done (SvQmpCall *call, gpointer opaque)
{
  SvQmpSession *self = opaque;

  sv_qmp_call_append_reply (call, self->out);
  g_clear_pointer (&self->call, sv_qmp_call_unref);
  if (!self->processing)
    session_update (self);
}

static int
steal_fd (gpointer opaque)
{
  SvQmpSession *self = opaque;
  int fd;

  if (self->n_fds == 0)
    return -1;
  fd = self->fds[0];
  memmove (self->fds, self->fds + 1, --self->n_fds * sizeof *self->fds);
  return fd;
}

static void
on_watched (JsonObject *data, gpointer opaque)
{
  g_autoptr (GString) line = sv_qmp_event_line_new ("QOM_CHANGED", data);

  sv_qmp_session_send_event (opaque, line->str, line->len);
}

static SvQmpWatch *
get_watch (gpointer opaque)
{
  SvQmpSession *self = opaque;

  if (!self->watch)
    self->watch = sv_qmp_watch_new (on_watched, self);
  return self->watch;
}

static const SvQmpCallFuncs call_funcs = { call_done, steal_fd, get_watch };

static gboolean
session_can_execute (SvQmpSession *self)
{
  return !self->closed && !self->call && session_pending (self) <= SV_QMP_SESSION_OUTPUT_PAUSE;
}

/* Executes the commands that are in the buffer, until one has to be waited for. */
static void
session_process (SvQmpSession *self)
{
  self->processing = TRUE;
  while (self->n_unread > 0 && session_can_execute (self))
    {
      GError *error = NULL;
      g_autoptr (JsonNode) request
          = sv_qmp_framer_next (self->framer, &self->unread, &self->n_unread, &error);
      g_autoptr (SvQmpCall) call = NULL;

      if (!request && !error)
        break;
      call = sv_qmp_call_new (self->root, &call_funcs, self);
      self->call = sv_qmp_call_ref (call);
      sv_qmp_call_set_id (call, sv_qmp_framer_get_id (self->framer));
      sv_qmp_dispatch (call, request, error);
      if (!self->closed && !session_write (self))
        session_close (self);
    }
  self->processing = FALSE;
}

/* Input */

static void
take_fds (SvQmpSession *self, struct msghdr *message)
{
  for (struct cmsghdr *header = CMSG_FIRSTHDR (message); header;
       header = CMSG_NXTHDR (message, header))
    {
      gsize n;

      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        continue;
      /* Descriptors belong to the commands they came with: what those left is nobody's. */
      drop_fds (self);
      n = (header->cmsg_len - CMSG_LEN (0)) / sizeof (int);
      self->n_fds = (guint)MIN (n, MAX_FDS);
      memcpy (self->fds, CMSG_DATA (header), self->n_fds * sizeof (int));
    }
}

static gssize
receive (SvQmpSession *self)
{
  union
  {
    char bytes[CMSG_SPACE (MAX_FDS * sizeof (int))];
    struct cmsghdr align;
  } control;
  struct iovec iov = { self->buffer, sizeof self->buffer };
  struct msghdr message = {
    .msg_iov = &iov,
    .msg_iovlen = 1,
    .msg_control = control.bytes,
    .msg_controllen = sizeof control.bytes,
  };
  gssize n;

  if (!self->input_is_socket)
    return read (self->input, self->buffer, sizeof self->buffer);
  n = recvmsg (self->input, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n > 0)
    take_fds (self, &message);
  return n;
}

static void
session_read (SvQmpSession *self)
{
  gssize n = receive (self);

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return;
  if (n <= 0)
    {
      /* Commands sent before the client half-closed its socket still get their replies. */
      self->eof = TRUE;
      return;
    }
  self->unread = self->buffer;
  self->n_unread = (gsize)n;
}

/* Source */

static void
set_condition (SvQmpSession *self, gpointer *tag, int fd, gboolean wanted, GIOCondition condition)
{
  /* A descriptor that is polled for nothing would still report a hang-up, over and over. */
  if (wanted && !*tag)
    *tag = g_source_add_unix_fd (self->source, fd, condition);
  else if (!wanted && *tag)
    {
      g_source_remove_unix_fd (self->source, *tag);
      *tag = NULL;
    }
}

/* After anything happened: goes on executing, sends, and waits for what is needed next. */
static void
session_update (SvQmpSession *self)
{
  gboolean gone;

  self->ref_count++;
  if (!self->closed && !session_write (self))
    session_close (self);
  session_process (self);

  if (!self->closed)
    {
      gone = self->eof && self->n_unread == 0 && !self->call && session_pending (self) == 0;
      if (gone)
        session_close (self);
    }
  if (!self->closed)
    {
      set_condition (self, &self->input_tag, self->input,
                     !self->eof && self->n_unread == 0 && session_can_execute (self), G_IO_IN);
      set_condition (self, &self->output_tag, self->output, session_pending (self) > 0, G_IO_OUT);
    }
  else if (self->closed_func)
    {
      SvQmpSessionClosedFunc func = g_steal_pointer (&self->closed_func);

      func (self, self->opaque);
    }
  session_unref (self);
}

static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  SvQmpSession *self = ((SessionSource *)source)->session;

  if (self->input_tag && g_source_query_unix_fd (source, self->input_tag) != 0)
    session_read (self);
  session_update (self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .dispatch = source_dispatch };

static gboolean
is_socket (int fd)
{
  int type;
  socklen_t length = sizeof type;

  return getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
}

SvQmpSession *
sv_qmp_session_new (
    SvObject *root, int input, int output, SvQmpSessionClosedFunc closed, gpointer opaque)
{
  SvQmpSession *self = g_new0 (SvQmpSession, 1);

  self->ref_count = 1;
  self->root = g_object_ref (root);
  self->input = input;
  self->output = output;
  self->input_is_socket = is_socket (input);
  self->output_is_socket = is_socket (output);
  self->closed_func = closed;
  self->opaque = opaque;
  self->framer = sv_qmp_framer_new ();
  self->out = g_string_new (NULL);

  self->source = g_source_new (&source_funcs, sizeof (SessionSource));
  ((SessionSource *)self->source)->session = self;
  g_source_set_static_name (self->source, "QMP client");
  g_source_attach (self->source, NULL);

  g_string_append (self->out,
                   "{\"QMP\":{\"version\":" SV_QMP_VERSION_JSON ",\"capabilities\":[]}}\r\n");
  /* The source finds out about a client that is gone already; nobody knows the session before. */
  session_write (self);
  set_condition (self, &self->input_tag, self->input, TRUE, G_IO_IN);
  set_condition (self, &self->output_tag, self->output, session_pending (self) > 0, G_IO_OUT);
  return self;
}

void
sv_qmp_session_free (SvQmpSession *self)
{
  self->closed_func = NULL;
  session_close (self);
  session_unref (self);
}

void
sv_qmp_session_send_event (SvQmpSession *self, const char *line, gsize length)
{
  if (self->closed)
    return;
  if (session_pending (self) + length > SV_QMP_SESSION_OUTPUT_LIMIT)
    {
      if (!self->lagging)
        g_info ("QMP client does not read: it misses events");
      self->lagging = TRUE;
      return;
    }
  g_string_append_len (self->out, line, (gssize)length);
  /* Within a command of this client, the event goes out together with the reply. */
  if (!self->processing)
    {
      session_write (self);
      set_condition (self, &self->output_tag, self->output, session_pending (self) > 0, G_IO_OUT);
    }
}

gboolean
sv_qmp_session_flush (SvQmpSession *self, gint64 end_time)
{
  while (!self->closed && session_pending (self) > 0 && session_write (self)
         && session_pending (self) > 0)
    {
      struct pollfd poll_fd = { .fd = self->output, .events = POLLOUT };
      gint64 left = (end_time - g_get_monotonic_time () + 999) / 1000;

      if (left <= 0 || (poll (&poll_fd, 1, (int)MIN (left, G_MAXINT)) < 0 && errno != EINTR))
        break;
    }
  return session_pending (self) == 0;
}
