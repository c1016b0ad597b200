/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client/sv-qmp-stream.h"

#include <string.h>

#include <gio/gunixfdmessage.h>

#include "qmp/sv-qmp-json.h"

#define CHUNK (64 * 1024)
/* As many are read before those that came are looked at. */
#define CHUNKS 16

typedef struct
{
  GString *text;
  gsize sent;
  GUnixFDList *fds;
} Output;

struct _SvQmpStream
{
  GSocketConnection *connection;
  GSocket *socket; /* of the connection */
  GMainContext *context;
  SvQmpStreamFunc func;
  gpointer opaque;

  GString *input;
  gsize taken;   /* bytes of the input that were received as messages */
  gsize scanned; /* bytes of the input without the end of a line, behind those */
  GQueue outputs;
  GError *error; /* nothing more will come */

  GSource *readable;
  GSource *writable;
};

static void
output_free (Output *output)
{
  g_string_free (output->text, TRUE);
  g_clear_object (&output->fds);
  g_free (output);
}

static void
drop_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

/* Keeps the first error; that of the peer's leaving may come while there are messages to receive. */
static void
fail (SvQmpStream *self, GError *error)
{
  if (self->error == NULL)
    self->error = error;
  else
    g_error_free (error);
  drop_source (&self->writable);
  g_queue_clear_full (&self->outputs, (GDestroyNotify)output_free);
}

static void
read_input (SvQmpStream *self)
{
  for (guint i = 0; i < CHUNKS && self->error == NULL; i++)
    {
      gsize before = self->input->len;
      g_autoptr (GError) error = NULL;
      gssize length;

      g_string_set_size (self->input, before + CHUNK);
      length = g_socket_receive (self->socket, self->input->str + before, CHUNK, NULL, &error);
      g_string_set_size (self->input, before + MAX (length, 0));
      if (length > 0)
        continue;
      if (length == 0)
        fail (self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "The VM closed the connection"));
      else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
        fail (self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "The VM closed the connection"));
      else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        fail (self, g_steal_pointer (&error));
      return;
    }
}

static gssize
send_some (SvQmpStream *self, Output *output, GError **error)
{
  GOutputVector vector = { output->text->str + output->sent, output->text->len - output->sent };
  g_autoptr (GSocketControlMessage) message = NULL;

  if (output->sent == 0 && output->fds != NULL)
    message = g_unix_fd_message_new_with_fd_list (output->fds);
  return g_socket_send_message (self->socket, NULL, &vector, 1, &message, message != NULL ? 1 : 0, 0, NULL, error);
}

static gboolean on_writable (GSocket *socket, GIOCondition condition, gpointer user_data);

