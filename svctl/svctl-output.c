/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <glib-unix.h>

#include "qmp/sv-qmp-json.h"
#include "svctl/svctl.h"

/* Nobody reads any more: there is no point in going on. */
static void
flush (void)
{
  if (fflush (stdout) != 0 || ferror (stdout))
    exit (SVCTL_ERROR_FAILED);
}

char *
svctl_dup_harmless (const char *text, int fd)
{
  char *copy = g_strdup (text);

  if (!isatty (fd))
    return copy;
  for (char *at = copy; *at != '\0'; at++)
    {
      if (g_ascii_iscntrl (*at) && *at != '\n' && *at != '\t')
        *at = '?';
      /* U+0080 to U+009F are control characters as well. */
      if ((guchar)at[0] == 0xc2 && (guchar)at[1] >= 0x80 && (guchar)at[1] < 0xa0)
        at[0] = at[1] = '?';
    }
  return copy;
}

void
svctl_clear_screen (void)
{
  if (isatty (STDOUT_FILENO))
    fputs ("\033[H\033[2J", stdout);
}

void
svctl_print (const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *harmless = NULL;
  va_list list;

  va_start (list, format);
  text = g_strdup_vprintf (format, list);
  va_end (list);
  harmless = svctl_dup_harmless (text, STDOUT_FILENO);
  fputs (harmless, stdout);
  flush ();
}

void
svctl_print_json (JsonNode *node)
{
  g_autoptr (GString) text = g_string_new (NULL);

  sv_qmp_json_append (text, node);
  json_node_unref (node);
  puts (text->str);
  flush ();
}

void
svctl_print_object (JsonObject *object)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_node_take_object (node, object);
  svctl_print_json (node);
}

char *
svctl_dup_text (JsonNode *value)
{
  GString *text;

  if (json_node_get_value_type (value) == G_TYPE_STRING)
    return json_node_dup_string (value);
  text = g_string_new (NULL);
  sv_qmp_json_append (text, value);
  return g_string_free (text, FALSE);
}

static gboolean
on_timeout (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

gboolean
svctl_wait (Svctl *self, const gboolean *done)
{
  gboolean late = FALSE;
  guint source = self->timeout != 0 ? g_timeout_add (self->timeout, on_timeout, &late) : 0;

  while (!*done && !late && sv_qmp_client_is_open (self->qmp))
    g_main_context_iteration (NULL, TRUE);
  if (source != 0 && !late)
    g_source_remove (source);
  return !late;
}

static gboolean
on_signal (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_CONTINUE;
}

void
svctl_end_by_signal (GMainLoop *loop)
{
  g_unix_signal_add (SIGINT, on_signal, loop);
  g_unix_signal_add (SIGTERM, on_signal, loop);
}
