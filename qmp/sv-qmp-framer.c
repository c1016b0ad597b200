/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-framer.h"

#include <string.h>

#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-json.h"

struct _SvQmpFramer
{
  GString *text;     /* of the value begun, as far as it is kept */
  GString *id;       /* of the value that came out last */
  guint depth;       /* open brackets */
  char quote;        /* the quote that closes the open string, or 0 */
  gboolean escaped;  /* behind a backslash */
  gboolean bare;     /* inside a number or word that is not in brackets */
  gboolean too_long; /* text is no longer kept */
  gboolean skipping; /* the value is refused already: its end, or that of the line, is awaited */
};

typedef enum
{
  MORE,           /* the value goes on */
  COMPLETE,       /* the value ends with this byte */
  COMPLETE_AHEAD, /* the value ended before this byte */
  BROKEN,         /* the value was interrupted by this byte */
  TOO_DEEP,       /* this byte opens a bracket too many */
} Step;

SvQmpFramer *
sv_qmp_framer_new (void)
{
  SvQmpFramer *framer = g_new0 (SvQmpFramer, 1);

  framer->text = g_string_new (NULL);
  framer->id = g_string_new (NULL);
  return framer;
}

void
sv_qmp_framer_free (SvQmpFramer *framer)
{
  g_string_free (framer->text, TRUE);
  g_string_free (framer->id, TRUE);
  g_free (framer);
}

/* One long message does not make the client's buffer large for ever. */
static void
clear (GString **text)
{
  if ((*text)->allocated_len > 64 * 1024)
    {
      g_string_free (*text, TRUE);
      *text = g_string_new (NULL);
    }
  g_string_truncate (*text, 0);
}

static void
reset (SvQmpFramer *framer)
{
  GString *text = framer->text;
  GString *id = framer->id;

  clear (&text);
  *framer = (SvQmpFramer){ .text = text, .id = id };
}

static gboolean
is_space (char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static gboolean
is_structural (char c)
{
  return c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':' || c == '"'
         || c == '\'';
}

static Step
step_string (SvQmpFramer *framer, char c)
{
  if (c == '\n')
    return BROKEN;
  if (framer->escaped)
    framer->escaped = FALSE;
  else if (c == '\\')
    framer->escaped = TRUE;
  else if (c == framer->quote)
    {
      framer->quote = 0;
      return framer->depth == 0 ? COMPLETE : MORE;
    }
  return MORE;
}

static Step
step (SvQmpFramer *framer, char c)
{
  if ((guchar)c == 0xff)
    return BROKEN;
  if (framer->quote != 0)
    return step_string (framer, c);
  if (framer->bare)
    return (guchar)c <= 0x20 || is_structural (c) ? COMPLETE_AHEAD : MORE;

  switch (c)
    {
    case '{':
    case '[':
      return framer->depth++ == SV_QMP_JSON_MAX_DEPTH ? TOO_DEEP : MORE;
    case '}':
    case ']':
      return framer->depth == 0 || --framer->depth == 0 ? COMPLETE : MORE;
    case '"':
    case '\'':
      framer->quote = c;
      return MORE;
    default:
      if (framer->depth > 0)
        return MORE;
      /* A stray comma, colon or control character is a (malformed) value of its own. */
      if (is_structural (c) || (guchar)c < 0x20)
        return COMPLETE;
      framer->bare = TRUE;
      return MORE;
    }
}

static JsonNode *
finish (SvQmpFramer *framer, GError **error)
{
  JsonNode *node = NULL;

  if (framer->too_long)
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                 "JSON parse error, message is longer than %d bytes", SV_QMP_MAX_MESSAGE);
  else
    node = sv_qmp_json_parse_request (framer->text->str, framer->text->len, framer->id, error);
  reset (framer);
  return node;
}

const char *
sv_qmp_framer_get_id (SvQmpFramer *framer)
{
  return framer->id->len > 0 ? framer->id->str : NULL;
}

JsonNode *
sv_qmp_framer_next (SvQmpFramer *framer, const char **data, gsize *length, GError **error)
{
  clear (&framer->id);
  while (*length > 0)
    {
      char c = **data;
      gboolean idle = framer->text->len == 0 && !framer->too_long && !framer->skipping;
      Step result;

      if (idle && (is_space (c) || (guchar)c == 0xff))
        {
          (*data)++;
          (*length)--;
          continue;
        }

      result = step (framer, c);
      if (result != COMPLETE_AHEAD)
        {
          (*data)++;
          (*length)--;
        }
      if (framer->skipping)
        {
          if (c == '\n' || (result != MORE && result != TOO_DEEP))
            reset (framer);
          continue;
        }
      if (result == TOO_DEEP)
        {
          /* Its client may wait for an answer before it closes what it opened. */
          g_string_truncate (framer->text, 0);
          framer->skipping = TRUE;
          g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                               "JSON parse error, JSON nesting depth limit exceeded");
          return NULL;
        }
      if (result == BROKEN)
        {
          reset (framer);
          g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                               c == '\n' ? "JSON parse error, line ends inside a string"
                                         : "JSON parse error, interrupted by byte 0xff");
          return NULL;
        }
      if (result != COMPLETE_AHEAD && framer->text->len < SV_QMP_MAX_MESSAGE)
        g_string_append_c (framer->text, c);
      else if (result != COMPLETE_AHEAD)
        framer->too_long = TRUE;
      if (result != MORE)
        return finish (framer, error);
    }
  return NULL;
}
