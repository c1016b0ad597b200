/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-chardev-stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/chardev/sv-fd-stream.h"
#include "src/chardev/sv-terminal.h"
#include "src/migration/sv-migratable.h"

#define ESCAPE_KEY 0x01 /* Ctrl-A */
#define BACKGROUND_CHECK_MS 1000

struct _SvChardevStdio
{
  SvChardev parent_instance;

  gboolean signal;

  SvFdStream *stream;
  gboolean owns_stdio;
  gboolean owns_terminal;
  gboolean escaped;
  gboolean streaming;
  guint background_timer;
};

enum
{
  PROP_0,
  PROP_SIGNAL,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (SvChardevStdio, sv_chardev_stdio, SV_TYPE_CHARDEV,
                               SV_MIGRATABLE_STATELESS ("its peers are others elsewhere; what they have not taken is kept by its user"))

/* The process has one standard input. */
static SvChardevStdio *stdio_owner;

static const char help[] = "\n\r"
                           "C-a h    print this help\n\r"
                           "C-a x    end the VM\n\r"
                           "C-a b    send a break\n\r"
                           "C-a C-a  send C-a\n\r";

static void
print (SvChardevStdio *self, const char *text)
{
  sv_fd_stream_write (self->stream, (const guint8 *)text, strlen (text));
}

/* Returns whether @key, which followed Ctrl-A, goes to the front end. */
static gboolean
handle_key (SvChardevStdio *self, guint8 key)
{
  switch (key)
    {
    case ESCAPE_KEY:
      return TRUE;

    case 'h':
    case '?':
      print (self, help);
      return FALSE;

    case 'x':
      sv_chardev_request_quit (SV_CHARDEV (self));
      return FALSE;

    case 'c':
      print (self, "\n\rthere is no human monitor: -qmp opens a QMP server\n\r");
      return FALSE;

    case 'b':
      sv_chardev_event (SV_CHARDEV (self), SV_CHARDEV_BREAK);
      return FALSE;

    default:
      return FALSE;
    }
}

static gsize
filter_keys (SvChardev *chardev, guint8 *data, gsize length)
{
  SvChardevStdio *self = SV_CHARDEV_STDIO (chardev);
  gsize kept = 0;

  for (gsize i = 0; i < length; i++)
    {
      gboolean passes = TRUE;

      if (self->escaped)
        {
          self->escaped = FALSE;
          passes = handle_key (self, data[i]);
        }
      else if (data[i] == ESCAPE_KEY)
        {
          self->escaped = TRUE;
          passes = FALSE;
        }
      if (passes)
        data[kept++] = data[i];
    }
  return kept;
}

static void
release_terminal (SvChardevStdio *self)
{
  if (!self->owns_terminal)
    return;
  self->owns_terminal = FALSE;
  sv_terminal_restore ();
}

static gboolean
on_background_timer (gpointer user_data)
{
  SvChardevStdio *self = user_data;

  if (!sv_terminal_is_ours ())
    return G_SOURCE_CONTINUE;

  self->background_timer = 0;
  sv_fd_stream_pause_input (self->stream, FALSE);
  return G_SOURCE_REMOVE;
}

/* In the background, what is typed is meant for the shell: reading it would stop the VM by SIGTTIN.
 */
static gboolean
may_read (SvChardev *chardev)
{
  SvChardevStdio *self = SV_CHARDEV_STDIO (chardev);

  if (!self->owns_terminal || sv_terminal_is_ours ())
    return TRUE;

  sv_fd_stream_pause_input (self->stream, TRUE);
  if (self->background_timer == 0)
    self->background_timer = g_timeout_add (BACKGROUND_CHECK_MS, on_background_timer, self);
  return FALSE;
}

static const SvFdStreamFuncs stream_funcs = {
  .may_read = may_read,
  .filter = filter_keys,
};

static void
sv_chardev_stdio_update_input (SvChardev *chardev)
{
  SvChardevStdio *self = SV_CHARDEV_STDIO (chardev);

  if (self->stream == NULL || self->streaming)
    return;

  if (!sv_chardev_is_attached (chardev))
    release_terminal (self);
  else if (!self->owns_terminal)
    self->owns_terminal = sv_terminal_set_raw (STDIN_FILENO, self->signal);
  sv_fd_stream_update_input (self->stream);
}

static gsize
sv_chardev_stdio_write (SvChardev *chardev, const guint8 *data, gsize length)
{
  SvChardevStdio *self = SV_CHARDEV_STDIO (chardev);

  return self->stream != NULL ? sv_fd_stream_write (self->stream, data, length) : length;
}

static gboolean
sv_chardev_stdio_take_streams (SvChardev *chardev,
                               SvChardevStreamFunc func,
                               gpointer opaque,
                               GError **error)
{
  SvChardevStdio *self = SV_CHARDEV_STDIO (chardev);
  int input;
  int output;

  if (func == NULL)
    return TRUE;

  if (self->stream == NULL)
    {
      g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_UNSUPPORTED,
                   "Standard input and output were given to another monitor before");
      return FALSE;
    }

