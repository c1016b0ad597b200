/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "client/sv-client-private.h"
#include "client/sv-client-value.h"
#include "svctl/svctl-commands.h"

typedef struct
{
  Svctl *ctl;
  GMainLoop *loop;
  guint asked; /* values under way */
  gboolean closed;
} Watch;

/* A property whose value is asked for. */
typedef struct
{
  Watch *watch;
  char *path;
  char *name;
} Change;

static void
print_change (Svctl *self, const char *path, const char *kind, const char *name, JsonNode *value)
{
  g_autofree char *text = NULL;
  JsonObject *object;

  if (self->json)
    {
      object = sv_client_new_arguments ("path", path, kind, name, NULL);
      if (value != NULL)
        json_object_set_member (object, "value", json_node_ref (value));
      svctl_print_object (object);
      return;
    }
  if (strcmp (kind, "property") != 0)
    {
      svctl_print ("%s%s%s %s\n", path, path[1] != '\0' && name[0] != '\0' ? "/" : "", name, kind);
      return;
    }
  text = value != NULL ? svctl_dup_text (value) : g_strdup ("?");
  svctl_print ("%s.%s = %s\n", path, name, text);
}

static void
end_when_told (Watch *watch)
{
  if (watch->closed && watch->asked == 0)
    g_main_loop_quit (watch->loop);
}

static void
on_value (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Change *change = user_data;
  g_autoptr (JsonNode) value = sv_qmp_client_execute_json_finish (SV_QMP_CLIENT (source), result, NULL);

  print_change (change->watch->ctl, change->path, "property", change->name, value);
  change->watch->asked--;
  end_when_told (change->watch);
  g_free (change->path);
  g_free (change->name);
  g_free (change);
}

static void
print_event (Svctl *self, const char *name, GVariant *data)
{
  JsonObject *object;
  JsonNode *node = sv_client_value_to_json (data);

  if (self->json)
    {
      object = sv_client_new_arguments ("event", name, NULL);
      json_object_set_member (object, "data", node);
      svctl_print_object (object);
    }
  else
    {
      g_autofree char *text = g_variant_n_children (data) > 0 ? svctl_dup_text (node) : g_strdup ("");

      svctl_print ("%s%s%s\n", name, text[0] != '\0' ? " " : "", text);
      json_node_unref (node);
    }
}

static void
on_event (SvQmpClient *qmp, const char *name, GVariant *data, Watch *watch)
{
  const char *path = NULL;
  const char *what = NULL;
  gboolean gone = FALSE;

  if (strcmp (name, "QOM_CHANGED") != 0)
    {
      print_event (watch->ctl, name, data);
      return;
    }
  g_variant_lookup (data, "path", "&s", &path);
  g_variant_lookup (data, "gone", "b", &gone);
  if (path == NULL)
    return;
  if (g_variant_lookup (data, "child", "&s", &what))
    print_change (watch->ctl, path, gone ? "removed" : "added", what, NULL);
  else if (g_variant_lookup (data, "property", "&s", &what))
    {
      g_autoptr (JsonObject) arguments = sv_client_new_arguments ("path", path, "property", what, NULL);
      Change *change = g_new0 (Change, 1);

      change->watch = watch;
      change->path = g_strdup (path);
      change->name = g_strdup (what);
      watch->asked++;
      sv_qmp_client_execute_json_async (qmp, "qom-get", arguments, NULL, NULL, on_value, change);
    }
  else
    print_change (watch->ctl, path, "removed", "", NULL);
}

static void
on_closed (SvQmpClient *qmp, GError *error, Watch *watch)
{
  watch->closed = TRUE;
  end_when_told (watch);
}

gboolean
svctl_watch (Svctl *self, int argc, char **argv, GError **error)
{
  SvQmpClient *qmp = svctl_open (self, error);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Watch watch = { self, loop, 0, FALSE };
  JsonObject *arguments;
  g_autoptr (JsonNode) reply = NULL;

  if (qmp == NULL)
    return FALSE;
  g_signal_connect (qmp, "event", G_CALLBACK (on_event), &watch);
  g_signal_connect (qmp, "closed", G_CALLBACK (on_closed), &watch);
  arguments = sv_client_new_arguments ("path", argc > 0 ? argv[0] : "/", NULL);
  json_object_set_boolean_member (arguments, "recursive", TRUE);
  reply = svctl_execute (self, "x-qom-watch", arguments, error);
  if (reply != NULL)
    {
      svctl_end_by_signal (loop);
      g_main_loop_run (loop);
    }
  g_signal_handlers_disconnect_by_data (qmp, &watch);
  return reply != NULL;
}
