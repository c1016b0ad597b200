/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>

#include "qmp/sv-qmp-json.h"

void
sv_qmp_json_append_string (GString *out, const char *string)
{
  const char *at = string;
  const char *run = at;

  g_string_append_c (out, '"');
  while (*at != '\0')
    {
      guchar c = (guchar)*at;
      gunichar character;

      if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\')
        {
          at++;
          continue;
        }
      if (c >= 0x80)
        {
          character = g_utf8_get_char_validated (at, -1);
          if (character != (gunichar)-1 && character != (gunichar)-2)
            {
              at = g_utf8_next_char (at);
              continue;
            }
        }
      g_string_append_len (out, run, at - run);
      if (c >= 0x80)
        g_string_append (out, "\\ufffd");
      else if (c == '"' || c == '\\')
        g_string_append_printf (out, "\\%c", c);
      else if (c == '\n')
        g_string_append (out, "\\n");
      else if (c == '\r')
        g_string_append (out, "\\r");
      else if (c == '\t')
        g_string_append (out, "\\t");
      else
        g_string_append_printf (out, "\\u%04x", c);
      run = ++at;
    }
  g_string_append_len (out, run, at - run);
  g_string_append_c (out, '"');
}

static void
append_value (GString *out, JsonNode *node)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  GType type = json_node_get_value_type (node);

  if (type == G_TYPE_BOOLEAN)
    g_string_append (out, json_node_get_boolean (node) ? "true" : "false");
  else if (type == G_TYPE_STRING)
    sv_qmp_json_append_string (out, json_node_get_string (node));
  else if (type == G_TYPE_DOUBLE && isfinite (json_node_get_double (node)))
    g_string_append (out, g_ascii_dtostr (buffer, sizeof buffer, json_node_get_double (node)));
  else if (type == G_TYPE_INT64)
    {
      /* Most numbers are small and non-negative; printf is the slowest part of a reply. */
      gint64 value = json_node_get_int (node);
      char *digit = buffer + sizeof buffer;

      if (value < 0)
        {
          g_string_append_printf (out, "%" G_GINT64_FORMAT, value);
          return;
        }
      do
        *--digit = (char)('0' + value % 10);
      while ((value /= 10) != 0);
      g_string_append_len (out, digit, buffer + sizeof buffer - digit);
    }
  else
    g_string_append (out, "null");
}

void
sv_qmp_json_append (GString *out, JsonNode *node)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;
  JsonArray *array;

  switch (json_node_get_node_type (node))
    {
    case JSON_NODE_OBJECT:
      g_string_append_c (out, '{');
      json_object_iter_init_ordered (&iter, json_node_get_object (node));
      while (json_object_iter_next_ordered (&iter, &name, &member))
        {
          if (out->str[out->len - 1] != '{')
            g_string_append_c (out, ',');
          sv_qmp_json_append_string (out, name);
          g_string_append_c (out, ':');
          sv_qmp_json_append (out, member);
        }
      g_string_append_c (out, '}');
      break;
    case JSON_NODE_ARRAY:
      array = json_node_get_array (node);
      g_string_append_c (out, '[');
      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          if (i > 0)
            g_string_append_c (out, ',');
          sv_qmp_json_append (out, json_array_get_element (array, i));
        }
      g_string_append_c (out, ']');
      break;
    case JSON_NODE_VALUE:
      append_value (out, node);
      break;
    case JSON_NODE_NULL:
    default:
      g_string_append (out, "null");
      break;
    }
}
