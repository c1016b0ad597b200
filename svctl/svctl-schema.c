/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "client/sv-client-private.h"
#include "client/sv-json-string.h"
#include "qmp/sv-qmp-error.h"
#include "qom/sv-suggestion.h"
#include "svctl/svctl.h"

struct _SvctlSchema
{
  JsonNode *reply;     /* to query-qmp-schema */
  GHashTable *entries; /* name → JsonObject */
};

static const char *
get_string (JsonObject *object, const char *name)
{
  return object != NULL ? sv_json_get_string (object, name, "") : "";
}

SvctlSchema *
svctl_schema_new (Svctl *self, GError **error)
{
  JsonNode *reply = svctl_execute (self, "query-qmp-schema", NULL, error);
  SvctlSchema *schema;
  JsonArray *array;

  if (reply == NULL)
    return NULL;
  schema = g_new0 (SvctlSchema, 1);
  schema->reply = reply;
  schema->entries = g_hash_table_new (g_str_hash, g_str_equal);
  array = json_node_get_array (reply);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *entry = json_array_get_object_element (array, i);

      g_hash_table_insert (schema->entries, (gpointer)get_string (entry, "name"), entry);
    }
  return schema;
}

void
svctl_schema_free (SvctlSchema *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->entries);
  json_node_unref (self->reply);
  g_free (self);
}

static gboolean
is_meta (JsonObject *entry, const char *meta)
{
  return strcmp (get_string (entry, "meta-type"), meta) == 0;
}

gboolean
svctl_schema_has_command (SvctlSchema *self, const char *command, GError **error)
{
  GHashTableIter iter;
  gpointer name;
  gpointer entry;
  SvSuggestion suggestion;
  g_autofree char *hint = NULL;

  if (is_meta (g_hash_table_lookup (self->entries, command), "command"))
    return TRUE;
  sv_suggestion_init (&suggestion, command);
  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, &name, &entry))
    if (is_meta (entry, "command"))
      sv_suggestion_consider (&suggestion, name);
  hint = sv_suggestion_dup_hint (&suggestion);
  g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_COMMAND_NOT_FOUND,
               "there is no QMP command '%s'%s; query-commands lists them", command, hint);
  return FALSE;
}

/* The members that a command's arguments have; NULL: none. (transfer none) */
static JsonArray *
get_members (SvctlSchema *self, const char *command)
{
  JsonObject *entry = g_hash_table_lookup (self->entries, command);
  JsonObject *type;

  if (!is_meta (entry, "command"))
    return NULL;
  type = g_hash_table_lookup (self->entries, get_string (entry, "arg-type"));
  return type != NULL && json_object_has_member (type, "members") ? json_object_get_array_member (type, "members")
                                                                  : NULL;
}

static const char *
get_type (SvctlSchema *self, JsonObject *member)
{
  JsonObject *type = g_hash_table_lookup (self->entries, get_string (member, "type"));
  const char *json_type = get_string (type, "json-type");

  if (is_meta (type, "enum") || strcmp (json_type, "string") == 0)
    return "str";
  if (strcmp (json_type, "int") == 0)
    return "int64";
  return strcmp (json_type, "boolean") == 0 ? "bool" : "any";
}

JsonArray *
svctl_schema_dup_arguments (SvctlSchema *self, const char *command)
{
  JsonArray *members = get_members (self, command);
  JsonArray *arguments = json_array_new ();

  for (guint i = 0; members != NULL && i < json_array_get_length (members); i++)
    {
      JsonObject *member = json_array_get_object_element (members, i);

      json_array_add_object_element (arguments, sv_client_new_arguments ("name", get_string (member, "name"), "type",
                                                                         get_type (self, member), NULL));
    }
  return arguments;
}

/* Completion */

static void
offer (GStrvBuilder *found, const char *text, const char *before, const char *word, const char *after)
{
  g_autofree char *whole = g_strconcat (before, word, after, NULL);

  if (g_str_has_prefix (whole, text))
    g_strv_builder_add (found, whole);
}

static void
offer_commands (SvctlSchema *self, GStrvBuilder *found, const char *text)
{
  JsonArray *array = json_node_get_array (self->reply);

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *entry = json_array_get_object_element (array, i);

      if (is_meta (entry, "command"))
        offer (found, text, "", get_string (entry, "name"), "");
    }
}

static void
offer_values (SvctlSchema *self, GStrvBuilder *found, const char *text, JsonObject *member)
{
  JsonObject *type = g_hash_table_lookup (self->entries, get_string (member, "type"));
  g_autofree char *before = g_strconcat (get_string (member, "name"), "=", NULL);
  JsonArray *values;

  if (strcmp (get_type (self, member), "bool") == 0)
    {
      offer (found, text, before, "on", "");
      offer (found, text, before, "off", "");
    }
  if (!is_meta (type, "enum") || !json_object_has_member (type, "values"))
    return;
  values = json_object_get_array_member (type, "values");
  for (guint i = 0; i < json_array_get_length (values); i++)
    offer (found, text, before, json_array_get_string_element (values, i), "");
}

GStrv
svctl_schema_complete (SvctlSchema *self, const char *line, const char *text)
{
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();
  g_autofree char *words = g_strstrip (g_strdup (line));
  const char *equals = strchr (text, '=');
  JsonArray *members;

  if (words[0] == '\0')
    {
      offer_commands (self, found, text);
      return g_strv_builder_end (found);
    }
  words[strcspn (words, " \t")] = '\0';
  members = get_members (self, words);
  for (guint i = 0; members != NULL && i < json_array_get_length (members); i++)
    {
      JsonObject *member = json_array_get_object_element (members, i);
      const char *name = get_string (member, "name");

      if (equals == NULL)
        offer (found, text, "", name, "=");
      else if (strlen (name) == (gsize)(equals - text) && g_str_has_prefix (text, name))
        offer_values (self, found, text, member);
    }
  return g_strv_builder_end (found);
}
