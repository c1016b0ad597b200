/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-chardev-file.h"

#include <errno.h>
#include <fcntl.h>

#include "qom/sv-property.h"
#include "src/chardev/sv-fd-stream.h"
#include "src/migration/sv-migratable.h"
#include "src/runtime/sv-fd-store.h"

struct _SvChardevFile
{
  SvChardev parent_instance;

  char *path;
  gboolean append;

  SvFdStream *stream;
};

enum
{
  PROP_0,
  PROP_PATH,
  PROP_APPEND,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (SvChardevFile, sv_chardev_file, SV_TYPE_CHARDEV,
                               SV_MIGRATABLE_STATELESS ("its peers are others elsewhere; what they have not taken is kept by its user"))

static const SvFdStreamFuncs stream_funcs = { .filter = NULL };

static gboolean
sv_chardev_file_complete (SvObject *object, GError **error)
{
  SvChardevFile *self = SV_CHARDEV_FILE (object);
  const char *id = sv_object_get_id (object);
  int fd;

  if (!SV_OBJECT_CLASS (sv_chardev_file_parent_class)->complete (object, error))
    return FALSE;
  if (self->path == NULL || *self->path == '\0')
    {
      g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_ADDRESS,
                   "Character device '%s': 'path' is missing: the file to write to", id);
      return FALSE;
    }

  /* Non-blocking for named pipes and devices; it means nothing to a regular file. */
  fd = sv_fd_store_open (
      object, self->path,
      O_WRONLY | O_CREAT | O_NOCTTY | O_NONBLOCK | (self->append ? O_APPEND : O_TRUNC), 0666);
  if (fd < 0)
    {
      g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_OPEN,
                   "Character device '%s': cannot open '%s' for writing: %s", id, self->path,
                   errno == ENXIO ? "nobody reads this named pipe" : g_strerror (errno));
      return FALSE;
    }

  self->stream = sv_fd_stream_new (SV_CHARDEV (self), -1, fd, &stream_funcs);
  sv_chardev_event (SV_CHARDEV (self), SV_CHARDEV_OPENED);
  return TRUE;
}

static gsize
sv_chardev_file_write (SvChardev *chardev, const guint8 *data, gsize length)
{
  SvChardevFile *self = SV_CHARDEV_FILE (chardev);

  return self->stream != NULL ? sv_fd_stream_write (self->stream, data, length) : length;
}

static char *
sv_chardev_file_dup_filename (SvChardev *chardev)
{
  return g_strdup ("file");
}

static void
sv_chardev_file_finalize (GObject *object)
{
  SvChardevFile *self = SV_CHARDEV_FILE (object);

  g_clear_pointer (&self->stream, sv_fd_stream_free);
  g_free (self->path);

  G_OBJECT_CLASS (sv_chardev_file_parent_class)->finalize (object);
}

static void
sv_chardev_file_set_property (GObject *object,
                              guint prop_id,
                              const GValue *value,
                              GParamSpec *pspec)
{
  SvChardevFile *self = SV_CHARDEV_FILE (object);

  switch (prop_id)
    {
    case PROP_PATH:
      g_free (self->path);
      self->path = g_value_dup_string (value);
      break;
    case PROP_APPEND:
      self->append = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
sv_chardev_file_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SvChardevFile *self = SV_CHARDEV_FILE (object);

  switch (prop_id)
    {
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_APPEND:
      g_value_set_boolean (value, self->append);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
sv_chardev_file_class_init (SvChardevFileClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvChardevClass *chardev_class = SV_CHARDEV_CLASS (klass);

  object_class->finalize = sv_chardev_file_finalize;
  object_class->set_property = sv_chardev_file_set_property;
  object_class->get_property = sv_chardev_file_get_property;
  SV_OBJECT_CLASS (klass)->complete = sv_chardev_file_complete;
  chardev_class->write = sv_chardev_file_write;
  chardev_class->dup_filename = sv_chardev_file_dup_filename;

  props[PROP_PATH] = g_param_spec_string ("path", "path", "File that the output goes to", NULL,
                                          SV_PARAM_RW_WIRING);
  props[PROP_APPEND] = g_param_spec_boolean (
      "append", "append", "Whether what the file holds is kept", FALSE, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_chardev_file_init (SvChardevFile *self)
{
}
