/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Finds the candidate nearest to a mistyped word, for error messages. */
typedef struct
{
  const char *word;
  char best[64];
  guint distance;
} SvSuggestion;

/* @word must outlive the suggestion. */
void sv_suggestion_init (SvSuggestion *self, const char *word);
void sv_suggestion_consider (SvSuggestion *self, const char *candidate);
/* ` (did you mean 'x'?)`, or an empty string when no candidate was near. (transfer full) */
char *sv_suggestion_dup_hint (SvSuggestion *self);

G_END_DECLS