  self->streaming = TRUE;
  sv_fd_stream_steal (g_steal_pointer (&self->stream), &input, &output);
  func (chardev, input, output, opaque);
  return TRUE;
}

static char *
sv_chardev_stdio_dup_filename (SvChardev *chardev)
{
  return g_strdup ("stdio");
}

static gboolean
sv_chardev_stdio_complete (SvObject *object, GError **error)
{
  SvChardevStdio *self = SV_CHARDEV_STDIO (object);
  int input;
  int output;

  if (!SV_OBJECT_CLASS (sv_chardev_stdio_parent_class)->complete (object, error))
    return FALSE;
  if (stdio_owner != NULL)
    {
      g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_BUSY,
                   "stdio is used by character device '%s' already: it serves only one",
                   sv_object_get_id (SV_OBJECT (stdio_owner)));
      return FALSE;
    }

  /* Either may be closed: no input then, or no output. */
  input = sv_fd_reopen (STDIN_FILENO, O_RDONLY);
  output = sv_fd_reopen (STDOUT_FILENO, O_WRONLY);
  self->stream = sv_fd_stream_new (SV_CHARDEV (self), input, output, &stream_funcs);
  stdio_owner = self;
  sv_chardev_event (SV_CHARDEV (self), SV_CHARDEV_OPENED);
  return TRUE;
}

static void
sv_chardev_stdio_dispose (GObject *object)
{
  SvChardevStdio *self = SV_CHARDEV_STDIO (object);

  release_terminal (self);
  g_clear_handle_id (&self->background_timer, g_source_remove);
  g_clear_pointer (&self->stream, sv_fd_stream_free);
  if (stdio_owner == self)
    stdio_owner = NULL;

  G_OBJECT_CLASS (sv_chardev_stdio_parent_class)->dispose (object);
}

static void
sv_chardev_stdio_set_property (GObject *object,
                               guint prop_id,
                               const GValue *value,
                               GParamSpec *pspec)
{
  SvChardevStdio *self = SV_CHARDEV_STDIO (object);

  switch (prop_id)
    {
    case PROP_SIGNAL:
      self->signal = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
sv_chardev_stdio_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SvChardevStdio *self = SV_CHARDEV_STDIO (object);

  switch (prop_id)
    {
    case PROP_SIGNAL:
      g_value_set_boolean (value, self->signal);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
sv_chardev_stdio_class_init (SvChardevStdioClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvChardevClass *chardev_class = SV_CHARDEV_CLASS (klass);

  object_class->dispose = sv_chardev_stdio_dispose;
  object_class->set_property = sv_chardev_stdio_set_property;
  object_class->get_property = sv_chardev_stdio_get_property;
  SV_OBJECT_CLASS (klass)->complete = sv_chardev_stdio_complete;
  chardev_class->write = sv_chardev_stdio_write;
  chardev_class->update_input = sv_chardev_stdio_update_input;
  chardev_class->take_streams = sv_chardev_stdio_take_streams;
  chardev_class->dup_filename = sv_chardev_stdio_dup_filename;

  props[PROP_SIGNAL] = g_param_spec_boolean (
      "signal", "signal", "Whether Ctrl-C, Ctrl-Z and Ctrl-\\ act on the VMM instead of the guest",
      FALSE, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_chardev_stdio_init (SvChardevStdio *self)
{
}
