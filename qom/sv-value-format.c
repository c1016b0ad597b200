/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From GValues to what users and clients read; the way back is sv-value.c. */

#include "qom/sv-property.h"
#include "qom/sv-wide.h"

static char *
dup_link_path (const GValue *value)
{
  GObject *target = g_value_get_object (value);

  return SV_IS_OBJECT (target) ? sv_object_dup_path (SV_OBJECT (target)) : g_strdup ("");
}

static const char *
get_enum_nick (const GValue *value, GParamSpec *pspec)
{
  GEnumValue *enum_value
      = g_enum_get_value (G_PARAM_SPEC_ENUM (pspec)->enum_class, g_value_get_enum (value));

  return enum_value ? enum_value->value_nick : "";
}

static JsonNode *
strv_to_json (const char *const *strv)
{
  JsonArray *array = json_array_new ();
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  for (guint i = 0; strv != NULL && strv[i] != NULL; i++)
    json_array_add_string_element (array, strv[i]);
  json_node_take_array (node, array);
  return node;
}

/**
 * sv_value_to_json:
 * @value: a value of the property
 * @pspec: the property
 *
 * The JSON form of a value: numbers and booleans as such, enum values by nick, links by canonical
 * path (empty: none), no string as an empty one. Integers that JSON's signed 64 bits cannot hold
 * become the nearest floating point number.
 *
 * Returns: (transfer full): the node
 */
JsonNode *
sv_value_to_json (const GValue *value, GParamSpec *pspec)
{
  JsonNode *node = json_node_alloc ();
  SvWide number;

  if (sv_wide_get (value, &number))
    return number <= G_MAXINT64 ? json_node_init_int (node, number)
                                : json_node_init_double (node, number);

  switch (G_TYPE_FUNDAMENTAL (pspec->value_type))
    {
    case G_TYPE_BOOLEAN:
      return json_node_init_boolean (node, g_value_get_boolean (value));
    case G_TYPE_ENUM:
      return json_node_init_string (node, get_enum_nick (value, pspec));
    case G_TYPE_DOUBLE:
      return json_node_init_double (node, g_value_get_double (value));
    case G_TYPE_STRING:
      return json_node_init_string (node,
                                    g_value_get_string (value) ? g_value_get_string (value) : "");
    case G_TYPE_OBJECT:
      {
        g_autofree char *path = dup_link_path (value);

        return json_node_init_string (node, path);
      }
    default:
      break;
    }

  json_node_init_null (node);
  if (pspec->value_type == G_TYPE_STRV)
    {
      json_node_free (node);
      node = strv_to_json (g_value_get_boxed (value));
    }
  else if (pspec->value_type == JSON_TYPE_NODE && g_value_get_boxed (value) != NULL)
    {
      json_node_free (node);
      node = g_value_dup_boxed (value);
    }
  return node;
}

/**
 * sv_value_to_string:
 * @value: a value of the property
 * @pspec: the property
 *
 * The form that [func@value_from_string] reads.
 *
 * Returns: (transfer full): the text
 */
char *
sv_value_to_string (const GValue *value, GParamSpec *pspec)
{
  SvWide number;

  if (sv_wide_get (value, &number))
    {
      GString *text = g_string_new (NULL);

      sv_wide_append (text, pspec, number);
      return g_string_free (text, FALSE);
    }

  switch (G_TYPE_FUNDAMENTAL (pspec->value_type))
    {
    case G_TYPE_BOOLEAN:
      return g_strdup (g_value_get_boolean (value) ? "on" : "off");
    case G_TYPE_ENUM:
      return g_strdup (get_enum_nick (value, pspec));
    case G_TYPE_DOUBLE:
      {
        char buffer[G_ASCII_DTOSTR_BUF_SIZE];

        return g_strdup (g_ascii_dtostr (buffer, sizeof buffer, g_value_get_double (value)));
      }
    case G_TYPE_STRING:
      return g_strdup (g_value_get_string (value) ? g_value_get_string (value) : "");
    case G_TYPE_OBJECT:
      return dup_link_path (value);
    default:
      break;
    }

  if (pspec->value_type == G_TYPE_STRV && g_value_get_boxed (value) != NULL)
    return g_strjoinv (":", g_value_get_boxed (value));
  if (pspec->value_type == JSON_TYPE_NODE && g_value_get_boxed (value) != NULL)
    return json_to_string (g_value_get_boxed (value), FALSE);
  return g_strdup ("");
}
