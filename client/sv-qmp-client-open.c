/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a connection begins. */

#include "client/sv-qmp-address.h"
#include "client/sv-qmp-client-private.h"

static gboolean
check_unused (SvQmpClient *self, GError **error)
{
  if (self->context == NULL)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: a client is opened once", self->address);
  return FALSE;
}

static GSocketClient *
new_socket_client (SvQmpClient *self)
{
  self->context = g_main_context_ref_thread_default ();
  return g_socket_client_new ();
}

static gboolean
on_opening_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_autoptr (SvQmpClient) self = g_object_ref (user_data);

  sv_qmp_client_drop_source (&self->cancelled);
  if (self->opening != NULL)
    sv_qmp_client_disconnect (self, g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s: given up", self->address));
  return G_SOURCE_REMOVE;
}

/**
 * sv_qmp_client_open:
 * @self: a client that was not opened before
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Connects, awaits the greeting and negotiates (`qmp_capabilities`). Blocks meanwhile, at most for
 * [property@QmpClient:timeout].
 *
 * Returns: %FALSE with an error that names the address
 */
gboolean
sv_qmp_client_open (SvQmpClient *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GSocketConnectable) target = NULL;
  g_autoptr (GSocketClient) socket_client = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  gint64 end_time;

  g_return_val_if_fail (SV_IS_QMP_CLIENT (self), FALSE);

  target = sv_qmp_address_parse (self->address, error);
  if (target == NULL || !check_unused (self, error))
    return FALSE;
  socket_client = new_socket_client (self);
  connection = g_socket_client_connect (socket_client, target, cancellable, error);
  if (connection == NULL)
    {
      g_prefix_error (error, "%s: ", self->address);
      return FALSE;
    }
  end_time = sv_qmp_client_get_end_time (self);
  sv_qmp_client_adopt (self, connection);
  while (!self->open)
    if (!sv_qmp_client_step (self, end_time, cancellable, error))
      {
        sv_qmp_client_close (self);
        return FALSE;
      }
  return TRUE;
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SvQmpClient *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection
      = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);

  if (connection == NULL)
    {
      g_prefix_error (&error, "%s: ", self->address);
      g_task_return_error (task, g_steal_pointer (&error));
    }
  else if (self->error != NULL)
    g_task_return_error (task, g_error_copy (self->error));
  else
    {
      sv_qmp_client_adopt (self, connection);
      self->opening = g_steal_pointer (&task);
      if (g_task_get_cancellable (self->opening) != NULL)
        {
          self->cancelled = g_cancellable_source_new (g_task_get_cancellable (self->opening));
          g_source_set_callback (self->cancelled, G_SOURCE_FUNC (on_opening_cancelled), self, NULL);
          g_source_attach (self->cancelled, self->context);
        }
    }
}

/**
 * sv_qmp_client_open_async:
 * @self: a client that was not opened before
 * @cancellable: (nullable): ends the wait
 * @callback: called when the connection is ready for commands, or has failed
 * @user_data: data for @callback
 *
 * As [method@QmpClient.open], without blocking and without a limit of time.
 */
void
sv_qmp_client_open_async (SvQmpClient *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GSocketConnectable) target = NULL;
  g_autoptr (GSocketClient) socket_client = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (SV_IS_QMP_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, sv_qmp_client_open_async);
  target = sv_qmp_address_parse (self->address, &error);
  if (target == NULL || !check_unused (self, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  socket_client = new_socket_client (self);
  g_socket_client_connect_async (socket_client, target, cancellable, on_connected, g_steal_pointer (&task));
}

/**
 * sv_qmp_client_open_finish:
 * @self: a client
 * @result: what the callback of [method@QmpClient.open_async] got
 * @error: return location
 *
 * Returns: %FALSE with an error that names the address
 */
gboolean
sv_qmp_client_open_finish (SvQmpClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
