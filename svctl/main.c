/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "qmp/sv-qmp-error.h"
#include "qom/sv-suggestion.h"
#include "svctl/svctl.h"

#define DEFAULT_TIMEOUT_S 10

G_DEFINE_QUARK (svctl - error - quark, svctl_error)

static int
get_status (const GError *error)
{
  if (error->domain == SVCTL_ERROR)
    return error->code;
  if (error->domain == G_OPTION_ERROR)
    return SVCTL_ERROR_USAGE;
  return SVCTL_ERROR_FAILED;
}

static void
report (const GError *error, gboolean json)
{
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *line = NULL;
  JsonObject *failure;
  JsonObject *object;

  if (!json)
    {
      g_autofree char *text = svctl_dup_harmless (error->message, STDERR_FILENO);

      fprintf (stderr, "svctl: %s\n", text);
      return;
    }
  failure = json_object_new ();
  json_object_set_string_member (failure, "class", sv_qmp_error_class_to_string (sv_qmp_error_get_class (error)));
  json_object_set_string_member (failure, "desc", error->message);
  object = json_object_new ();
  json_object_set_object_member (object, "error", failure);
  node = json_node_init_object (json_node_alloc (), object);
  json_object_unref (object);
  line = json_to_string (node, FALSE);
  fprintf (stderr, "%s\n", line);
}

static const SvctlCommand *
find_command (const char *name, GError **error)
{
  SvSuggestion suggestion;
  g_autofree char *hint = NULL;

  sv_suggestion_init (&suggestion, name);
  for (const SvctlCommand *command = svctl_commands; command->name != NULL; command++)
    {
      if (strcmp (command->name, name) == 0)
        return command;
      sv_suggestion_consider (&suggestion, command->name);
    }
  hint = sv_suggestion_dup_hint (&suggestion);
  g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "no command '%s'%s; 'svctl --help' lists them", name, hint);
  return NULL;
}

static gboolean
run (Svctl *self, int argc, char **argv, GError **error)
{
  const SvctlCommand *command;

  if (argc == 0)
    {
      g_set_error_literal (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "a command is missing; 'svctl --help' lists them");
      return FALSE;
    }
  command = find_command (argv[0], error);
  if (command == NULL)
    return FALSE;
  if (argc - 1 < command->min_arguments || (command->max_arguments >= 0 && argc - 1 > command->max_arguments))
    {
      g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "usage: svctl %s%s%s", command->name,
                   command->arguments[0] != '\0' ? " " : "", command->arguments);
      return FALSE;
    }
  return command->func (self, argc - 1, argv + 1, error);
}

static gboolean
parse_options (Svctl *self, int *argc, char ***argv, gboolean *ended, GError **error)
{
  double seconds = DEFAULT_TIMEOUT_S;
  gboolean version = FALSE;
  gboolean help = FALSE;
  const GOptionEntry entries[] = {
    { "name", 'n', 0, G_OPTION_ARG_STRING, &self->name, NULL, NULL },
    { "socket", 's', 0, G_OPTION_ARG_STRING, &self->socket, NULL, NULL },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, NULL, NULL },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &seconds, NULL, NULL },
    { "version", 'V', 0, G_OPTION_ARG_NONE, &version, NULL, NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &help, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, TRUE);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (!(seconds >= 0 && seconds <= 1e6))
    {
      g_set_error_literal (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "--timeout takes 0 to 1000000 seconds");
      return FALSE;
    }
  if (self->name != NULL && self->socket != NULL)
    {
      g_set_error_literal (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "--name and --socket exclude each other");
      return FALSE;
    }
  /* As short as it may be, it is not for ever. */
  self->timeout = seconds > 0 ? MAX ((guint)(seconds * 1000), 1) : 0;
  *ended = version || help;
  if (help)
    svctl_print ("%s", svctl_usage);
  else if (version)
    svctl_print ("svctl %s\n", SV_VERSION);
  return TRUE;
}

int
main (int argc, char **argv)
{
  Svctl self = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean ended = FALSE;
  int status = 0;

  setlocale (LC_CTYPE, "");
  signal (SIGPIPE, SIG_IGN);
  if ((!parse_options (&self, &argc, &argv, &ended, &error))
      || (!ended && !run (&self, argc - 1, argv + 1, &error)))
    {
      report (error, self.json);
      status = get_status (error);
    }
  g_clear_object (&self.qmp);
  g_free (self.name);
  g_free (self.socket);
  return status;
}
