/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* svctl qmp on a terminal. libreadline has one state for the whole process, and so has this file. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <glib-unix.h>
#include <readline/history.h>
#include <readline/readline.h>

#include "client/sv-client-private.h"
#include "client/sv-client-value.h"
#include "svctl/svctl.h"

#define PROMPT "qmp> "

static struct
{
  Svctl *ctl;
  SvctlSchema *schema;
  GMainLoop *loop;
  GStrv offers;
  guint next_offer;
} session;

static char *
next_offer (const char *text, int state)
{
  if (state == 0)
    {
      g_autofree char *line = g_strndup (rl_line_buffer, rl_point - strlen (text));

      g_strfreev (session.offers);
      session.offers = svctl_schema_complete (session.schema, line, text);
      session.next_offer = 0;
    }
  if (session.offers[session.next_offer] == NULL)
    return NULL;
  /* libreadline frees it. */
  return strdup (session.offers[session.next_offer++]);
}

static char **
complete (const char *text, int start, int end)
{
  char **matches;
  size_t length;

  rl_attempted_completion_over = 1;
  matches = rl_completion_matches (text, next_offer);
  /* Behind "argument=" comes its value. */
  length = matches != NULL ? strlen (matches[0]) : 0;
  rl_completion_append_character = length > 0 && matches[0][length - 1] == '=' ? '\0' : ' ';
  return matches;
}

static void
print_text (JsonNode *node)
{
  g_autofree char *text = json_to_string (node, !session.ctl->json);

  svctl_print ("%s\n", text);
}

static void
on_event (SvQmpClient *qmp, const char *name, GVariant *data, gpointer user_data)
{
  g_autoptr (JsonNode) node = sv_client_value_to_json (data);
  g_autofree char *text = svctl_dup_text (node);

  rl_clear_visible_line ();
  svctl_print ("%s %s\n", name, text);
  rl_on_new_line ();
  rl_redisplay ();
}

static void
on_closed (SvQmpClient *qmp, GError *error, gpointer user_data)
{
  rl_clear_visible_line ();
  svctl_print ("%s\n", error->message);
  g_main_loop_quit (session.loop);
}

static void
on_line (char *line)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply = NULL;

  if (line == NULL)
    {
      svctl_print ("\n");
      g_main_loop_quit (session.loop);
      return;
    }
  g_strstrip (line);
  if (line[0] != '\0')
    {
      add_history (line);
      reply = svctl_run_line (session.ctl, session.schema, line, &error);
      if (reply != NULL)
        print_text (reply);
      else
        svctl_print ("%s\n", error->message);
    }
  free (line);
}

static gboolean
on_input (int fd, GIOCondition condition, gpointer user_data)
{
  rl_callback_read_char ();
  return G_SOURCE_CONTINUE;
}

gboolean
svctl_interact (Svctl *self, SvctlSchema *schema, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  guint input;

  session.ctl = self;
  session.schema = schema;
  session.loop = loop;
  g_signal_connect (self->qmp, "event", G_CALLBACK (on_event), NULL);
  g_signal_connect (self->qmp, "closed", G_CALLBACK (on_closed), NULL);
  rl_readline_name = "svctl";
  rl_completer_word_break_characters = " \t";
  rl_attempted_completion_function = complete;
  rl_callback_handler_install (PROMPT, on_line);
  input = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP, on_input, NULL);
  svctl_end_by_signal (loop);
  g_main_loop_run (loop);
  g_source_remove (input);
  rl_callback_handler_remove ();
  g_signal_handlers_disconnect_by_func (self->qmp, on_event, NULL);
  g_signal_handlers_disconnect_by_func (self->qmp, on_closed, NULL);
  g_clear_pointer (&session.offers, g_strfreev);
  return TRUE;
}
