/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/sv-client-private.h"
#include "client/sv-client-value.h"
#include "client/sv-json-string.h"
#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-json.h"
#include "svctl/svctl-commands.h"

static JsonObject *
parse_object (const char *text, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonNode) node = sv_qmp_json_parse (text, strlen (text), &local);

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    return json_node_dup_object (node);
  g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "'%s' is no JSON object%s%s", text, local != NULL ? ": " : "",
               local != NULL ? local->message : "");
  return NULL;
}

JsonNode *
svctl_run_words (Svctl *self, SvctlSchema *schema, int argc, char **argv, GError **error)
{
  g_autoptr (JsonArray) types = NULL;
  g_autoptr (JsonObject) arguments = NULL;

  if (!svctl_schema_has_command (schema, argv[0], error))
    return NULL;
  if (argc == 2 && argv[1][0] == '{')
    arguments = parse_object (argv[1], error);
  else
    {
      types = svctl_schema_dup_arguments (schema, argv[0]);
      arguments = json_object_new ();
      if (!svctl_parse_words (arguments, types, argc - 1, argv + 1, error))
        return NULL;
    }
  return arguments != NULL ? svctl_execute (self, argv[0], g_steal_pointer (&arguments), error) : NULL;
}

static JsonNode *
run_json (Svctl *self, const char *line, GError **error)
{
  g_autoptr (JsonObject) message = parse_object (line, error);
  const char *command;
  JsonNode *arguments;

  if (message == NULL)
    return NULL;
  command = sv_json_get_string (message, "execute", NULL);
  arguments = json_object_get_member (message, "arguments");
  if (command == NULL || (arguments != NULL && !JSON_NODE_HOLDS_OBJECT (arguments)))
    {
      g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_USAGE,
                   "a command is written {\"execute\": NAME, \"arguments\": {...}}, not '%s'", line);
      return NULL;
    }
  return svctl_execute (self, command, arguments != NULL ? json_node_dup_object (arguments) : NULL, error);
}

JsonNode *
svctl_run_line (Svctl *self, SvctlSchema *schema, const char *line, GError **error)
{
  g_auto (GStrv) words = NULL;
  g_autoptr (GError) local = NULL;
  int count = 0;

  if (line[0] == '{')
    return run_json (self, line, error);
  if (g_shell_parse_argv (line, &count, &words, &local))
    return svctl_run_words (self, schema, count, words, error);
  g_set_error_literal (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, local->message);
  return NULL;
}

static void
print_event (SvQmpClient *qmp, const char *name, GVariant *data, gpointer user_data)
{
  JsonObject *object = sv_client_new_arguments ("event", name, NULL);

  json_object_set_member (object, "data", sv_client_value_to_json (data));
  svctl_print_object (object);
}

static void
print_reply (JsonNode *reply, const GError *error)
{
  JsonObject *object = json_object_new ();
  JsonObject *failure;

  if (reply != NULL)
    json_object_set_member (object, "return", json_node_ref (reply));
  else
    {
      failure = sv_client_new_arguments ("class", sv_qmp_error_class_to_string (sv_qmp_error_get_class (error)), "desc",
                                         error->message, NULL);
      json_object_set_object_member (object, "error", failure);
    }
  svctl_print_object (object);
}

/* Commands from a file or program, a line each; every one has its line of an answer. */
static gboolean
run_lines (Svctl *self, SvctlSchema *schema, GError **error)
{
  gulong handler = g_signal_connect (self->qmp, "event", G_CALLBACK (print_event), NULL);
  char *line = NULL;
  size_t size = 0;
  guint count = 0;
  guint failed = 0;

  while (getline (&line, &size, stdin) >= 0)
    {
      g_autoptr (GError) local = NULL;
      g_autoptr (JsonNode) reply = NULL;

      g_strstrip (line);
      if (line[0] == '\0')
        continue;
      reply = svctl_run_line (self, schema, line, &local);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      print_reply (reply, local);
      count++;
      failed += reply == NULL;
    }
  free (line);
  g_signal_handler_disconnect (self->qmp, handler);
  if (failed == 0)
    return TRUE;
  g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_FAILED, "%u of %u commands failed", failed, count);
  return FALSE;
}

gboolean
svctl_qmp (Svctl *self, int argc, char **argv, GError **error)
{
  SvctlSchema *schema = svctl_open (self, error) != NULL ? svctl_schema_new (self, error) : NULL;
  g_autoptr (JsonNode) reply = NULL;
  gboolean good = FALSE;

  if (schema == NULL)
    return FALSE;
  if (argc > 0)
    {
      reply = svctl_run_words (self, schema, argc, argv, error);
      good = reply != NULL;
      if (good && self->json)
        svctl_print_json (g_steal_pointer (&reply));
      else if (good)
        {
          g_autofree char *text = json_to_string (reply, TRUE);

          svctl_print ("%s\n", text);
        }
    }
#ifdef SV_HAVE_READLINE
  else if (isatty (STDIN_FILENO) && isatty (STDOUT_FILENO))
    good = svctl_interact (self, schema, error);
#endif
  else
    good = run_lines (self, schema, error);
  svctl_schema_free (schema);
  return good;
}
