/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* svctl tree, get, set */

#include <string.h>

#include "client/sv-client-private.h"
#include "client/sv-json-string.h"
#include "qmp/sv-qmp-error.h"
#include "qom/sv-suggestion.h"
#include "svctl/svctl-commands.h"

/* Where ids and types stand in a line of the tree. */
#define TYPE_COLUMN 31

static void
print_tree (SvClientNode *node, int depth)
{
  int indent = 2 * depth;

  svctl_print ("%*s%-*s%s\n", indent, "", MAX (TYPE_COLUMN - indent, (int)strlen (node->id) + 1),
               node->parent == NULL ? "/" : node->id, node->type);
  for (guint i = 0; i < node->children->len; i++)
    print_tree (g_ptr_array_index (node->children, i), depth + 1);
}

static JsonObject *
describe_tree (SvClientNode *node)
{
  JsonObject *object = sv_client_new_arguments ("path", node->path, "type", node->type, NULL);
  JsonArray *children = json_array_new ();

  for (guint i = 0; i < node->children->len; i++)
    json_array_add_object_element (children, describe_tree (g_ptr_array_index (node->children, i)));
  json_object_set_array_member (object, "children", children);
  return object;
}

static void
suggest (SvClientNode *node, SvSuggestion *suggestion)
{
  sv_suggestion_consider (suggestion, node->id);
  for (guint i = 0; i < node->children->len; i++)
    suggest (g_ptr_array_index (node->children, i), suggestion);
}

SvRemoteObject *
svctl_find (SvRemoteMachine *machine, const char *path, GError **error)
{
  SvClient *client = sv_remote_object_get_client (SV_REMOTE_OBJECT (machine));
  SvRemoteObject *object = sv_client_get_object (client, path);
  g_autofree char *hint = NULL;
  SvSuggestion suggestion;

  if (object != NULL)
    return object;
  sv_suggestion_init (&suggestion, strrchr (path, '/') != NULL ? strrchr (path, '/') + 1 : path);
  suggest (client->root, &suggestion);
  hint = sv_suggestion_dup_hint (&suggestion);
  g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_DEVICE_NOT_FOUND,
               "there is no object '%s', or more than one%s; 'svctl tree' shows what there is", path, hint);
  return NULL;
}

gboolean
svctl_tree (Svctl *self, int argc, char **argv, GError **error)
{
  g_autoptr (SvRemoteMachine) machine = svctl_open_tree (self, error);
  g_autoptr (SvRemoteObject) object = machine != NULL ? svctl_find (machine, argc > 0 ? argv[0] : "/", error) : NULL;

  if (object == NULL)
    return FALSE;
  if (self->json)
    svctl_print_object (describe_tree (sv_remote_object_get_node (object)));
  else
    print_tree (sv_remote_object_get_node (object), 0);
  return TRUE;
}

static JsonObject *
dup_values (Svctl *self, const char *path, GError **error)
{
  JsonObject *arguments = json_object_new ();
  JsonArray *paths = json_array_new ();
  JsonObject *values;
  JsonArray *list;
  g_autoptr (JsonNode) reply = NULL;

  json_array_add_string_element (paths, path);
  json_object_set_array_member (arguments, "paths", paths);
  reply = svctl_execute (self, "qom-list-get", arguments, error);
  if (reply == NULL)
    return NULL;
  values = json_object_new ();
  list = json_object_get_array_member (json_array_get_object_element (json_node_get_array (reply), 0), "properties");
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      JsonObject *info = json_array_get_object_element (list, i);
      JsonNode *value = json_object_dup_member (info, "value");

      json_object_set_member (values, sv_json_get_string (info, "name", ""),
                              value != NULL ? value : json_node_new (JSON_NODE_NULL));
    }
  return values;
}

static void
print_value (JsonObject *object, const char *name, JsonNode *node, gpointer user_data)
{
  g_autofree char *text = svctl_dup_text (node);

  svctl_print ("%-29s %s\n", name, text);
}

static gboolean
get_one (Svctl *self, const char *word, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *property = NULL;
  g_autofree char *type = NULL;
  g_autoptr (JsonObject) values = NULL;
  g_autoptr (JsonNode) value = NULL;

  if (!svctl_split (self, word, &path, &property, &type, error))
    return FALSE;
  if (property == NULL)
    {
      values = dup_values (self, path, error);
      if (values == NULL)
        return FALSE;
      if (self->json)
        svctl_print_object (g_steal_pointer (&values));
      else
        json_object_foreach_member (values, print_value, NULL);
      return TRUE;
    }
  value = svctl_execute (self, "qom-get", sv_client_new_arguments ("path", path, "property", property, NULL), error);
  if (value == NULL)
    return FALSE;
  if (self->json)
    svctl_print_json (g_steal_pointer (&value));
  else
    {
      g_autofree char *text = svctl_dup_text (value);

      svctl_print ("%s\n", text);
    }
  return TRUE;
}

gboolean
svctl_get (Svctl *self, int argc, char **argv, GError **error)
{
  for (int i = 0; i < argc; i++)
    if (!get_one (self, argv[i], error))
      return FALSE;
  return TRUE;
}

gboolean
svctl_set (Svctl *self, int argc, char **argv, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *property = NULL;
  g_autofree char *type = NULL;
  g_autoptr (JsonNode) reply = NULL;
  JsonObject *arguments;
  JsonNode *value;

  if (!svctl_split (self, argv[0], &path, &property, &type, error))
    return FALSE;
  if (property == NULL)
    {
      g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "'%s' is an object; its properties are set as %s.PROPERTY",
                   argv[0], argv[0]);
      return FALSE;
    }
  value = svctl_parse_value (property, type, argv[1], error);
  if (value == NULL)
    return FALSE;
  arguments = sv_client_new_arguments ("path", path, "property", property, NULL);
  json_object_set_member (arguments, "value", value);
  reply = svctl_execute (self, "qom-set", arguments, error);
  return reply != NULL;
}
