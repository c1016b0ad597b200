/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands: calls that wait and the replies to them. */

#include "client/sv-client-value.h"
#include "client/sv-json-string.h"
#include "client/sv-qmp-client-private.h"
#include "qmp/sv-qmp-error.h"

typedef struct
{
  gint64 id;
  SvQmpClient *client;
  GTask *task;     /* NULL: a synchronous call */
  JsonNode *reply; /* of a synchronous call */
  GSource *cancelled;
} Pending;

void
sv_qmp_client_drop_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
pending_free (gpointer data)
{
  Pending *pending = data;

  sv_qmp_client_drop_source (&pending->cancelled);
  g_clear_object (&pending->task);
  g_clear_pointer (&pending->reply, json_node_unref);
  g_free (pending);
}

GHashTable *
sv_qmp_client_new_pending (void)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, pending_free);
}

JsonNode *
sv_qmp_client_dup_result (JsonNode *reply, GError **error)
{
  JsonObject *object = json_node_get_object (reply);
  JsonNode *failure = json_object_get_member (object, "error");
  const char *desc;
  const char *klass;

  if (failure == NULL && json_object_has_member (object, "return"))
    return json_object_dup_member (object, "return");
  if (failure == NULL || !JSON_NODE_HOLDS_OBJECT (failure))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                           "The VM's reply holds neither \"return\" nor \"error\"");
      return NULL;
    }
  object = json_node_get_object (failure);
  desc = sv_json_get_string (object, "desc", "no description");
  klass = sv_json_get_string (object, "class", "GenericError");
  g_set_error_literal (error, SV_QMP_ERROR, (int)sv_qmp_error_class_from_string (klass), desc);
  return NULL;
}

gboolean
sv_qmp_client_take_reply (SvQmpClient *self, gint64 id, JsonNode *reply)
{
  Pending *pending = g_hash_table_lookup (self->pending, &id);

  if (pending == NULL)
    return TRUE;
  if (pending->task != NULL)
    return FALSE;
  g_clear_pointer (&pending->reply, json_node_unref);
  pending->reply = json_node_ref (reply);
  return TRUE;
}

void
sv_qmp_client_deliver_reply (SvQmpClient *self, JsonNode *reply)
{
  gint64 id = json_object_get_int_member (json_node_get_object (reply), "id");
  Pending *pending = g_hash_table_lookup (self->pending, &id);
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;
  JsonNode *result;

  if (pending == NULL)
    return;
  task = g_steal_pointer (&pending->task);
  g_hash_table_remove (self->pending, &id);
  result = sv_qmp_client_dup_result (reply, &error);
  if (result == NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_pointer (task, result, (GDestroyNotify)json_node_unref);
}

void
sv_qmp_client_fail_pending (SvQmpClient *self)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->pending);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Pending *pending = value;

      if (pending->task == NULL)
        continue;
      g_ptr_array_add (tasks, g_steal_pointer (&pending->task));
      g_hash_table_iter_remove (&iter);
    }
  for (guint i = 0; i < tasks->len; i++)
    g_task_return_error (g_ptr_array_index (tasks, i), g_error_copy (self->error));
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Pending *pending = user_data;
  g_autoptr (GTask) task = g_steal_pointer (&pending->task);
  gint64 id = pending->id;

  g_hash_table_remove (pending->client->pending, &id);
  g_task_return_error_if_cancelled (task);
  return G_SOURCE_REMOVE;
}

/* @task: NULL: a synchronous call. The peer's leaving is found out by who waits. */
static Pending *
start (SvQmpClient *self, const char *command, JsonObject *arguments, GUnixFDList *fds, GTask *task)
{
  Pending *pending = g_new0 (Pending, 1);
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *message = json_object_new ();

  pending->id = ++self->last_id;
  pending->client = self;
  pending->task = task != NULL ? g_object_ref (task) : NULL;
  if (task != NULL && g_task_get_cancellable (task) != NULL)
    {
      pending->cancelled = g_cancellable_source_new (g_task_get_cancellable (task));
      g_source_set_callback (pending->cancelled, G_SOURCE_FUNC (on_cancelled), pending, NULL);
      g_source_attach (pending->cancelled, self->context);
    }
  g_hash_table_insert (self->pending, &pending->id, pending);

  json_object_set_string_member (message, "execute", command);
  if (arguments != NULL)
    json_object_set_object_member (message, "arguments", json_object_ref (arguments));
  json_object_set_int_member (message, "id", pending->id);
  json_node_take_object (node, message);
  sv_qmp_stream_send (self->stream, node, fds);
  return pending;
}

static JsonNode *
execute (SvQmpClient *self, const char *command, JsonObject *arguments, GUnixFDList *fds, GCancellable *cancellable,
         GError **error)
{
  gint64 end_time = sv_qmp_client_get_end_time (self);
  JsonNode *result = NULL;
  Pending *pending;
  gint64 id;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (!sv_qmp_client_is_open (self))
    {
      sv_qmp_client_fail_closed (self, error);
      return NULL;
    }
  pending = start (self, command, arguments, fds, NULL);
  id = pending->id;
  while (pending->reply == NULL && sv_qmp_client_step (self, end_time, cancellable, error))
    ;
  if (pending->reply != NULL)
    result = sv_qmp_client_dup_result (pending->reply, error);
  g_hash_table_remove (self->pending, &id);
  return result;
}

