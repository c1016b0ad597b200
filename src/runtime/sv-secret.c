/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-secret.h"

#include <string.h>

#include "qom/sv-property.h"
#include "src/migration/sv-migratable.h"

struct _SvSecret
{
  SvObject parent_instance;

  SvSecretFormat format;
  char *data;
  char *file;
};

enum
{
  PROP_0,
  PROP_FORMAT,
  PROP_DATA,
  PROP_FILE,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

GType
sv_secret_format_get_type (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      static const GEnumValue values[] = {
        { SV_SECRET_FORMAT_RAW, "SV_SECRET_FORMAT_RAW", "raw" },
        { SV_SECRET_FORMAT_BASE64, "SV_SECRET_FORMAT_BASE64", "base64" },
        { 0, NULL, NULL },
      };
      g_once_init_leave (&once, g_enum_register_static ("SvSecretFormat", values));
    }
  return once;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (SvSecret, sv_secret, SV_TYPE_OBJECT,
                               SV_MIGRATABLE_STATELESS ("all of it comes from properties"))

static gboolean
fail (SvSecret *self, const char *reason, GError **error)
{
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "'%s': %s", sv_object_get_id (SV_OBJECT (self)),
               reason);
  return FALSE;
}

static gboolean
is_base64 (const char *text, gsize length)
{
  while (length > 0 && g_ascii_isspace (text[length - 1]))
    length--;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (text[i]) && strchr ("+/=", text[i]) == NULL)
      return FALSE;
  return length % 4 == 0;
}

/* Nothing here is encrypted, so what is read is looked at and forgotten. */
static gboolean
sv_secret_complete (SvObject *object, GError **error)
{
  SvSecret *self = SV_SECRET (object);
  g_autofree char *contents = NULL;
  gsize length;

  if ((self->data == NULL) == (self->file == NULL))
    return fail (self, "expected either 'data' or 'file'", error);
  if (self->file != NULL && !g_file_get_contents (self->file, &contents, &length, error))
    {
      g_prefix_error (error, "'%s': ", sv_object_get_id (object));
      return FALSE;
    }
  if (self->file == NULL)
    {
      contents = g_steal_pointer (&self->data);
      length = strlen (contents);
    }
  return self->format == SV_SECRET_FORMAT_RAW || is_base64 (contents, length)
         || fail (self, "what it holds is no base64", error);
}

static void
sv_secret_finalize (GObject *object)
{
  SvSecret *self = SV_SECRET (object);

  g_free (self->data);
  g_free (self->file);
  G_OBJECT_CLASS (sv_secret_parent_class)->finalize (object);
}

static void
sv_secret_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvSecret *self = SV_SECRET (object);

  if (id == PROP_FORMAT)
    g_value_set_enum (value, self->format);
  else if (id == PROP_FILE)
    g_value_set_string (value, self->file);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_secret_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvSecret *self = SV_SECRET (object);

  switch (id)
    {
    case PROP_FORMAT:
      self->format = g_value_get_enum (value);
      break;
    case PROP_DATA:
      g_free (self->data);
      self->data = g_value_dup_string (value);
      break;
    case PROP_FILE:
      g_free (self->file);
      self->file = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_secret_class_init (SvSecretClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_secret_get_property;
  object_class->set_property = sv_secret_set_property;
  object_class->finalize = sv_secret_finalize;
  SV_OBJECT_CLASS (klass)->container = "objects";
  SV_OBJECT_CLASS (klass)->complete = sv_secret_complete;

  /**
   * SvSecret:format:
   *
   * How the secret is written.
   */
  props[PROP_FORMAT]
      = g_param_spec_enum ("format", "format", "How the secret is written", SV_TYPE_SECRET_FORMAT,
                           SV_SECRET_FORMAT_RAW, SV_PARAM_RW_WIRING);

  /**
   * SvSecret:data:
   *
   * The secret; it cannot be read back.
   */
  props[PROP_DATA] = g_param_spec_string ("data", "data", "The secret", NULL,
                                          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY
                                              | SV_PARAM_WIRING);

  /**
   * SvSecret:file:
   *
   * A file that holds the secret, in place of [property@Secret:data].
   */
  props[PROP_FILE] = g_param_spec_string ("file", "file", "File that holds the secret", NULL, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_secret_init (SvSecret *self)
{
}