static void
write_output (SvQmpStream *self)
{
  while (!g_queue_is_empty (&self->outputs))
    {
      Output *output = g_queue_peek_head (&self->outputs);
      g_autoptr (GError) error = NULL;
      gssize length = send_some (self, output, &error);

      if (length < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        break;
      if (length < 0)
        {
          /* What the peer said before it left is still there to be read. */
          read_input (self);
          fail (self, g_steal_pointer (&error));
          return;
        }
      output->sent += length;
      if (output->sent == output->text->len)
        output_free (g_queue_pop_head (&self->outputs));
    }
  if (g_queue_is_empty (&self->outputs))
    drop_source (&self->writable);
  else if (self->writable == NULL)
    {
      self->writable = g_socket_create_source (self->socket, G_IO_OUT, NULL);
      g_source_set_callback (self->writable, G_SOURCE_FUNC (on_writable), self, NULL);
      g_source_attach (self->writable, self->context);
    }
}

static gboolean
on_writable (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  write_output (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_readable (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  SvQmpStream *self = user_data;

  read_input (self);
  if (self->error != NULL)
    drop_source (&self->readable);
  /* May free the stream. */
  self->func (self->opaque);
  return G_SOURCE_CONTINUE;
}

SvQmpStream *
sv_qmp_stream_new (GSocketConnection *connection, GMainContext *context, SvQmpStreamFunc func, gpointer opaque)
{
  SvQmpStream *self = g_new0 (SvQmpStream, 1);

  self->connection = g_object_ref (connection);
  self->socket = g_socket_connection_get_socket (connection);
  self->context = context != NULL ? g_main_context_ref (context) : NULL;
  self->func = func;
  self->opaque = opaque;
  self->input = g_string_new (NULL);
  g_queue_init (&self->outputs);
  g_socket_set_blocking (self->socket, FALSE);
  self->readable = g_socket_create_source (self->socket, G_IO_IN | G_IO_HUP | G_IO_ERR, NULL);
  g_source_set_callback (self->readable, G_SOURCE_FUNC (on_readable), self, NULL);
  g_source_attach (self->readable, context);
  return self;
}

void
sv_qmp_stream_free (SvQmpStream *self)
{
  drop_source (&self->readable);
  drop_source (&self->writable);
  g_queue_clear_full (&self->outputs, (GDestroyNotify)output_free);
  g_string_free (self->input, TRUE);
  g_clear_error (&self->error);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_io_stream_close (G_IO_STREAM (self->connection), NULL, NULL);
  g_object_unref (self->connection);
  g_free (self);
}

void
sv_qmp_stream_send (SvQmpStream *self, JsonNode *message, GUnixFDList *fds)
{
  Output *output;

  if (self->error != NULL)
    return;
  output = g_new0 (Output, 1);
  output->text = g_string_new (NULL);
  sv_qmp_json_append (output->text, message);
  g_string_append (output->text, "\r\n");
  output->fds = fds != NULL ? g_object_ref (fds) : NULL;
  g_queue_push_tail (&self->outputs, output);
  if (self->writable == NULL)
    write_output (self);
}

static JsonNode *
refuse (SvQmpStream *self, GError **error)
{
  g_propagate_error (error, g_error_copy (self->error));
  return NULL;
}

JsonNode *
sv_qmp_stream_receive (SvQmpStream *self, GError **error)
{
  const char *start = self->input->str + self->taken;
  gsize length = self->input->len - self->taken;
  const char *end = memchr (start + self->scanned, '\n', length - self->scanned);
  g_autoptr (GError) local = NULL;
  JsonNode *message;

  if (end == NULL)
    {
      g_string_erase (self->input, 0, self->taken);
      self->taken = 0;
      self->scanned = length;
      if (self->error == NULL && length > SV_QMP_STREAM_MAX_MESSAGE)
        fail (self, g_error_new (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "The VM sends a message of more than %d bytes",
                                 SV_QMP_STREAM_MAX_MESSAGE));
      return self->error != NULL ? refuse (self, error) : NULL;
    }
  self->scanned = 0;
  self->taken += end + 1 - start;
  message = sv_qmp_json_parse (start, end - start, &local);
  if (message != NULL && JSON_NODE_HOLDS_OBJECT (message))
    return message;
  if (message != NULL)
    json_node_unref (message);
  g_clear_error (&self->error);
  fail (self, g_error_new (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "This is no QMP server: %s",
                           local != NULL ? local->message : "the message is not an object"));
  self->taken = self->input->len;
  return refuse (self, error);
}

gboolean
sv_qmp_stream_wait (SvQmpStream *self, gint64 end_time, GCancellable *cancellable, GError **error)
{
  GIOCondition condition = G_IO_IN | (g_queue_is_empty (&self->outputs) ? 0 : G_IO_OUT);
  gint64 left = end_time < 0 ? -1 : MAX (end_time - g_get_monotonic_time (), 0);

  if (self->error != NULL)
    return TRUE;
  if (!g_socket_condition_timed_wait (self->socket, condition, left, cancellable, error))
    return FALSE;
  write_output (self);
  read_input (self);
  return TRUE;
}
