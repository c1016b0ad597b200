/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/smbios/sv-smbios-file.h"

#include "hw/core/sv-vm-tree.h"
#include "qom/sv-property.h"
#include "src/migration/sv-migratable.h"

#define HEADER_SIZE 4

struct _SvSmbiosFile
{
  SvObject parent_instance;

  char *path;
  GBytes *contents;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvSmbiosFile, sv_smbios_file, SV_TYPE_OBJECT,
                               SV_MIGRATABLE_STATELESS ("all of it comes from properties"))

enum
{
  PROP_FILE = 1,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

gsize
sv_smbios_structure_get_size (const guint8 *data, gsize size)
{
  if (size < HEADER_SIZE || data[1] < HEADER_SIZE)
    return 0;
  for (gsize at = data[1]; at + 2 <= size; at++)
    if (data[at] == 0 && data[at + 1] == 0)
      return at + 2;
  return 0;
}

static gboolean
sv_smbios_file_complete (SvObject *object, GError **error)
{
  SvSmbiosFile *self = SV_SMBIOS_FILE (object);
  g_autoptr (GError) cause = NULL;
  char *data;
  gsize size;

  if (self->path == NULL || !g_file_get_contents (self->path, &data, &size, &cause))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "Cannot read SMBIOS file %s: %s",
                   self->path != NULL ? self->path : "", cause != NULL ? cause->message : "'file' is missing");
      return FALSE;
    }
  self->contents = g_bytes_new_take (data, size);
  if (size > 0 && sv_smbios_structure_get_size ((const guint8 *)data, size) == size)
    return TRUE;
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
               "SMBIOS file %s has to be one structure: its header, its fields, its strings, and two NULs at its end",
               self->path);
  return FALSE;
}

static void
sv_smbios_file_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvSmbiosFile *self = SV_SMBIOS_FILE (object);

  g_free (self->path);
  self->path = g_value_dup_string (value);
}

static void
sv_smbios_file_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_string (value, SV_SMBIOS_FILE (object)->path);
}

static void
sv_smbios_file_finalize (GObject *object)
{
  SvSmbiosFile *self = SV_SMBIOS_FILE (object);

  g_free (self->path);
  g_clear_pointer (&self->contents, g_bytes_unref);
  G_OBJECT_CLASS (sv_smbios_file_parent_class)->finalize (object);
}

static void
sv_smbios_file_class_init (SvSmbiosFileClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = sv_smbios_file_set_property;
  object_class->get_property = sv_smbios_file_get_property;
  object_class->finalize = sv_smbios_file_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_smbios_file_complete;
  SV_OBJECT_CLASS (klass)->container = SV_MACHINE_PARTS;
  props[PROP_FILE] = g_param_spec_string ("file", "file", "File with one structure", NULL, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_smbios_file_init (SvSmbiosFile *self)
{
}

GBytes *
sv_smbios_file_get_contents (SvSmbiosFile *self)
{
  return self->contents;
}
