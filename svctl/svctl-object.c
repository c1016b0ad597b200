/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects and their properties, as users name and write them. */

#include <string.h>

#include "client/sv-client-private.h"
#include "client/sv-json-string.h"
#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-json.h"
#include "qom/sv-parse.h"
#include "qom/sv-suggestion.h"
#include "svctl/svctl.h"

static const char *
get_member (JsonArray *array, guint n, const char *name)
{
  return sv_json_get_string (json_array_get_object_element (array, n), name, "");
}

JsonArray *
svctl_list (Svctl *self, const char *path, GError **error)
{
  g_autoptr (JsonNode) reply = svctl_execute (self, "qom-list", sv_client_new_arguments ("path", path, NULL), error);

  return reply != NULL ? json_node_dup_array (reply) : NULL;
}

/* `PATH` of `PATH.PROPERTY`: the longest that is an object. NULL: none. */
static JsonArray *
find_object (Svctl *self, const char *word, char **path, GError **error)
{
  *path = g_strdup (word);
  for (;;)
    {
      g_autoptr (GError) local = NULL;
      JsonArray *list = svctl_list (self, *path, &local);
      char *dot;

      if (list != NULL)
        return list;
      dot = strrchr (*path, '.');
      if (!g_error_matches (local, SV_QMP_ERROR, SV_QMP_ERROR_DEVICE_NOT_FOUND))
        g_propagate_error (error, g_steal_pointer (&local));
      else if (dot == NULL || dot == *path)
        g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_DEVICE_NOT_FOUND,
                     "there is no object '%s'; 'svctl tree' shows what there is", word);
      else
        {
          *dot = '\0';
          continue;
        }
      g_clear_pointer (path, g_free);
      return NULL;
    }
}

static char *
dup_type (JsonArray *list, const char *path, const char *property, GError **error)
{
  SvSuggestion suggestion;
  g_autofree char *hint = NULL;

  sv_suggestion_init (&suggestion, property);
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      if (strcmp (get_member (list, i, "name"), property) == 0)
        return g_strdup (get_member (list, i, "type"));
      sv_suggestion_consider (&suggestion, get_member (list, i, "name"));
    }
  hint = sv_suggestion_dup_hint (&suggestion);
  g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "'%s' has no property '%s'%s; 'svctl get %s' shows them all",
               path, property, hint, path);
  return NULL;
}

gboolean
svctl_split (Svctl *self, const char *word, char **path, char **property, char **type, GError **error)
{
  g_autofree char *found = NULL;
  g_autoptr (JsonArray) list = find_object (self, word, &found, error);

  *property = NULL;
  *type = NULL;
  if (list == NULL)
    return FALSE;
  if (strlen (word) > strlen (found))
    {
      *type = dup_type (list, found, word + strlen (found) + 1, error);
      if (*type == NULL)
        return FALSE;
      *property = g_strdup (word + strlen (found) + 1);
    }
  *path = g_steal_pointer (&found);
  return TRUE;
}

/* Values */

static gboolean
is_integer_type (const char *type)
{
  return g_str_has_prefix (type, "int") || g_str_has_prefix (type, "uint") || strcmp (type, "size") == 0;
}

static JsonNode *
parse_integer (const char *name, const char *type, const char *text, GError **error)
{
  gboolean negative = text[0] == '-';
  guint64 number = 0;

  if (sv_parse_uint64 (text + negative, &number, NULL) || sv_parse_size (text + negative, 1, &number, NULL))
    {
      if (number <= G_MAXINT64)
        return json_node_init_int (json_node_alloc (), negative ? -(gint64)number : (gint64)number);
      /* JSON's numbers that large are not exact here; the VM converts the text. */
      return json_node_init_string (json_node_alloc (), text);
    }
  g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "'%s' is a number (%s), as 512 or 64K, not '%s'", name, type, text);
  return NULL;
}

JsonNode *
svctl_parse_value (const char *name, const char *type, const char *text, GError **error)
{
  gboolean truth;
  JsonNode *node;

  if (strcmp (type, "bool") == 0)
    {
      if (sv_parse_bool (text, &truth, NULL))
        return json_node_init_boolean (json_node_alloc (), truth);
      g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "'%s' is on or off, not '%s'", name, text);
      return NULL;
    }
  if (is_integer_type (type))
    return parse_integer (name, type, text, error);
  if (strcmp (type, "number") == 0 || strcmp (type, "any") == 0 || strcmp (type, "strList") == 0)
    {
      node = sv_qmp_json_parse (text, strlen (text), NULL);
      if (node != NULL)
        return node;
    }
  return json_node_init_string (json_node_alloc (), text);
}

static const char *
find_type (JsonArray *types, const char *name)
{
  for (guint i = 0; types != NULL && i < json_array_get_length (types); i++)
    if (strcmp (get_member (types, i, "name"), name) == 0)
      return get_member (types, i, "type");
  return "any";
}

gboolean
svctl_parse_words (JsonObject *object, JsonArray *types, int argc, char **argv, GError **error)
{
  for (int i = 0; i < argc; i++)
    {
      const char *equals = strchr (argv[i], '=');
      g_autofree char *name = NULL;
      JsonNode *value;

      if (equals == NULL || equals == argv[i])
        {
          g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "'%s' is not of the form NAME=VALUE", argv[i]);
          return FALSE;
        }
      name = g_strndup (argv[i], equals - argv[i]);
      if (json_object_has_member (object, name))
        {
          g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "'%s' is given twice", name);
          return FALSE;
        }
      value = svctl_parse_value (name, find_type (types, name), equals + 1, error);
      if (value == NULL)
        return FALSE;
      json_object_set_member (object, name, value);
    }
  return TRUE;
}
