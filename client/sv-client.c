/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client/sv-client.h"

#include <stdarg.h>
#include <string.h>

#include "client/sv-client-load.h"
#include "client/sv-client-private.h"
#include "client/sv-remote-type.h"
#include "qmp/sv-qmp-error.h"

/**
 * SvClient:
 *
 * A virtual machine in another process, as a tree of objects like that of a machine in this one.
 *
 * [func@Client.connect] gives the machine. From there the tree is walked by children, or asked by path:
 * [method@Client.get_object]. The tree follows the VM: what comes and goes there comes and goes here, with signals
 * in the main context that was the thread's default at the time of connecting. Values of properties are not kept,
 * but asked for when they are wanted.
 *
 * The connection lasts as long as one of its objects is in use, or until [method@QmpClient.close].
 */
G_DEFINE_FINAL_TYPE (SvClient, sv_client, G_TYPE_OBJECT)

static const char load_command[] = "qom-list-get";

JsonObject *
sv_client_new_arguments (const char *name, ...)
{
  JsonObject *arguments = json_object_new ();
  va_list list;

  va_start (list, name);
  for (; name != NULL; name = va_arg (list, const char *))
    json_object_set_string_member (arguments, name, va_arg (list, const char *));
  va_end (list);
  return arguments;
}

/* The tree */

SvClientNode *
sv_client_get_node (SvClient *self, const char *path)
{
  g_auto (GStrv) ids = g_strsplit (path, "/", -1);
  SvClientNode *node = path[0] == '/' ? self->root : NULL;

  for (guint i = 1; node != NULL && ids[i] != NULL; i++)
    if (ids[i][0] != '\0')
      node = sv_client_node_get_child (node, ids[i]);
  return node;
}

static void
find_end (SvClientNode *node, const char *end, SvClientNode **found, guint *count)
{
  if (g_str_has_suffix (node->path, end))
    {
      *found = node;
      ++*count;
    }
  for (guint i = 0; i < node->children->len; i++)
    find_end (g_ptr_array_index (node->children, i), end, found, count);
}

SvRemoteObject *
sv_client_ref_proxy (SvClient *self, SvClientNode *node)
{
  GType type = strcmp (node->path, "/machine") == 0 ? SV_TYPE_REMOTE_MACHINE : SV_TYPE_REMOTE_OBJECT;

  if (node->proxy != NULL)
    return g_object_ref (node->proxy);
  node->proxy = g_object_new (sv_remote_type_get (type, node->type), "client", self, "path", node->path, "id", node->id, "type-name", node->type, NULL);
  return node->proxy;
}

/* Takes the node; returns the one that is in the tree, or NULL when there is no place for it. */
static SvClientNode *
attach (SvClient *self, SvClientNode *node)
{
  g_autofree char *parent_path = g_path_get_dirname (node->path);
  SvClientNode *parent = sv_client_get_node (self, parent_path);
  SvClientNode *known = parent != NULL ? sv_client_node_get_child (parent, node->id) : NULL;

  if (parent == NULL || known != NULL)
    {
      sv_client_node_free (node);
      return known;
    }
  node->parent = parent;
  g_ptr_array_add (parent->children, node);
  if (parent->proxy != NULL)
    {
      g_autoptr (SvRemoteObject) proxy = g_object_ref (parent->proxy);
      g_autoptr (SvRemoteObject) child = sv_client_ref_proxy (self, node);

      g_list_model_items_changed (G_LIST_MODEL (proxy), parent->children->len - 1, 0, 1);
      g_signal_emit_by_name (proxy, "child-added", child);
      /* The handlers may have let things go. */
      return sv_remote_object_get_node (child);
    }
  return node;
}

