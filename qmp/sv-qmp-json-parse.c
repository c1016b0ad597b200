/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-json.h"

#include <math.h>
#include <string.h>

#include "qmp/sv-qmp-error.h"

typedef struct
{
  const char *at;
  const char *end;
  guint depth;
  guint n_values;
  GString *id; /* gets the text of the outermost object's member 'id'; NULL: nobody asks */
  GError **error;
} Parser;

static JsonNode *parse_value (Parser *parser);

static G_GNUC_PRINTF (2, 3) void fail (Parser *parser, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (parser->error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "JSON parse error, %s", text);
}

static void
skip_space (Parser *parser)
{
  while (parser->at < parser->end && strchr (" \t\r\n", *parser->at) && *parser->at != '\0')
    parser->at++;
}

/* Skips white space; the next byte, or NUL at the end (NUL itself starts no token). */
static char
peek (Parser *parser)
{
  skip_space (parser);
  return parser->at < parser->end ? *parser->at : '\0';
}

static gboolean
accept (Parser *parser, char c)
{
  if (peek (parser) != c)
    return FALSE;
  parser->at++;
  return TRUE;
}

static gboolean
parse_hex4 (Parser *parser, guint *value)
{
  *value = 0;
  if (parser->end - parser->at < 4)
    return FALSE;
  for (guint i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (parser->at[i]);

      if (digit < 0)
        return FALSE;
      *value = *value * 16 + (guint)digit;
    }
  parser->at += 4;
  return TRUE;
}

