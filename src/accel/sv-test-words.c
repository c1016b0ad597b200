/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-test-words.h"

#include <errno.h>

gboolean
sv_test_parse_number (const char *word, guint base, guint64 *value)
{
  char *end;

  if (!g_ascii_isxdigit (*word))
    return FALSE;
  errno = 0;
  *value = g_ascii_strtoull (word, &end, base);
  return errno == 0 && *end == '\0';
}

char *
sv_test_encode_hex (const guint8 *data, gsize length)
{
  static const char digits[] = "0123456789abcdef";
  char *text = g_malloc (2 * length + 1);

  for (gsize i = 0; i < length; i++)
    {
      text[2 * i] = digits[data[i] >> 4];
      text[2 * i + 1] = digits[data[i] & 15];
    }
  text[2 * length] = '\0';
  return text;
}

gssize
sv_test_decode_hex (const char *word, guint8 *data, gsize length)
{
  gsize n = 0;

  if (word[0] == '0' && (word[1] == 'x' || word[1] == 'X'))
    word += 2;
  for (; *word != '\0'; word += 2)
    {
      if (n == length || !g_ascii_isxdigit (word[0]) || !g_ascii_isxdigit (word[1]))
        return -1;
      data[n++] = (guint8)(g_ascii_xdigit_value (word[0]) << 4 | g_ascii_xdigit_value (word[1]));
    }
  return (gssize)n;
}
