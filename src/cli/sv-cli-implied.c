/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/cli/sv-cli-private.h"

/* Devices that come with their back end: the disk of a -drive, the card of a -netdev. */

typedef struct
{
  const char *driver;
  const char *link;
  char *id; /* of the back end, and of the device made for it */
  char *origin;
  SvCliKeys *keys;
  gboolean automatic; /* a device is made when no -device names the back end */
  gboolean from_file;
} SvCliImplied;

void
sv_cli_implied_free (gpointer implied)
{
  SvCliImplied *self = implied;

  g_free (self->id);
  g_free (self->origin);
  sv_cli_keys_free (self->keys);
  g_free (self);
}

static SvCliKeys *
copy_keys (SvCliKeys *keys)
{
  SvCliKeys *copy = sv_cli_keys_new ();
  g_autoptr (GList) members = json_object_get_members (keys->values);

  for (GList *at = members; at != NULL; at = at->next)
    sv_cli_keys_move (keys, at->data, copy, at->data);
  return copy;
}

void
sv_cli_imply_device (SvCli *cli,
                     const char *driver,
                     const char *link,
                     const char *id,
                     SvCliKeys *keys,
                     gboolean automatic)
{
  SvCliImplied *self;
  int place = -1;

  /* In the place of what the file says: the guest counts its disks in this order. */
  for (guint i = cli->implied->len; i-- > 0 && !cli->from_file;)
    {
      self = g_ptr_array_index (cli->implied, i);
      if (!self->from_file || !g_str_equal (self->link, link) || !g_str_equal (self->id, id))
        continue;
      g_ptr_array_remove_index (cli->implied, i);
      place = (int)i;
    }
  self = g_new (SvCliImplied, 1);
  *self = (SvCliImplied){ driver, link, g_strdup (id), g_strdup (cli->origin), copy_keys (keys),
                          automatic, cli->from_file };
  g_ptr_array_insert (cli->implied, place, self);
}

static SvConfigItem *
find_device (SvVmConfig *config, const char *link, const char *id)
{
  GPtrArray *items = config->items[SV_CONFIG_DEVICE];

  for (guint i = 0; i < items->len; i++)
    {
      SvConfigItem *item = g_ptr_array_index (items, i);

      if (g_strcmp0 (json_object_get_string_member_with_default (item->properties, link, NULL), id)
          == 0)
        return item;
    }
  return NULL;
}

static void
add_device (SvCli *cli, const SvCliImplied *implied)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_new ();
  SvConfigItem *item;
  JsonObjectIter iter;
  const char *key;
  JsonNode *value;

  sv_cli_keys_set (keys, "driver", implied->driver);
  sv_cli_keys_set (keys, "id", implied->id);
  sv_cli_keys_set (keys, implied->link, implied->id);
  json_object_iter_init_ordered (&iter, implied->keys->values);
  while (json_object_iter_next_ordered (&iter, &key, &value))
    json_object_set_member (keys->values, key, json_node_copy (value));
  item = sv_vm_config_add (cli->config, SV_CONFIG_DEVICE, NULL, NULL, keys->values,
                           implied->origin);
  item->from_file = implied->from_file;
  item->names = g_hash_table_ref (implied->keys->names);
}

/* The device knows better than the back end. */
static void
complete_device (SvConfigItem *item, const SvCliImplied *implied)
{
  JsonObjectIter iter;
  const char *key;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, implied->keys->values);
  while (json_object_iter_next_ordered (&iter, &key, &value))
    {
      const char *name = g_hash_table_lookup (implied->keys->names, key);

      if (json_object_has_member (item->properties, key))
        continue;
      json_object_set_member (item->properties, key, json_node_copy (value));
      if (name == NULL)
        continue;
      if (item->names == NULL)
        item->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      g_hash_table_insert (item->names, g_strdup (key), g_strdup (name));
    }
}

gboolean
sv_cli_finish_implied (SvCli *cli, GError **error)
{
  for (guint i = 0; i < cli->implied->len; i++)
    {
      const SvCliImplied *implied = g_ptr_array_index (cli->implied, i);
      SvConfigItem *item = find_device (cli->config, implied->link, implied->id);
      g_autoptr (GList) members = json_object_get_members (implied->keys->values);

      if (item != NULL)
        complete_device (item, implied);
      else if (implied->automatic)
        add_device (cli, implied);
      else if (members != NULL)
        return sv_cli_fail (error, "%s: '%s' needs a -device with '%s=%s'", implied->origin,
                            (char *)members->data, implied->link, implied->id);
    }
  return TRUE;
}
