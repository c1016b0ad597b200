/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-test-requests.h"

#include <string.h>

#include "src/accel/sv-test-words.h"
#include "src/runtime/sv-clock.h"

#define HEX64 "0x%016" G_GINT64_MODIFIER "x"

gboolean
sv_test_handle_request (SvTestAccel *accel,
                        const SvTestRequest *requests,
                        gsize n_requests,
                        char **words,
                        guint n_words)
{
  for (gsize i = 0; i < n_requests; i++)
    {
      const SvTestRequest *request = &requests[i];

      if (strcmp (request->name, words[0]) != 0)
        continue;
      if (n_words - 1 < request->min_arguments || n_words - 1 > request->max_arguments)
        sv_test_accel_send (accel, "ERR '%s' takes %u to %u arguments", words[0],
                            request->min_arguments, request->max_arguments);
      else
        request->handle (accel, words, request->base);
      return TRUE;
    }
  return FALSE;
}

gboolean
sv_test_get_number (SvTestAccel *accel, const char *word, guint base, guint64 *value)
{
  if (sv_test_parse_number (word, base, value))
    return TRUE;
  if (base == 0)
    sv_test_accel_send (accel, "ERR '%s' is no number", word);
  else
    sv_test_accel_send (accel, "ERR '%s' is no number of base %u", word, base);
  return FALSE;
}

guint8 *
sv_test_get_range (SvTestAccel *accel, char **words, guint base, guint64 *address, gsize *length)
{
  guint64 size;

  if (!sv_test_get_number (accel, words[1], base, address)
      || !sv_test_get_number (accel, words[2], base, &size))
    return NULL;
  if (size > SV_TEST_MAX_LENGTH)
    {
      sv_test_accel_send (accel, "ERR length %s: at most %u bytes", words[2], SV_TEST_MAX_LENGTH);
      return NULL;
    }
  *length = size;
  return g_malloc0 (MAX (size, 1));
}

guint
sv_test_size_of (char letter)
{
  return letter == 'b' ? 1 : letter == 'w' ? 2 : letter == 'l' ? 4 : 8;
}

void
sv_test_read (SvTestAccel *accel, char **words, guint base)
{
  guint64 address;
  gsize length;
  g_autofree guint8 *data = sv_test_get_range (accel, words, base, &address, &length);
  g_autofree char *text = NULL;

  if (data == NULL)
    return;
  sv_test_access_read (sv_test_accel_get_access (accel), sv_accel_get_memory (SV_ACCEL (accel)), address,
                       data, length);
  text = sv_test_encode_hex (data, length);
  sv_test_accel_send (accel, "OK 0x%s", text);
}

void
sv_test_read_number (SvTestAccel *accel, char **words, guint base)
{
  guint64 address;

  if (sv_test_get_number (accel, words[1], base, &address))
    sv_test_accel_send (accel, "OK " HEX64,
                        sv_test_access_read_number (sv_test_accel_get_access (accel),
                                                    sv_accel_get_memory (SV_ACCEL (accel)), address,
                                                    sv_test_size_of (words[0][4])));
}

void
sv_test_write_number (SvTestAccel *accel, char **words, guint base)
{
  guint64 address, value;

  if (!sv_test_get_number (accel, words[1], base, &address)
      || !sv_test_get_number (accel, words[2], base, &value))
    return;
  sv_test_access_write_number (sv_test_accel_get_access (accel),
                               sv_accel_get_memory (SV_ACCEL (accel)), address, value,
                               sv_test_size_of (words[0][5]));
  sv_test_accel_send (accel, "OK");
}

static void
advance_clock (SvTestAccel *accel, gint64 target)
{
  sv_clock_advance (target);
  sv_test_accel_send (accel, "OK %" G_GINT64_FORMAT, sv_clock_get_ns ());
}

void
sv_test_clock_step (SvTestAccel *accel, char **words, guint base)
{
  guint64 step;

  if (words[1] == NULL)
    advance_clock (accel, sv_clock_get_next_deadline ());
  else if (sv_test_get_number (accel, words[1], base, &step))
    advance_clock (accel, sv_clock_get_ns () + (gint64)MIN (step, G_MAXINT64 / 2));
}

void
sv_test_clock_set (SvTestAccel *accel, char **words, guint base)
{
  guint64 target;

  if (sv_test_get_number (accel, words[1], base, &target))
    advance_clock (accel, (gint64)MIN (target, G_MAXINT64 / 2));
}
