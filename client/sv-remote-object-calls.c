/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an object is asked to do: values of properties, removal. */

#include <string.h>

#include "client/sv-client-private.h"
#include "client/sv-client-value.h"
#include "client/sv-remote-object-private.h"
#include "client/sv-remote-type.h"
#include "qom/sv-property.h"
#include "qom/sv-value.h"

static SvQmpClient *
get_qmp (SvRemoteObject *self)
{
  return sv_client_get_qmp (sv_remote_object_get_client (self));
}

JsonNode *
sv_remote_object_call (SvRemoteObject *self, const char *command, JsonObject *arguments, GCancellable *cancellable,
                       GError **error)
{
  return sv_qmp_client_execute_json (get_qmp (self), command, arguments, cancellable, error);
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  JsonNode *node = sv_qmp_client_execute_json_finish (SV_QMP_CLIENT (source), result, &error);

  if (node != NULL)
    g_task_return_pointer (task, node, (GDestroyNotify)json_node_unref);
  else
    g_task_return_error (task, error);
}

void
sv_remote_object_call_async (SvRemoteObject *self, const char *command, JsonObject *arguments,
                             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  sv_qmp_client_execute_json_async (get_qmp (self), command, arguments, NULL, cancellable, on_reply, task);
}

JsonNode *
sv_remote_object_call_finish (SvRemoteObject *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Reading */

JsonNode *
sv_remote_object_ask (SvRemoteObject *self, const char *name, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonObject) arguments
      = sv_client_new_arguments ("path", sv_remote_object_get_path (self), "property", name, NULL);

  return sv_remote_object_call (self, "qom-get", arguments, cancellable, error);
}

static const GValue *
keep (SvRemoteObject *self, JsonNode *node)
{
  GValue *value = sv_remote_object_get_kept (self);

  sv_client_value_init (value, node);
  return value;
}

/**
 * sv_remote_object_read:
 * @self: an object
 * @property: name of a property, as GObject has it (`run-state`)
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Asks the VM for a property, as reading it in the ways of GObject does, and tells when it cannot be read. The value is
 * of the property's type: an enumeration, an object of the VM ... What this library does not know is read as
 * [method@RemoteObject.get_value] does.
 *
 * Returns: (transfer none): the value, which the object keeps until it is asked for the next one; %NULL with an error
 *   when there is no such property or it cannot be read
 */
const GValue *
sv_remote_object_read (SvRemoteObject *self, const char *property, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonNode) node = NULL;
  GParamSpec *pspec;
  GValue *value;

  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), NULL);
  g_return_val_if_fail (property != NULL, NULL);

  pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (self), property);
  if (pspec == NULL)
    return sv_remote_object_get_value (self, property, cancellable, error);
  if (pspec->owner_type == SV_TYPE_REMOTE_OBJECT)
    {
      value = sv_remote_object_get_kept (self);
      g_value_init (value, pspec->value_type);
      g_object_get_property (G_OBJECT (self), property, value);
      return value;
    }
  node = sv_remote_object_ask (self, sv_property_get_wire_name (pspec), cancellable, error);
  if (node == NULL)
    return NULL;
  value = sv_remote_object_get_kept (self);
  return sv_remote_type_convert (self, pspec, node, value, error) ? value : NULL;
}

/**
 * sv_remote_object_get_value:
 * @self: an object
 * @name: name of a property
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Asks the VM for the value of a property: a boolean, an int64, a double, a string (also for an enumeration, and the
 * path for another object), or a #GVariant for everything else.
 *
 * Returns: (transfer none): the value, which the object keeps until it is asked for the next one; %NULL with an error
 *   when there is no such property or it cannot be read
 */
const GValue *
sv_remote_object_get_value (SvRemoteObject *self, const char *name, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonNode) node = NULL;

  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  node = sv_remote_object_ask (self, name, cancellable, error);
  return node != NULL ? keep (self, node) : NULL;
}