/* Behind `\u`. */
static gboolean
parse_unicode (Parser *parser, GString *out)
{
  guint high, low;

  if (!parse_hex4 (parser, &high))
    {
      fail (parser, "invalid escape sequence in string");
      return FALSE;
    }
  if (high >= 0xd800 && high < 0xdc00 && parser->end - parser->at >= 6 && parser->at[0] == '\\'
      && parser->at[1] == 'u')
    {
      const char *rewind = parser->at;

      parser->at += 2;
      if (parse_hex4 (parser, &low) && low >= 0xdc00 && low < 0xe000)
        {
          g_string_append_unichar (out, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
          return TRUE;
        }
      parser->at = rewind;
    }
  if (high == 0 || (high >= 0xd800 && high < 0xe000))
    {
      fail (parser, "\\u%04x is not a valid Unicode character", high);
      return FALSE;
    }
  g_string_append_unichar (out, high);
  return TRUE;
}

static gboolean
parse_escape (Parser *parser, GString *out)
{
  static const char from[] = "\"'\\/bfnrt";
  static const char to[] = "\"'\\/\b\f\n\r\t";
  const char *found;
  char c = parser->at < parser->end ? *parser->at : '\0';

  if (c == 'u')
    {
      parser->at++;
      return parse_unicode (parser, out);
    }
  found = c != '\0' ? strchr (from, c) : NULL;
  if (!found)
    {
      fail (parser, "invalid escape sequence in string");
      return FALSE;
    }
  g_string_append_c (out, to[found - from]);
  parser->at++;
  return TRUE;
}

/* At the opening quote. */
static char *
parse_string (Parser *parser)
{
  char quote = *parser->at++;
  const char *run = parser->at;
  g_autoptr (GString) out = NULL;

  for (;;)
    {
      guchar c;

      if (parser->at == parser->end)
        {
          fail (parser, "missing terminating %c in string", quote);
          return NULL;
        }
      c = (guchar)*parser->at;
      if (c < 0x20)
        {
          fail (parser, "stray control character 0x%02x in string", c);
          return NULL;
        }
      if (c != (guchar)quote && c != '\\')
        {
          parser->at++;
          continue;
        }
      if (!g_utf8_validate_len (run, (gsize)(parser->at - run), NULL))
        {
          fail (parser, "invalid UTF-8 sequence in string");
          return NULL;
        }
      if (c == (guchar)quote && !out)
        return g_strndup (run, (gsize)(parser->at++ - run));
      if (!out)
        out = g_string_new (NULL);
      g_string_append_len (out, run, parser->at - run);
      parser->at++;
      if (c == (guchar)quote)
        return g_string_free (g_steal_pointer (&out), FALSE);
      if (!parse_escape (parser, out))
        return NULL;
      run = parser->at;
    }
}

/* The text of @node, which was parsed from here, without the white space between its tokens. */
static void
append_compact (GString *out, JsonNode *node, const char *at, const char *end)
{
  gboolean quoted = FALSE;

  /* Single quotes are not JSON. */
  if (memchr (at, '\'', (gsize)(end - at)))
    {
      sv_qmp_json_append (out, node);
      return;
    }
  for (; at < end; at++)
    {
      if (*at == '"')
        quoted = !quoted;
      else if (!quoted && strchr (" \t\r\n", *at))
        continue;
      g_string_append_c (out, *at);
      if (*at == '\\')
        g_string_append_c (out, *++at);
    }
}

static JsonNode *
parse_object (Parser *parser)
{
  g_autoptr (JsonObject) object = json_object_new ();

  if (!accept (parser, '}'))
    {
      do
        {
          g_autofree char *key = NULL;
          JsonNode *value;
          const char *start;
          char c = peek (parser);

          if (c != '"' && c != '\'')
            {
              if (c == '\0' || strchr ("}]:,", c))
                fail (parser, "expecting value");
              else
                fail (parser, "key is not a string in object");
              return NULL;
            }
          key = parse_string (parser);
          if (!key)
            return NULL;
          if (!accept (parser, ':'))
            {
              fail (parser, "missing : in object pair");
              return NULL;
            }
          skip_space (parser);
          start = parser->at;
          value = parse_value (parser);
          if (!value)
            return NULL;
          if (parser->id && parser->depth == 1 && strcmp (key, "id") == 0)
            append_compact (parser->id, value, start, parser->at);
          if (json_object_has_member (object, key))
            {
              json_node_unref (value);
              fail (parser, "duplicate key");
              return NULL;
            }
          json_object_set_member (object, key, value);
        }
      while (accept (parser, ','));
      if (!accept (parser, '}'))
        {
          fail (parser, "expected separator in dict");
          return NULL;
        }
    }
  return json_node_init_object (json_node_alloc (), object);
}

static JsonNode *
parse_array (Parser *parser)
{
  g_autoptr (JsonArray) array = json_array_new ();

  if (!accept (parser, ']'))
    {
      do
        {
          JsonNode *value = parse_value (parser);

          if (!value)
            return NULL;
          json_array_add_element (array, value);
        }
      while (accept (parser, ','));
      if (!accept (parser, ']'))
        {
          fail (parser, "expected separator in list");
          return NULL;
        }
    }
  return json_node_init_array (json_node_alloc (), array);
}

static const char *
skip_digits (const char *at, const char *end)
{
  while (at < end && g_ascii_isdigit (*at))
    at++;
  return at;
}

/* Numbers by the grammar of RFC 8259 section 6. */
static JsonNode *
parse_number (Parser *parser, const char *end)
{
  const char *start = parser->at;
  const char *at = start;
  g_autofree char *copy = g_strndup (start, (gsize)(end - start));
  gboolean integer = TRUE;
  const char *digits;
  gdouble number;

  if (at < end && *at == '-')
    at++;
  digits = at;
  at = skip_digits (at, end);
  if (at == digits || (*digits == '0' && at - digits > 1))
    {
      fail (parser, "stray '%s'", copy);
      return NULL;
    }
  if (at < end && *at == '.')
    {
      integer = FALSE;
      digits = ++at;
      at = skip_digits (at, end);
      if (at == digits)
        at = NULL;
    }
  if (at && at < end && (*at == 'e' || *at == 'E'))
    {
      integer = FALSE;
      at++;
      if (at < end && (*at == '+' || *at == '-'))
        at++;
      digits = at;
      at = skip_digits (at, end);
      if (at == digits)
        at = NULL;
    }
  if (at != end)
    {
      fail (parser, "stray '%s'", copy);
      return NULL;
    }
  parser->at = end;
  if (integer)
    {
      gint64 value;

      if (g_ascii_string_to_signed (copy, 10, G_MININT64, G_MAXINT64, &value, NULL))
        return json_node_init_int (json_node_alloc (), value);
    }
  number = g_ascii_strtod (copy, NULL);
  if (!isfinite (number))
    {
      fail (parser, "number '%.40s' is out of range", copy);
      return NULL;
    }
  return json_node_init_double (json_node_alloc (), number);
}

/* A number or a word. */
static JsonNode *
parse_bare (Parser *parser)
{
  const char *end = parser->at;
  g_autofree char *word = NULL;

  while (end < parser->end
         && (g_ascii_isalnum (*end) || *end == '-' || *end == '+' || *end == '.' || *end == '_'))
    end++;
  if (end > parser->at && (*parser->at == '-' || g_ascii_isdigit (*parser->at)))
    return parse_number (parser, end);
  if (end == parser->at)
    {
      guchar c = (guchar)*parser->at;

      if (g_ascii_isprint ((char)c))
        fail (parser, "stray '%c'", c);
      else
        fail (parser, "stray byte 0x%02x", c);
      return NULL;
    }

  word = g_strndup (parser->at, MIN ((gsize)(end - parser->at), 64));
  parser->at = end;
  if (strcmp (word, "true") == 0 || strcmp (word, "false") == 0)
    return json_node_init_boolean (json_node_alloc (), word[0] == 't');
  if (strcmp (word, "null") == 0)
    return json_node_init_null (json_node_alloc ());
  fail (parser, "invalid keyword '%s'", word);
  return NULL;
}

static JsonNode *
parse_nested (Parser *parser, JsonNode *(*parse) (Parser *parser))
{
  JsonNode *node;

  if (parser->depth == SV_QMP_JSON_MAX_DEPTH)
    {
      fail (parser, "JSON nesting depth limit exceeded");
      return NULL;
    }
  parser->depth++;
  parser->at++;
  node = parse (parser);
  parser->depth--;
  return node;
}

static JsonNode *
parse_value (Parser *parser)
{
  char c = peek (parser);

  if (++parser->n_values > SV_QMP_JSON_MAX_VALUES)
    {
      fail (parser, "JSON token count limit exceeded");
      return NULL;
    }
  if (c == '{')
    return parse_nested (parser, parse_object);
  if (c == '[')
    return parse_nested (parser, parse_array);
  if (c == '"' || c == '\'')
    {
      g_autofree char *string = parse_string (parser);

      return string ? json_node_init_string (json_node_alloc (), string) : NULL;
    }
  if (parser->at == parser->end || (c != '\0' && strchr ("}]:,", c)))
    {
      fail (parser, "expecting value");
      return NULL;
    }
  return parse_bare (parser);
}

static JsonNode *
parse (Parser *parser)
{
  g_autoptr (JsonNode) node = parse_value (parser);

  if (node)
    {
      skip_space (parser);
      if (parser->at != parser->end)
        {
          fail (parser, "unexpected text after the value");
          g_clear_pointer (&node, json_node_unref);
        }
    }
  return g_steal_pointer (&node);
}

JsonNode *
sv_qmp_json_parse_at (const char *text, gsize length, gsize *where, GError **error)
{
  Parser parser = { .at = text, .end = text + length, .error = error };
  JsonNode *node = parse (&parser);

  *where = (gsize)(parser.at - text);
  return node;
}

JsonNode *
sv_qmp_json_parse_request (const char *text, gsize length, GString *id, GError **error)
{
  Parser parser = { .at = text, .end = text + length, .id = id, .error = error };
  JsonNode *node;

  g_string_truncate (id, 0);
  node = parse (&parser);
  if (!node)
    g_string_truncate (id, 0);
  return node;
}

JsonNode *
sv_qmp_json_parse (const char *text, gsize length, GError **error)
{
  gsize where;

  return sv_qmp_json_parse_at (text, length, &where, error);
}