static void
detach (SvClient *self, SvClientNode *node)
{
  SvClientNode *parent = node->parent;
  g_autoptr (SvRemoteObject) proxy = parent->proxy != NULL ? g_object_ref (parent->proxy) : NULL;
  g_autoptr (SvRemoteObject) child = NULL;
  guint position;

  if (proxy != NULL || node->proxy != NULL)
    child = sv_client_ref_proxy (self, node);
  g_ptr_array_find (parent->children, node, &position);
  g_ptr_array_remove_index (parent->children, position);
  if (proxy != NULL)
    {
      g_list_model_items_changed (G_LIST_MODEL (proxy), position, 1, 0);
      g_signal_emit_by_name (proxy, "child-removed", child);
    }
}

/* Learning what there is */

typedef struct
{
  SvClientLoad *load;
  SvQmpClient *qmp;
} LoadData;

static void
load_data_free (gpointer data)
{
  LoadData *load = data;

  sv_client_load_free (load->load);
  g_object_unref (load->qmp);
  g_free (load);
}

static void on_load_reply (GObject *source, GAsyncResult *result, gpointer user_data);

static void
load_step (GTask *task)
{
  LoadData *data = g_task_get_task_data (task);
  g_autoptr (JsonObject) arguments = sv_client_load_next (data->load);

  if (arguments != NULL)
    sv_qmp_client_execute_json_async (data->qmp, load_command, arguments, NULL, g_task_get_cancellable (task),
                                      on_load_reply, g_object_ref (task));
  else
    g_task_return_pointer (task, sv_client_load_steal (data->load), (GDestroyNotify)sv_client_node_free);
}

static void
on_load_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LoadData *data = g_task_get_task_data (task);
  g_autoptr (GError) failure = NULL;
  g_autoptr (JsonNode) reply = sv_qmp_client_execute_json_finish (data->qmp, result, &failure);
  GError *error = NULL;

  if (sv_client_load_feed (data->load, reply, failure, &error))
    load_step (task);
  else
    g_task_return_error (task, error);
}

void
sv_client_load_async (SvClient *self, const char *path, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  LoadData *data = g_new0 (LoadData, 1);

  data->load = sv_client_load_new (path);
  data->qmp = g_object_ref (self->qmp);
  g_task_set_task_data (task, data, load_data_free);
  load_step (task);
}

SvClientNode *
sv_client_load_now (SvClient *self, const char *path, GCancellable *cancellable, GError **error)
{
  SvClientLoad *load = sv_client_load_new (path);
  SvClientNode *node = NULL;
  gboolean good = TRUE;

  while (good)
    {
      g_autoptr (JsonObject) arguments = sv_client_load_next (load);
      g_autoptr (GError) failure = NULL;
      g_autoptr (JsonNode) reply = NULL;

      if (arguments == NULL)
        {
          node = sv_client_load_steal (load);
          break;
        }
      reply = sv_qmp_client_execute_json (self->qmp, load_command, arguments, cancellable, &failure);
      good = sv_client_load_feed (load, reply, failure, error);
    }
  sv_client_load_free (load);
  return node;
}

static SvRemoteObject *
attach_loaded (SvClient *self, SvClientNode *loaded, GError **error)
{
  g_autofree char *path = g_strdup (loaded->path);
  SvClientNode *node = attach (self, loaded);

  if (node != NULL)
    return sv_client_ref_proxy (self, node);
  g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_DEVICE_NOT_FOUND, "'%s' is gone again", path);
  return NULL;
}

SvRemoteObject *
sv_client_find (SvClient *self, const char *path, GCancellable *cancellable, GError **error)
{
  SvClientNode *node = sv_client_get_node (self, path);

  if (node != NULL)
    return sv_client_ref_proxy (self, node);
  node = sv_client_load_now (self, path, cancellable, error);
  return node != NULL ? attach_loaded (self, node, error) : NULL;
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  SvClientNode *node = g_task_propagate_pointer (G_TASK (result), &error);
  SvRemoteObject *proxy = node != NULL ? attach_loaded (SV_CLIENT (source), node, &error) : NULL;

  if (proxy != NULL)
    g_task_return_pointer (task, proxy, g_object_unref);
  else
    g_task_return_error (task, error);
}

