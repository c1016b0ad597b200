/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-parse.h"

#include <errno.h>
#include <string.h>

#include "qom/sv-object.h"

static const char suffixes[] = "KMGTPE";

/**
 * sv_parse_bool:
 * @string: `on`, `yes`, `true`, `off`, `no` or `false`
 * @value: (out): the result
 * @error: return location
 *
 * Returns: %FALSE with %SV_OBJECT_ERROR_INVALID for any other word
 */
gboolean
sv_parse_bool (const char *string, gboolean *value, GError **error)
{
  static const char *const words[] = { "off", "on", "no", "yes", "false", "true" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (strcmp (string, words[i]) == 0)
      {
        *value = i & 1;
        return TRUE;
      }

  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "expected 'on' or 'off', got '%s'",
               string);
  return FALSE;
}

/**
 * sv_parse_uint64:
 * @string: a decimal number, `0x` and hexadecimal digits, or `0` and octal digits
 * @value: (out): the result
 * @error: return location
 *
 * Returns: %FALSE with %SV_OBJECT_ERROR_INVALID when @string is anything else or more than 64 bits
 */
gboolean
sv_parse_uint64 (const char *string, guint64 *value, GError **error)
{
  char *end = NULL;
  guint64 number = 0;

  errno = 0;
  if (g_ascii_isdigit (*string))
    number = g_ascii_strtoull (string, &end, 0);
  if (end == NULL || *end != '\0')
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "expected a number, got '%s'",
                   string);
      return FALSE;
    }
  if (errno == ERANGE)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "expected a number of at most %" G_GUINT64_FORMAT ", got '%s'", G_MAXUINT64,
                   string);
      return FALSE;
    }
  *value = number;
  return TRUE;
}

/* The factor that suffix letter @c stands for; 0 when it is none. */
static guint64
get_factor (char c)
{
  const char *suffix;

  c = g_ascii_toupper (c);
  if (c == 'B')
    return 1;
  suffix = c != '\0' ? strchr (suffixes, c) : NULL;
  return suffix != NULL ? G_GUINT64_CONSTANT (1) << (10 * (suffix - suffixes + 1)) : 0;
}

/**
 * sv_parse_size:
 * @string: a number, possibly with a decimal fraction, and possibly with one of the binary suffixes
 *   `B`, `K`, `M`, `G`, `T`, `P` and `E` in either case
 * @unit: how many bytes a number without a suffix counts (1, or 1 MiB for `-m`)
 * @bytes: (out): the result; a part of a byte is dropped
 * @error: return location
 *
 * Returns: %FALSE with %SV_OBJECT_ERROR_INVALID when @string is no size or more than 64 bits
 */
gboolean
sv_parse_size (const char *string, guint64 unit, guint64 *bytes, GError **error)
{
  char *end = NULL;
  guint64 number = 0;
  guint64 numerator = 0;
  guint64 denominator = 1;
  guint64 factor = unit;
  guint64 result;
  gboolean hex = string[0] == '0' && (string[1] == 'x' || string[1] == 'X');

  errno = 0;
  if (g_ascii_isdigit (*string))
    number = g_ascii_strtoull (string, &end, hex ? 16 : 10);
  if (end != NULL && *end == '.' && !hex && g_ascii_isdigit (end[1]))
    for (end++; g_ascii_isdigit (*end); end++)
      /* Eighteen digits tell the bytes apart in any size that fits. */
      if (denominator < G_GUINT64_CONSTANT (1000000000000000000))
        {
          numerator = numerator * 10 + (*end - '0');
          denominator *= 10;
        }
  if (end != NULL && *end != '\0')
    {
      factor = get_factor (*end);
      end++;
    }
  if (end == NULL || *end != '\0' || factor == 0 || (denominator > 1 && factor == 1))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "expected a size such as 512M or 2G, got '%s'", string);
      return FALSE;
    }

  if (errno == ERANGE || __builtin_mul_overflow (number, factor, &result)
      || __builtin_add_overflow (
          result, (guint64)((unsigned __int128)factor * numerator / denominator), &result))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "expected a size below 16E, got '%s'", string);
      return FALSE;
    }
  *bytes = result;
  return TRUE;
}

/**
 * sv_format_size:
 * @bytes: a size
 *
 * The shortest exact form that [func@parse_size] reads: `512M`, `1536K`, `17B`.
 *
 * Returns: (transfer full): the text
 */
char *
sv_format_size (guint64 bytes)
{
  guint n = 0;

  while (n < strlen (suffixes) && bytes != 0 && bytes % 1024 == 0)
    {
      bytes /= 1024;
      n++;
    }
  return g_strdup_printf ("%" G_GUINT64_FORMAT "%c", bytes, n > 0 ? suffixes[n - 1] : 'B');
}