/**
 * sv_remote_object_get_value_async:
 * @self: an object
 * @name: name of a property
 * @cancellable: (nullable): ends the wait
 * @callback: called with the value
 * @user_data: data for @callback
 *
 * As [method@RemoteObject.get_value], without blocking.
 */
void
sv_remote_object_get_value_async (SvRemoteObject *self, const char *name, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (JsonObject) arguments = NULL;

  g_return_if_fail (SV_IS_REMOTE_OBJECT (self));
  g_return_if_fail (name != NULL);

  arguments = sv_client_new_arguments ("path", sv_remote_object_get_path (self), "property", name, NULL);
  sv_remote_object_call_async (self, "qom-get", arguments, cancellable, callback, user_data);
}

/**
 * sv_remote_object_get_value_finish:
 * @self: an object
 * @result: what the callback of [method@RemoteObject.get_value_async] got
 * @error: return location
 *
 * Returns: (transfer none): the value, which the object keeps until it is asked for the next one; %NULL with an error
 *   when there is no such property or it cannot be read
 */
const GValue *
sv_remote_object_get_value_finish (SvRemoteObject *self, GAsyncResult *result, GError **error)
{
  g_autoptr (JsonNode) node = NULL;

  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), NULL);

  node = sv_remote_object_call_finish (self, result, error);
  return node != NULL ? keep (self, node) : NULL;
}

/* Writing */

/* QMP has numbers and booleans as such; users write some as on the command line, sizes above all. */
static JsonNode *
parse (SvRemoteObject *self, const char *name, const GValue *value, GError **error)
{
  GParamSpec *pspec = G_VALUE_HOLDS_STRING (value) ? sv_remote_type_find (self, name) : NULL;
  g_auto (GValue) parsed = G_VALUE_INIT;

  if (pspec == NULL || g_value_get_string (value) == NULL || G_IS_PARAM_SPEC_STRING (pspec)
      || G_IS_PARAM_SPEC_OBJECT (pspec) || G_IS_PARAM_SPEC_BOXED (pspec))
    return sv_client_value_dup_json (value, error);
  /* The VM refuses what it does not know as well. */
  if (!sv_value_from_string (&parsed, pspec, g_value_get_string (value), NULL, NULL))
    return sv_client_value_dup_json (value, error);
  return sv_client_value_dup_json (&parsed, error);
}

static JsonObject *
new_set_arguments (SvRemoteObject *self, const char *name, const GValue *value, GError **error)
{
  JsonNode *node = parse (self, name, value, error);
  JsonObject *arguments;

  if (node == NULL)
    return NULL;
  arguments = sv_client_new_arguments ("path", sv_remote_object_get_path (self), "property", name, NULL);
  json_object_set_member (arguments, "value", node);
  return arguments;
}

/**
 * sv_remote_object_set_value:
 * @self: an object
 * @name: name of a property
 * @value: its new value: a boolean, number, string, enumeration, object of the same VM, or a #GVariant; a string is
 *   converted as on the command line where this library knows the property
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Sets a property.
 *
 * Returns: %FALSE with an error when the VM refuses
 */
gboolean
sv_remote_object_set_value (SvRemoteObject *self, const char *name, const GValue *value, GCancellable *cancellable,
                            GError **error)
{
  g_autoptr (JsonObject) arguments = NULL;
  g_autoptr (JsonNode) node = NULL;

  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (G_IS_VALUE (value), FALSE);

  arguments = new_set_arguments (self, name, value, error);
  if (arguments != NULL)
    node = sv_remote_object_call (self, "qom-set", arguments, cancellable, error);
  return node != NULL;
}

/**
 * sv_remote_object_set_value_async:
 * @self: an object
 * @name: name of a property
 * @value: its new value
 * @cancellable: (nullable): ends the wait
 * @callback: called when it is done
 * @user_data: data for @callback
 *
 * As [method@RemoteObject.set_value], without blocking.
 */