/**
 * sv_qmp_client_execute_json: (skip)
 * @self: an open client
 * @command: name of the command
 * @arguments: (nullable): its arguments
 * @cancellable: (nullable): ends the wait; the command is executed nevertheless
 * @error: return location
 *
 * As [method@QmpClient.execute], for programs that use json-glib.
 *
 * Returns: (transfer full): what the command returned
 */
JsonNode *
sv_qmp_client_execute_json (SvQmpClient *self, const char *command, JsonObject *arguments, GCancellable *cancellable,
                            GError **error)
{
  g_return_val_if_fail (SV_IS_QMP_CLIENT (self), NULL);
  g_return_val_if_fail (command != NULL, NULL);

  return execute (self, command, arguments, NULL, cancellable, error);
}

/**
 * sv_qmp_client_execute_json_async: (skip)
 * @self: an open client
 * @command: name of the command
 * @arguments: (nullable): its arguments
 * @fds: (nullable): descriptors that go with it
 * @cancellable: (nullable): ends the wait; the command is executed nevertheless
 * @callback: called with the result
 * @user_data: data for @callback
 *
 * As [method@QmpClient.execute_async], for programs that use json-glib.
 */
void
sv_qmp_client_execute_json_async (SvQmpClient *self, const char *command, JsonObject *arguments, GUnixFDList *fds,
                                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (SV_IS_QMP_CLIENT (self));
  g_return_if_fail (command != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, sv_qmp_client_execute_json_async);
  if (g_task_return_error_if_cancelled (task))
    return;
  if (sv_qmp_client_is_open (self))
    start (self, command, arguments, fds, task);
  else
    {
      sv_qmp_client_fail_closed (self, &error);
      g_task_return_error (task, g_steal_pointer (&error));
    }
}

/**
 * sv_qmp_client_execute_json_finish: (skip)
 * @self: a client
 * @result: what the callback got
 * @error: return location
 *
 * Returns: (transfer full): what the command returned
 */
JsonNode *
sv_qmp_client_execute_json_finish (SvQmpClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* FALSE with an error when they are no dictionary. */
static gboolean
convert_arguments (GVariant *arguments, JsonObject **object, GError **error)
{
  g_autoptr (JsonNode) node = NULL;

  *object = NULL;
  if (arguments == NULL)
    return TRUE;
  if (!g_variant_is_of_type (arguments, G_VARIANT_TYPE ("a{s*}")))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "Arguments are a dictionary (a{sv}), not '%s'",
                   g_variant_get_type_string (arguments));
      return FALSE;
    }
  node = sv_client_value_to_json (arguments);
  *object = json_node_dup_object (node);
  return TRUE;
}

/**
 * sv_qmp_client_execute:
 * @self: an open client
 * @command: name of the command, as `query-status`
 * @arguments: (nullable): its arguments, an `a{sv}`
 * @fds: (nullable): descriptors that go with it, as getfd takes
 * @cancellable: (nullable): ends the wait; the command is executed nevertheless
 * @error: return location
 *
 * Executes a command and waits for its reply, at most for [property@QmpClient:timeout].
 *
 * Objects become `a{sv}`, lists `av`, numbers `x` or `d`, null an empty `mv`.
 *
 * Returns: (transfer full): what the command returned; %NULL with an error of the domain `SV_QMP_ERROR` when the
 *   server refused
 */
GVariant *
sv_qmp_client_execute (SvQmpClient *self, const char *command, GVariant *arguments, GUnixFDList *fds,
                       GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) owned = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (JsonNode) result = NULL;

  g_return_val_if_fail (SV_IS_QMP_CLIENT (self), NULL);
  g_return_val_if_fail (command != NULL, NULL);

  if (!convert_arguments (owned, &object, error))
    return NULL;
  result = execute (self, command, object, fds, cancellable, error);
  return result != NULL ? sv_client_value_from_json (result) : NULL;
}

/**
 * sv_qmp_client_execute_async:
 * @self: an open client
 * @command: name of the command
 * @arguments: (nullable): its arguments, an `a{sv}`
 * @fds: (nullable): descriptors that go with it
 * @cancellable: (nullable): ends the wait; the command is executed nevertheless
 * @callback: called with the result
 * @user_data: data for @callback
 *
 * As [method@QmpClient.execute], without blocking. Several commands may be under way.
 */
void
sv_qmp_client_execute_async (SvQmpClient *self, const char *command, GVariant *arguments, GUnixFDList *fds,
                             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GVariant) owned = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  g_autoptr (JsonObject) object = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (SV_IS_QMP_CLIENT (self));
  g_return_if_fail (command != NULL);

  if (convert_arguments (owned, &object, &error))
    sv_qmp_client_execute_json_async (self, command, object, fds, cancellable, callback, user_data);
  else
    g_task_report_error (self, callback, user_data, sv_qmp_client_execute_async, g_steal_pointer (&error));
}

/**
 * sv_qmp_client_execute_finish:
 * @self: a client
 * @result: what the callback of [method@QmpClient.execute_async] got
 * @error: return location
 *
 * Returns: (transfer full): what the command returned
 */
GVariant *
sv_qmp_client_execute_finish (SvQmpClient *self, GAsyncResult *result, GError **error)
{
  g_autoptr (JsonNode) node = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  node = g_task_propagate_pointer (G_TASK (result), error);
  return node != NULL ? sv_client_value_from_json (node) : NULL;
}
