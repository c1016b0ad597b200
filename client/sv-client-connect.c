/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a client begins: connection, subscription, the whole tree. */

#include "client/sv-client-private.h"
#include "client/sv-client.h"
#include "qmp/sv-qmp-error.h"

static const char watch_command[] = "x-qom-watch";

static JsonObject *
new_watch_arguments (void)
{
  JsonObject *arguments = sv_client_new_arguments ("path", "/", NULL);

  json_object_set_boolean_member (arguments, "recursive", TRUE);
  return arguments;
}

static void
explain_watch (GError **error)
{
  if (error != NULL && g_error_matches (*error, SV_QMP_ERROR, SV_QMP_ERROR_COMMAND_NOT_FOUND))
    g_prefix_error (error, "The VM's program cannot tell of changes: ");
}

static SvRemoteMachine *
start (SvClient *self, SvClientNode *root, GError **error)
{
  SvClientNode *machine;

  self->root = root;
  machine = sv_client_get_node (self, "/machine");
  if (machine != NULL)
    return SV_REMOTE_MACHINE (sv_client_ref_proxy (self, machine));
  g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_DEVICE_NOT_FOUND, "The VM has no object '/machine'");
  return NULL;
}

/* Learns what the VM behind an open connection has. */
SvRemoteMachine *
sv_client_mirror (SvQmpClient *qmp, GCancellable *cancellable, GError **error)
{
  g_autoptr (SvClient) self = sv_client_new (qmp);
  g_autoptr (JsonObject) arguments = new_watch_arguments ();
  g_autoptr (JsonNode) reply = NULL;
  SvClientNode *root;

  reply = sv_qmp_client_execute_json (qmp, watch_command, arguments, cancellable, error);
  if (reply == NULL)
    explain_watch (error);
  root = reply != NULL ? sv_client_load_now (self, "/", cancellable, error) : NULL;
  return root != NULL ? start (self, root, error) : NULL;
}

/**
 * sv_client_connect:
 * @address: `unix:PATH`, `tcp:HOST:PORT`, or a path
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Connects to a virtual machine in another process. Blocks until the whole tree of its objects is known.
 *
 * Returns: (transfer full): the machine; %NULL with an error that names the address
 */
SvRemoteMachine *
sv_client_connect (const char *address, GCancellable *cancellable, GError **error)
{
  g_autoptr (SvQmpClient) qmp = NULL;

  g_return_val_if_fail (address != NULL, NULL);

  qmp = sv_qmp_client_new (address);
  return sv_qmp_client_open (qmp, cancellable, error) ? sv_client_mirror (qmp, cancellable, error) : NULL;
}

static void
on_tree (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  SvClientNode *root = g_task_propagate_pointer (G_TASK (result), &error);
  SvRemoteMachine *machine = root != NULL ? start (SV_CLIENT (source), root, &error) : NULL;

  if (machine != NULL)
    g_task_return_pointer (task, machine, g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
on_watching (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (JsonNode) reply = sv_qmp_client_execute_json_finish (SV_QMP_CLIENT (source), result, &error);

  if (reply == NULL)
    {
      explain_watch (&error);
      g_task_return_error (task, error);
    }
  else
    sv_client_load_async (g_task_get_task_data (task), "/", g_task_get_cancellable (task), on_tree, g_object_ref (task));
}

static void
on_open (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (JsonObject) arguments = new_watch_arguments ();
  GError *error = NULL;

  if (!sv_qmp_client_open_finish (SV_QMP_CLIENT (source), result, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  g_task_set_task_data (task, sv_client_new (SV_QMP_CLIENT (source)), g_object_unref);
  sv_qmp_client_execute_json_async (SV_QMP_CLIENT (source), watch_command, arguments, NULL,
                                    g_task_get_cancellable (task), on_watching, g_object_ref (task));
}

/**
 * sv_client_connect_async:
 * @address: `unix:PATH`, `tcp:HOST:PORT`, or a path
 * @cancellable: (nullable): ends the wait
 * @callback: called with the machine
 * @user_data: data for @callback
 *
 * As [func@Client.connect], without blocking and without a limit of time.
 */
void
sv_client_connect_async (const char *address, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (SvQmpClient) qmp = NULL;
  GTask *task;

  g_return_if_fail (address != NULL);

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, sv_client_connect_async);
  qmp = sv_qmp_client_new (address);
  sv_qmp_client_open_async (qmp, cancellable, on_open, task);
}

/**
 * sv_client_connect_finish:
 * @result: what the callback of [func@Client.connect_async] got
 * @error: return location
 *
 * Returns: (transfer full): the machine
 */
SvRemoteMachine *
sv_client_connect_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