void
sv_remote_object_set_value_async (SvRemoteObject *self, const char *name, const GValue *value,
                                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (JsonObject) arguments = NULL;
  GError *error = NULL;

  g_return_if_fail (SV_IS_REMOTE_OBJECT (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (G_IS_VALUE (value));

  arguments = new_set_arguments (self, name, value, &error);
  if (arguments != NULL)
    sv_remote_object_call_async (self, "qom-set", arguments, cancellable, callback, user_data);
  else
    g_task_report_error (self, callback, user_data, sv_remote_object_set_value_async, error);
}

/**
 * sv_remote_object_set_value_finish:
 * @self: an object
 * @result: what the callback of [method@RemoteObject.set_value_async] got
 * @error: return location
 *
 * Returns: %FALSE with an error when the VM refused
 */
gboolean
sv_remote_object_set_value_finish (SvRemoteObject *self, GAsyncResult *result, GError **error)
{
  g_autoptr (JsonNode) node = sv_remote_object_call_finish (self, result, error);

  return node != NULL;
}

/* Removal */

/* Where objects are that can be removed, how, and what the command calls the object. */
static const struct
{
  const char *folder;
  const char *command;
  const char *argument;
  gboolean by_path;
} removals[] = {
  { "/machine/peripheral/", "device_del", "id", TRUE },
  { "/machine/peripheral-anon/", "device_del", "id", TRUE },
  { "/objects/", "object-del", "id", FALSE },
  { "/block/", "blockdev-del", "node-name", FALSE },
  { "/netdevs/", "netdev_del", "id", FALSE },
  { "/chardevs/", "chardev-remove", "id", FALSE },
};

static const char *
find_removal (SvRemoteObject *self, JsonObject **arguments, GError **error)
{
  const char *path = sv_remote_object_get_path (self);

  for (guint i = 0; i < G_N_ELEMENTS (removals); i++)
    if (g_str_has_prefix (path, removals[i].folder) && strchr (path + strlen (removals[i].folder), '/') == NULL)
      {
        *arguments = sv_client_new_arguments (removals[i].argument,
                                              removals[i].by_path ? path : sv_remote_object_get_id (self), NULL);
        return removals[i].command;
      }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               "'%s' is a fixed part of the VM; only devices and back ends that were added can be removed", path);
  return NULL;
}

/**
 * sv_remote_object_remove:
 * @self: a device (below `/machine/peripheral`) or a back end
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Takes the object out of the VM. A device goes when the guest lets it go: [signal@RemoteObject::child-removed] of its
 * parent, or `notify::gone`, tells.
 *
 * Returns: %FALSE with an error when the VM refuses
 */
gboolean
sv_remote_object_remove (SvRemoteObject *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonObject) arguments = NULL;
  g_autoptr (JsonNode) node = NULL;
  const char *command;

  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), FALSE);

  command = find_removal (self, &arguments, error);
  if (command != NULL)
    node = sv_remote_object_call (self, command, arguments, cancellable, error);
  return node != NULL;
}

/**
 * sv_remote_object_remove_async:
 * @self: a device or a back end
 * @cancellable: (nullable): ends the wait
 * @callback: called when the VM has answered
 * @user_data: data for @callback
 *
 * As [method@RemoteObject.remove], without blocking.
 */
void
sv_remote_object_remove_async (SvRemoteObject *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (JsonObject) arguments = NULL;
  GError *error = NULL;
  const char *command;

  g_return_if_fail (SV_IS_REMOTE_OBJECT (self));

  command = find_removal (self, &arguments, &error);
  if (command != NULL)
    sv_remote_object_call_async (self, command, arguments, cancellable, callback, user_data);
  else
    g_task_report_error (self, callback, user_data, sv_remote_object_remove_async, error);
}

/**
 * sv_remote_object_remove_finish:
 * @self: a device or a back end
 * @result: what the callback of [method@RemoteObject.remove_async] got
 * @error: return location
 *
 * Returns: %FALSE with an error when the VM refused
 */
gboolean
sv_remote_object_remove_finish (SvRemoteObject *self, GAsyncResult *result, GError **error)
{
  g_autoptr (JsonNode) node = sv_remote_object_call_finish (self, result, error);

  return node != NULL;
}
