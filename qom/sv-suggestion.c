/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-suggestion.h"

#include <string.h>

/* Levenshtein's edit distance; words fit in SvSuggestion.best. */
static guint
edit_distance (const char *a, gsize a_length, const char *b, gsize b_length)
{
  guint row[sizeof (((SvSuggestion *)0)->best) + 1];

  for (guint j = 0; j <= b_length; j++)
    row[j] = j;
  for (guint i = 1; i <= a_length; i++)
    {
      guint diagonal = row[0];

      row[0] = i;
      for (guint j = 1; j <= b_length; j++)
        {
          guint above = row[j];
          guint change = diagonal + (a[i - 1] != b[j - 1]);

          row[j] = MIN (change, MIN (above, row[j - 1]) + 1);
          diagonal = above;
        }
    }
  return row[b_length];
}

void
sv_suggestion_init (SvSuggestion *self, const char *word)
{
  self->word = word;
  self->best[0] = '\0';
  /* Further away than this, a suggestion would puzzle more than help. */
  self->distance = strlen (word) / 4 + 2;
}

void
sv_suggestion_consider (SvSuggestion *self, const char *candidate)
{
  gsize word_length = strlen (self->word);
  gsize length = strlen (candidate);
  guint distance;

  if (word_length >= sizeof self->best || length >= sizeof self->best)
    return;

  distance = edit_distance (self->word, word_length, candidate, length);
  /* Words that share no letter are no help. */
  if (distance < self->distance && distance < MAX (word_length, length))
    {
      self->distance = distance;
      g_strlcpy (self->best, candidate, sizeof self->best);
    }
}

char *
sv_suggestion_dup_hint (SvSuggestion *self)
{
  if (self->best[0] == '\0')
    return g_strdup ("");
  return g_strdup_printf (" (did you mean '%s'?)", self->best);
}
