/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/cli/sv-cli.h"

#include <string.h>

#include "qom/sv-suggestion.h"
#include "src/cli/sv-cli-private.h"

gboolean
sv_cli_fail (GError **error, const char *format, ...)
{
  g_autofree char *message = NULL;
  g_autofree char *valid = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  /* It quotes what was written, which may be anything. */
  valid = g_utf8_make_valid (message, -1);
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, valid);
  return FALSE;
}

/* The option that @word names, with one dash or two. */
static const SvOption *
find_option (const char *word)
{
  if (word[0] != '-' || word[1] == '\0')
    return NULL;
  word += word[1] == '-' ? 2 : 1;
  for (guint i = 0; i < sv_cli_n_options; i++)
    if (strcmp (sv_cli_options[i].name, word) == 0)
      return &sv_cli_options[i];
  return NULL;
}

static gboolean
fail_unknown (const char *word, GError **error)
{
  SvSuggestion suggestion;

  if (word[0] != '-')
    return sv_cli_fail (error, "'%s' is not an option: options begin with '-'", word);

  sv_suggestion_init (&suggestion, word + strspn (word, "-"));
  for (guint i = 0; i < sv_cli_n_options; i++)
    sv_suggestion_consider (&suggestion, sv_cli_options[i].name);
  if (suggestion.best[0] == '\0')
    return sv_cli_fail (error, "Unknown option '%s': see --help", word);
  return sv_cli_fail (error, "Unknown option '%s' (did you mean '-%s'?)", word, suggestion.best);
}

/* Takes the option's argument off *@rest; NULL when it has none. */
static char *
take_argument (const SvOption *option, const char *const **rest)
{
  const char *next = **rest;
  g_autoptr (GPtrArray) words = NULL;

  if (option->kind == SV_ARGUMENT_NONE || next == NULL || find_option (next) != NULL)
    return NULL;
  if (option->kind == SV_ARGUMENT_OPTIONAL && next[0] == '-')
    return NULL;

  (*rest)++;
  if (option->kind != SV_ARGUMENT_WORDS)
    return g_strdup (next);

  words = g_ptr_array_new ();
  g_ptr_array_add (words, (gpointer)next);
  for (; (next = **rest) != NULL && next[0] != '-'; (*rest)++)
    g_ptr_array_add (words, (gpointer)next);
  g_ptr_array_add (words, NULL);
  return g_strjoinv (" ", (char **)words->pdata);
}

static gboolean
parse_option (SvCli *cli, const SvOption *option, const char *const **rest, GError **error)
{
  g_autofree char *argument = take_argument (option, rest);
  g_autofree char *origin = NULL;

  if (argument == NULL && (option->kind == SV_ARGUMENT_ONE || option->kind == SV_ARGUMENT_WORDS))
    return sv_cli_fail (error, "Option '-%s' needs an argument: %s", option->name,
                        option->argument);

  origin = g_strdup_printf ("-%s%s%s", option->name, argument ? " " : "", argument ? argument : "");
  if (argument != NULL && !g_utf8_validate (argument, -1, NULL))
    {
      g_autofree char *valid = g_utf8_make_valid (origin, -1);

      return sv_cli_fail (error, "%s: expected valid UTF-8", valid);
    }
  cli->origin = origin;
  cli->role = NULL;
  if (option->func != NULL && !option->func (cli, argument, error))
    {
      g_prefix_error (error, "%s: ", origin);
      return FALSE;
    }
  return TRUE;
}

/* Reads the options that are (@first) the configuration file, or all others. */
static gboolean
parse_pass (SvCli *cli, const char *const *rest, gboolean first, GError **error)
{
  g_autofree gboolean *seen = g_new0 (gboolean, sv_cli_n_options);

  while (*rest != NULL && cli->answer == NULL)
    {
      const SvOption *option = find_option (*rest);
      gboolean is_file;

      if (option == NULL)
        return fail_unknown (*rest, error);
      is_file = option->func == sv_cli_config;
      rest++;
      if (is_file != first)
        {
          g_free (take_argument (option, &rest));
          continue;
        }
      if (option->once && seen[option - sv_cli_options])
        return sv_cli_fail (error, "Option '-%s' is given twice", option->name);
      seen[option - sv_cli_options] = TRUE;
      if (!parse_option (cli, option, &rest, error))
        return FALSE;
    }
  return TRUE;
}

/* What is asked for help does without a file. */
static gboolean
has_file (const char *const *rest)
{
  while (*rest != NULL)
    {
      const SvOption *option = find_option (*rest++);

      if (option != NULL && option->func == sv_cli_config)
        return TRUE;
    }
  return FALSE;
}

static gboolean
parse_all (SvCli *cli, const char *const *arguments, GError **error)
{
  if (has_file (arguments) && !parse_pass (cli, arguments, TRUE, error))
    return FALSE;
  if (!parse_pass (cli, arguments, FALSE, error))
    return FALSE;
  return cli->answer != NULL
         || (sv_cli_finish_serial (cli, error) && sv_cli_finish_implied (cli, error)
             && sv_cli_check (cli->config, error));
}

/**
 * sv_cli_parse: (skip)
 * @config: what to add to
 * @arguments: (array zero-terminated=1): the words after the program's name
 * @answer: (out) (transfer full) (nullable): text to print instead of running a VM (`--help`)
 * @error: return location
 *
 * Reads a command line.
 *
 * Returns: %FALSE with an error that names the option at fault and what it accepts
 */
gboolean
sv_cli_parse (SvVmConfig *config, const char *const *arguments, char **answer, GError **error)
{
  SvCli cli = { .config = config };
  gboolean ok;

  cli.implied = g_ptr_array_new_with_free_func (sv_cli_implied_free);
  ok = parse_all (&cli, arguments, error);
  g_ptr_array_unref (cli.implied);
  *answer = cli.answer;
  return ok;
}
