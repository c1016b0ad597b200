/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/cli/sv-keyval.h"

#include <string.h>

#include "qmp/sv-qmp-json.h"

static JsonObject *
parse_json (const char *text, GError **error)
{
  g_autoptr (JsonNode) node = sv_qmp_json_parse (text, strlen (text), error);

  if (node == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT (node))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "expected a JSON object, got '%s'", text);
      return NULL;
    }
  return json_node_dup_object (node);
}

/* Cuts the text before the next single comma off *@rest; two commas stand for one. */
static char *
take_token (const char **rest)
{
  GString *token = g_string_new (NULL);
  const char *p = *rest;

  for (; *p != '\0'; p++)
    {
      if (*p == ',' && p[1] != ',')
        break;
      if (*p == ',')
        p++;
      g_string_append_c (token, *p);
    }
  *rest = *p == ',' ? p + 1 : p;
  return g_string_free (token, FALSE);
}

/* What an option may say several times: a list, also when it is said once. */
static gboolean
add_to_list (JsonObject *object, const char *key, const char *value, const char *list_key)
{
  static const char *const lists[] = { "dnssearch", "hostfwd", NULL };

  if (!g_strv_contains (lists, key) && g_strcmp0 (key, list_key) != 0)
    return FALSE;
  if (!json_object_has_member (object, key))
    json_object_set_array_member (object, key, json_array_new ());
  json_array_add_string_element (json_object_get_array_member (object, key), value);
  return TRUE;
}

static gboolean
add_token (JsonObject *object,
           const char *token,
           const char *implied_key,
           const char *list_key,
           GError **error)
{
  const char *equals = strchr (token, '=');
  g_autofree char *key = NULL;
  const char *value = NULL;

  if (equals != NULL)
    {
      key = g_strndup (token, equals - token);
      value = equals + 1;
    }
  else if (implied_key != NULL)
    {
      key = g_strdup (implied_key);
      value = token;
    }
  else
    {
      gboolean negated = g_str_has_prefix (token, "no") && token[2] != '\0';

      key = g_strdup (negated ? token + 2 : token);
      value = negated ? "off" : "on";
    }

  if (*key == '\0' || (implied_key != NULL && *value == '\0'))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "expected KEY=VALUE, got '%s'",
                   token);
      return FALSE;
    }
  if (add_to_list (object, key, value, list_key))
    return TRUE;
  if (json_object_has_member (object, key))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "'%s' is given twice", key);
      return FALSE;
    }
  json_object_set_string_member (object, key, value);
  return TRUE;
}

/**
 * sv_keyval_parse: (skip)
 * @text: `KEY=VALUE,KEY=VALUE...` or a JSON object
 * @implied_key: (nullable): the key of a first value that stands alone (`-device DRIVER,...`)
 * @error: return location
 *
 * Reads the argument of an option in QEMU's syntax. Two commas in a row stand for one in a value. A
 * word without a value means on, and off when it begins with `no`: `server,nowait`. All
 * values become strings, in the order given, or lists of strings for the few keys that may come
 * several times; a JSON object is taken as it is.
 *
 * Returns: (transfer full): the keys and values; %NULL with %G_OPTION_ERROR_BAD_VALUE when @text is
 *   malformed or names a key twice
 */
JsonObject *
sv_keyval_parse (const char *text, const char *implied_key, GError **error)
{
  return sv_keyval_parse_list (text, implied_key, NULL, error);
}

/**
 * sv_keyval_parse_list: (skip)
 * @text: `KEY=VALUE,KEY=VALUE...` or a JSON object
 * @implied_key: (nullable): the key of a first value that stands alone
 * @list_key: (nullable): one more key that may come several times
 * @error: return location
 *
 * Reads an argument as sv_keyval_parse() does.
 *
 * Returns: (transfer full): the keys and values; %NULL with %G_OPTION_ERROR_BAD_VALUE
 */
JsonObject *
sv_keyval_parse_list (const char *text, const char *implied_key, const char *list_key, GError **error)
{
  g_autoptr (JsonObject) object = NULL;

  if (!g_utf8_validate (text, -1, NULL))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "expected valid UTF-8");
      return NULL;
    }
  if (*text == '{')
    return parse_json (text, error);

  object = json_object_new ();
  while (*text != '\0')
    {
      g_autofree char *token = take_token (&text);

      if (!add_token (object, token, implied_key, list_key, error))
        return NULL;
      implied_key = NULL;
    }
  return g_steal_pointer (&object);
}

/**
 * sv_keyval_is_help: (skip)
 * @text: the argument of an option
 * @type: (out) (transfer full) (nullable): the type that help is asked about
 *
 * Tells requests for help apart: `help` and `?` alone, or after a type as in
 * `virtio-blk-device,help`.
 *
 * Returns: %TRUE when help is asked for
 */
gboolean
sv_keyval_is_help (const char *text, char **type)
{
  g_auto (GStrv) tokens = g_strsplit (text, ",", -1);
  guint n = g_strv_length (tokens);

  *type = NULL;
  for (guint i = 0; i < n; i++)
    if (strcmp (tokens[i], "help") == 0 || strcmp (tokens[i], "?") == 0)
      {
        const char *equals = i > 0 ? strchr (tokens[0], '=') : NULL;

        if (i > 0)
          *type = g_strdup (equals ? equals + 1 : tokens[0]);
        return TRUE;
      }
  return FALSE;
}
