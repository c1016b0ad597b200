/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "src/cli/sv-cli-private.h"
#include "src/cli/sv-keyval.h"

/*
 * -drive says in one option what -blockdev and -device say in two: the keys of the image go to a
 * block node, those of the disk to the device that names the drive.
 */

typedef struct
{
  char *id;
  char *origin;
  JsonObject *device; /* keys of the disk */
  gboolean automatic; /* it becomes a disk when no -device names it */
} SvCliDrive;

void
sv_cli_drive_free (gpointer drive)
{
  SvCliDrive *self = drive;

  g_free (self->id);
  g_free (self->origin);
  json_object_unref (self->device);
  g_free (self);
}

static void
rename_member (JsonObject *from, const char *key, JsonObject *to, const char *new_key)
{
  JsonNode *node = json_object_dup_member (from, key);

  if (node == NULL)
    return;
  json_object_remove_member (from, key);
  json_object_set_member (to, new_key, node);
}

static gboolean
set_cache (JsonObject *properties, const char *mode, GError **error)
{
  if (strcmp (mode, "none") == 0)
    json_object_set_string_member (properties, "cache.direct", "on");
  else if (strcmp (mode, "unsafe") == 0)
    json_object_set_string_member (properties, "cache.no-flush", "on");
  else if (strcmp (mode, "writeback") != 0)
    return sv_cli_fail (error, "'cache' can be 'none', 'writeback' or 'unsafe', not '%s'", mode);
  return TRUE;
}

static gboolean
check_fixed (JsonObject *properties, const char *key, const char *only, GError **error)
{
  g_autofree char *value = sv_cli_take_string (properties, key);

  if (value == NULL || strcmp (value, only) == 0)
    return TRUE;
  return sv_cli_fail (error, "'%s' can only be '%s', not '%s'", key, only, value);
}

gboolean
sv_cli_drive (SvCli *cli, const char *argument, GError **error)
{
  static const char *const image_keys[][2] = {
    { "file", "filename" },
    { "readonly", "read-only" },
    { "direct", "cache.direct" },
  };
  static const char *const device_keys[] = { "iothread", "serial" };
  g_autoptr (JsonObject) properties = NULL;
  g_autofree char *id = NULL;
  g_autofree char *interface = NULL;
  g_autofree char *cache = NULL;
  SvCliDrive *drive;

  if (*argument == '{')
    return sv_cli_fail (error, "expected KEY=VALUE,..., got JSON: that is for -blockdev");
  properties = sv_keyval_parse (argument, NULL, error);
  if (properties == NULL)
    return FALSE;

  id = sv_cli_take_string (properties, "id");
  if (id == NULL)
    return sv_cli_fail (error, "'id' is missing");
  if (!json_object_has_member (properties, "file"))
    return sv_cli_fail (error, "'file' is missing");
  interface = sv_cli_take_string (properties, "if");
  if (interface != NULL && strcmp (interface, "none") != 0 && strcmp (interface, "virtio") != 0)
    return sv_cli_fail (error, "'if' can be 'none' or 'virtio', not '%s'", interface);
  if (!check_fixed (properties, "format", "raw", error)
      || !check_fixed (properties, "media", "disk", error))
    return FALSE;

  drive = g_new (SvCliDrive, 1);
  *drive = (SvCliDrive){ g_strdup (id), g_strdup (cli->origin), json_object_new (),
                         interface == NULL || strcmp (interface, "virtio") == 0 };
  g_ptr_array_add (cli->drives, drive);
  for (guint i = 0; i < G_N_ELEMENTS (device_keys); i++)
    rename_member (properties, device_keys[i], drive->device, device_keys[i]);
  for (guint i = 0; i < G_N_ELEMENTS (image_keys); i++)
    {
      if (json_object_has_member (properties, image_keys[i][0])
          && json_object_has_member (properties, image_keys[i][1]))
        return sv_cli_fail (error, "'%s' and '%s' are the same", image_keys[i][0],
                            image_keys[i][1]);
      rename_member (properties, image_keys[i][0], properties, image_keys[i][1]);
    }
  cache = sv_cli_take_string (properties, "cache");
  if (cache != NULL && !set_cache (properties, cache, error))
    return FALSE;

  sv_vm_config_add (cli->config, SV_CONFIG_BLOCK, "blockdev-file", id, properties, cli->origin);
  return TRUE;
}

static JsonObject *
find_device (SvVmConfig *config, const char *drive)
{
  GPtrArray *items = config->items[SV_CONFIG_DEVICE];

  for (guint i = 0; i < items->len; i++)
    {
      JsonObject *properties = ((SvConfigItem *)g_ptr_array_index (items, i))->properties;

      if (g_strcmp0 (json_object_get_string_member_with_default (properties, "drive", NULL), drive)
          == 0)
        return properties;
    }
  return NULL;
}

gboolean
sv_cli_finish_drives (SvCli *cli, GError **error)
{
  for (guint i = 0; i < cli->drives->len; i++)
    {
      SvCliDrive *drive = g_ptr_array_index (cli->drives, i);
      JsonObject *device = find_device (cli->config, drive->id);
      g_autoptr (JsonObject) made = NULL;
      JsonObjectIter iter;
      const char *key;
      JsonNode *value;

      if (device == NULL && !drive->automatic && json_object_get_size (drive->device) == 0)
        continue;
      if (device == NULL && !drive->automatic)
        return sv_cli_fail (error, "%s: 'serial' and 'iothread' need a -device with 'drive=%s'",
                            drive->origin, drive->id);
      if (device == NULL)
        {
          device = made = json_object_new ();
          json_object_set_string_member (made, "driver", "virtio-blk-device");
          json_object_set_string_member (made, "id", drive->id);
          json_object_set_string_member (made, "drive", drive->id);
          sv_vm_config_add (cli->config, SV_CONFIG_DEVICE, NULL, NULL, made, drive->origin);
        }
      json_object_iter_init_ordered (&iter, drive->device);
      while (json_object_iter_next_ordered (&iter, &key, &value))
        if (!json_object_has_member (device, key))
          json_object_set_member (device, key, json_node_copy (value));
    }
  return TRUE;
}
