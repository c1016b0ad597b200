/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* svctl add, del, stop, cont, reset, powerdown, quit */

#include <string.h>

#include "client/sv-client-maker.h"
#include "client/sv-client-private.h"
#include "client/sv-json-string.h"
#include "qmp/sv-qmp-error.h"
#include "qom/sv-suggestion.h"
#include "svctl/svctl-commands.h"

static gboolean
fail_type (Svctl *self, const char *type, GError **error)
{
  g_autoptr (JsonNode) reply = svctl_execute (self, "qom-list-types", NULL, error);
  JsonArray *types;
  SvSuggestion suggestion;
  g_autofree char *hint = NULL;

  if (reply == NULL)
    return FALSE;
  types = json_node_get_array (reply);
  sv_suggestion_init (&suggestion, type);
  for (guint i = 0; i < json_array_get_length (types); i++)
    sv_suggestion_consider (
        &suggestion, sv_json_get_string (json_array_get_object_element (types, i), "name", ""));
  hint = sv_suggestion_dup_hint (&suggestion);
  g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
               "there is no type '%s'%s; 'stratovirt -device help' and '-object help' list them", type, hint);
  return FALSE;
}

/* A device's properties make it one. (transfer full) */
static JsonArray *
dup_properties (Svctl *self, const char *type, const SvClientMaker **maker, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonNode) reply = svctl_execute (self, "device-list-properties",
                                              sv_client_new_arguments ("typename", type, NULL), &local);

  *maker = sv_client_maker_get_device ();
  if (reply != NULL)
    return json_node_dup_array (reply);
  if (local->domain != SV_QMP_ERROR)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  *maker = sv_client_maker_find (type);
  reply = svctl_execute (self, "qom-list-properties", sv_client_new_arguments ("typename", type, NULL), error);
  if (reply == NULL)
    return NULL;
  /* Unknown types have none; those without any are known to object-add. */
  return json_node_dup_array (reply);
}

static gboolean
is_type (Svctl *self, const char *type)
{
  g_autoptr (JsonNode) reply = svctl_execute (self, "qom-list-types", NULL, NULL);
  JsonArray *types = reply != NULL ? json_node_get_array (reply) : NULL;

  for (guint i = 0; types != NULL && i < json_array_get_length (types); i++)
    if (strcmp (sv_json_get_string (json_array_get_object_element (types, i), "name", ""), type) == 0)
      return TRUE;
  return FALSE;
}

/* Type and id have their places in front of the properties. */
static gboolean
check_words (const SvClientMaker *maker, const char *type, const char *id, JsonObject *values, GError **error)
{
  g_autoptr (JsonObject) own = sv_client_maker_new_arguments (maker, type, id, NULL);
  g_autoptr (GList) names = json_object_get_members (own);

  for (GList *name = names; name != NULL; name = name->next)
    if (json_object_has_member (values, name->data))
      {
        g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "'%s' is given twice", (const char *)name->data);
        return FALSE;
      }
  return TRUE;
}

/* A device without an id is the last of those. (transfer full) (nullable) */
static char *
dup_nameless_path (Svctl *self, GError **error)
{
  static const char folder[] = "/machine/peripheral-anon";
  g_autoptr (JsonArray) list = svctl_list (self, folder, error);
  char *path = NULL;

  for (guint i = 0; list != NULL && i < json_array_get_length (list); i++)
    {
      JsonObject *info = json_array_get_object_element (list, i);

      if (!g_str_has_prefix (sv_json_get_string (info, "type", ""), "child<"))
        continue;
      g_free (path);
      path = g_strconcat (folder, "/", sv_json_get_string (info, "name", ""), NULL);
    }
  return path;
}

gboolean
svctl_add (Svctl *self, int argc, char **argv, GError **error)
{
  const char *type = argv[0];
  const char *id = argc > 1 && strchr (argv[1], '=') == NULL ? argv[1] : NULL;
  int words = id != NULL ? 2 : 1;
  const SvClientMaker *maker;
  g_autoptr (JsonArray) properties = dup_properties (self, type, &maker, error);
  g_autoptr (JsonObject) values = json_object_new ();
  g_autoptr (JsonNode) reply = NULL;
  g_autofree char *path = NULL;
  gboolean is_device = maker == sv_client_maker_get_device ();

  if (properties == NULL)
    return FALSE;
  if (!is_device && !is_type (self, type))
    return fail_type (self, type, error);
  if (id == NULL && !is_device)
    {
      g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "a back end needs an id: svctl add %s ID ...", type);
      return FALSE;
    }
  if (!svctl_parse_words (values, properties, argc - words, argv + words, error)
      || !check_words (maker, type, id, values, error))
    return FALSE;
  reply = svctl_execute (self, sv_client_maker_get_command (maker),
                         sv_client_maker_new_arguments (maker, type, id, values), error);
  if (reply == NULL)
    return FALSE;
  path = id != NULL ? sv_client_maker_dup_path (maker, id) : dup_nameless_path (self, error);
  if (path == NULL)
    return FALSE;
  if (self->json)
    svctl_print_json (json_node_init_string (json_node_alloc (), path));
  else
    svctl_print ("%s\n", path);
  return TRUE;
}

static void
on_gone (SvRemoteObject *object, GParamSpec *pspec, gboolean *gone)
{
  *gone = TRUE;
}

gboolean
svctl_del (Svctl *self, int argc, char **argv, GError **error)
{
  g_autoptr (SvRemoteMachine) machine = svctl_open_tree (self, error);
  g_autoptr (SvRemoteObject) object = machine != NULL ? svctl_find (machine, argv[0], error) : NULL;
  gboolean gone = FALSE;

  if (object == NULL)
    return FALSE;
  g_signal_connect (object, "notify::gone", G_CALLBACK (on_gone), &gone);
  if (!sv_remote_object_remove (object, NULL, error))
    return FALSE;
  if (!svctl_wait (self, &gone))
    {
      g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_FAILED, "the guest was asked, but has not let go of '%s' within %g s",
                   sv_remote_object_get_path (object), self->timeout / 1000.0);
      return FALSE;
    }
  return TRUE;
}

static gboolean
run (Svctl *self, const char *command, GError **error)
{
  g_autoptr (JsonNode) reply = svctl_execute (self, command, NULL, error);

  return reply != NULL;
}

gboolean
svctl_stop (Svctl *self, int argc, char **argv, GError **error)
{
  return run (self, "stop", error);
}

gboolean
svctl_cont (Svctl *self, int argc, char **argv, GError **error)
{
  return run (self, "cont", error);
}

gboolean
svctl_reset (Svctl *self, int argc, char **argv, GError **error)
{
  return run (self, "system_reset", error);
}

gboolean
svctl_powerdown (Svctl *self, int argc, char **argv, GError **error)
{
  return run (self, "system_powerdown", error);
}

gboolean
svctl_quit (Svctl *self, int argc, char **argv, GError **error)
{
  gboolean never = FALSE;

  if (!run (self, "quit", error))
    return FALSE;
  /* The connection ends with the VM. */
  if (svctl_wait (self, &never))
    return TRUE;
  g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_FAILED, "the VM has not ended within %g s", self->timeout / 1000.0);
  return FALSE;
}