void
sv_client_find_async (SvClient *self, const char *path, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  SvClientNode *node = sv_client_get_node (self, path);

  if (node != NULL)
    g_task_return_pointer (task, sv_client_ref_proxy (self, node), g_object_unref);
  else
    sv_client_load_async (self, path, cancellable, on_found, g_steal_pointer (&task));
}

SvRemoteObject *
sv_client_find_finish (SvClient *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Following what happens */

static void
on_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SvClientNode *node = g_task_propagate_pointer (G_TASK (result), NULL);

  /* An object that cannot be asked about has left already. */
  if (node != NULL)
    attach (SV_CLIENT (source), node);
}

static void
on_changed (SvQmpClient *qmp, const char *name, GVariant *data, gpointer user_data)
{
  g_autoptr (SvClient) self = g_object_ref (user_data);
  const char *path;
  const char *what;
  gboolean gone = FALSE;
  SvClientNode *node;

  if (!g_variant_lookup (data, "path", "&s", &path))
    return;
  node = sv_client_get_node (self, path);
  if (node == NULL)
    return;
  g_variant_lookup (data, "gone", "b", &gone);
  if (g_variant_lookup (data, "property", "&s", &what))
    {
      g_autoptr (SvRemoteObject) proxy = node->proxy != NULL ? g_object_ref (node->proxy) : NULL;

      if (proxy != NULL)
        sv_remote_object_emit_changed (proxy, what);
    }
  else if (g_variant_lookup (data, "child", "&s", &what))
    {
      SvClientNode *child = sv_client_node_get_child (node, what);
      g_autofree char *child_path = sv_client_node_dup_child_path (node, what);

      if (gone && child != NULL)
        detach (self, child);
      else if (!gone && child == NULL)
        sv_client_load_async (self, child_path, NULL, on_added, NULL);
    }
}

SvClient *
sv_client_new (SvQmpClient *qmp)
{
  SvClient *self = g_object_new (SV_TYPE_CLIENT, NULL);

  self->qmp = g_object_ref (qmp);
  g_signal_connect_object (qmp, "event::QOM_CHANGED", G_CALLBACK (on_changed), self, 0);
  return self;
}

/**
 * sv_client_get_qmp:
 * @self: a client
 *
 * Returns: (transfer none): the connection, for commands and events that the objects have no method for
 */
SvQmpClient *
sv_client_get_qmp (SvClient *self)
{
  g_return_val_if_fail (SV_IS_CLIENT (self), NULL);

  return self->qmp;
}

/**
 * sv_client_get_object:
 * @self: a client
 * @path: path of an object (`/machine/peripheral/net0`), or the end of exactly one object's path (`net0`)
 *
 * Returns: (transfer full) (nullable): the object; %NULL when there is none, or when several paths end so
 */
SvRemoteObject *
sv_client_get_object (SvClient *self, const char *path)
{
  SvClientNode *node = NULL;
  guint count = 0;

  g_return_val_if_fail (SV_IS_CLIENT (self), NULL);
  g_return_val_if_fail (path != NULL, NULL);

  if (path[0] == '/')
    node = sv_client_get_node (self, path);
  else if (path[0] != '\0' && self->root != NULL)
    {
      g_autofree char *end = g_strconcat ("/", path, NULL);

      find_end (self->root, end, &node, &count);
    }
  return node != NULL && count <= 1 ? sv_client_ref_proxy (self, node) : NULL;
}

static void
sv_client_finalize (GObject *object)
{
  SvClient *self = SV_CLIENT (object);

  g_clear_pointer (&self->root, sv_client_node_free);
  g_clear_object (&self->qmp);
  G_OBJECT_CLASS (sv_client_parent_class)->finalize (object);
}

static void
sv_client_class_init (SvClientClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sv_client_finalize;
}

static void
sv_client_init (SvClient *self)
{
}
