/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/cli/sv-cli-private.h"
#include "src/cli/sv-keyval.h"

SvCliKeys *
sv_cli_keys_new (void)
{
  SvCliKeys *self = g_new (SvCliKeys, 1);

  self->values = json_object_new ();
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
sv_cli_keys_free (SvCliKeys *self)
{
  json_object_unref (self->values);
  g_hash_table_unref (self->names);
  g_free (self);
}

/* Keys of an option that makes an object: as QEMU's, they may be JSON. */
SvCliKeys *
sv_cli_keys_parse_any (const char *argument, const char *implied_key, GError **error)
{
  return sv_cli_keys_parse_list (argument, implied_key, NULL, error);
}

SvCliKeys *
sv_cli_keys_parse_list (const char *argument,
                        const char *implied_key,
                        const char *list_key,
                        GError **error)
{
  JsonObject *values = sv_keyval_parse_list (argument, implied_key, list_key, error);
  SvCliKeys *self;

  if (values == NULL)
    return NULL;
  self = sv_cli_keys_new ();
  json_object_unref (self->values);
  self->values = values;
  return self;
}

/* Keys of an option that has no object of its own behind it: strings only. */
SvCliKeys *
sv_cli_keys_parse (const char *argument, const char *implied_key, GError **error)
{
  if (*argument == '{')
    {
      sv_cli_fail (error, "expected KEY=VALUE,..., got JSON");
      return NULL;
    }
  return sv_cli_keys_parse_any (argument, implied_key, error);
}

gboolean
sv_cli_keys_has (SvCliKeys *self, const char *key)
{
  return json_object_has_member (self->values, key);
}

char *
sv_cli_keys_take (SvCliKeys *self, const char *key)
{
  JsonNode *node = json_object_get_member (self->values, key);
  char *value;

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  value = json_node_dup_string (node);
  json_object_remove_member (self->values, key);
  return value;
}

void
sv_cli_keys_set (SvCliKeys *self, const char *key, const char *value)
{
  json_object_set_string_member (self->values, key, value);
}

void
sv_cli_keys_move (SvCliKeys *self, const char *key, SvCliKeys *to, const char *new_key)
{
  JsonNode *node = json_object_dup_member (self->values, key);
  const char *name = g_hash_table_lookup (self->names, key);

  if (node == NULL)
    return;
  if (name != NULL || !g_str_equal (key, new_key))
    g_hash_table_insert (to->names, g_strdup (new_key), g_strdup (name ? name : key));
  json_object_set_member (to->values, new_key, node);
  /* Last: @key and @new_key may be the member's own name. */
  json_object_remove_member (self->values, key);
}

gboolean
sv_cli_keys_refuse_rest (SvCliKeys *self, const char *accepted, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (self->values);

  if (members == NULL)
    return TRUE;
  return sv_cli_fail (error, "unknown key '%s': accepted are %s", (char *)members->data, accepted);
}

static gboolean
is_same_thing (SvConfigSection section, const SvConfigItem *item, const char *id)
{
  const char *other = section == SV_CONFIG_DEVICE
                          ? json_object_get_string_member_with_default (item->properties, "id", NULL)
                          : item->id;

  return id != NULL && g_strcmp0 (other, id) == 0;
}

SvConfigItem *
sv_cli_add (SvCli *cli, SvConfigSection section, const char *type, const char *id, SvCliKeys *keys)
{
  GPtrArray *items = cli->config->items[section];
  const char *new_id
      = section == SV_CONFIG_DEVICE
            ? json_object_get_string_member_with_default (keys->values, "id", NULL)
            : id;
  SvConfigItem *item;

  for (guint i = items->len; i-- > 0 && !cli->from_file;)
    {
      item = g_ptr_array_index (items, i);
      if (item->from_file && is_same_thing (section, item, new_id))
        g_ptr_array_remove_index (items, i);
    }
  item = sv_vm_config_add (cli->config, section, type, id, keys->values, cli->origin);
  if (g_hash_table_size (keys->names) > 0)
    item->names = g_hash_table_ref (keys->names);
  item->role = cli->role;
  item->from_file = cli->from_file;
  return item;
}

gboolean
sv_cli_begin_role (SvCli *cli, const char *role, GError **error)
{
  const SvConfigItem *other;

  if (!cli->from_file)
    sv_vm_config_drop_role (cli->config, role, TRUE);
  other = sv_vm_config_find_role (cli->config, role);
  if (other != NULL)
    return sv_cli_fail (error, "a VM has one %s at most, and '%s' is there", role, other->origin);
  cli->role = role;
  return TRUE;
}

void
sv_cli_set_machine (SvCli *cli, const char *name, const char *value)
{
  sv_vm_config_set_machine_string (cli->config, name, value, cli->origin);
}
