/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client/sv-remote-machine.h"

#include <string.h>

#include "client/sv-client-maker.h"
#include "client/sv-client-private.h"
#include "client/sv-client-value.h"
#include "client/sv-remote-object-private.h"
#include "hw/core/sv-machine.h"

/**
 * SvRemoteMachine:
 *
 * The machine of a virtual machine in another process, at `/machine`.
 */
struct _SvRemoteMachine
{
  SvRemoteObject parent_instance;
};

enum
{
  STOPPED,
  RESUMED,
  RESET,
  POWERDOWN,
  SHUTDOWN,
  DEVICE_EVENT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* Machines of a type that is known here are of a class below this one. */
G_DEFINE_TYPE (SvRemoteMachine, sv_remote_machine, SV_TYPE_REMOTE_OBJECT)

/* Events */

static const struct
{
  const char *event;
  guint signal;
  gboolean has_cause;
} events[] = {
  { "STOP", STOPPED, FALSE },           { "RESUME", RESUMED, FALSE },   { "RESET", RESET, TRUE },
  { "POWERDOWN", POWERDOWN, FALSE }, { "SHUTDOWN", SHUTDOWN, TRUE },
};

static SvShutdownCause
get_cause (GVariant *data)
{
  g_autoptr (GEnumClass) causes = g_type_class_ref (SV_TYPE_SHUTDOWN_CAUSE);
  const char *reason = "";
  const GEnumValue *value;

  g_variant_lookup (data, "reason", "&s", &reason);
  value = g_enum_get_value_by_nick (causes, reason);
  return value != NULL ? (SvShutdownCause)value->value : SV_SHUTDOWN_CAUSE_NONE;
}

static void
on_event (SvQmpClient *qmp, const char *name, GVariant *data, gpointer user_data)
{
  if (strcmp (name, "QOM_CHANGED") == 0)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (events); i++)
    if (strcmp (name, events[i].event) == 0)
      {
        if (events[i].has_cause)
          g_signal_emit (user_data, signals[events[i].signal], 0, get_cause (data));
        else
          g_signal_emit (user_data, signals[events[i].signal], 0);
        return;
      }
  g_signal_emit (user_data, signals[DEVICE_EVENT], g_quark_from_string (name), name, data);
}

/* What is added */

static char *
dup_free_id (SvRemoteMachine *self, const SvClientMaker *maker, const char *type)
{
  const char *stem = maker == sv_client_maker_get_device () ? "device" : type;

  for (guint n = 0;; n++)
    {
      g_autofree char *id = g_strdup_printf ("%s%u", stem, n);
      g_autofree char *path = sv_client_maker_dup_path (maker, id);

      if (sv_client_get_node (sv_remote_object_get_client (SV_REMOTE_OBJECT (self)), path) == NULL)
        return g_steal_pointer (&id);
    }
}

/* The command that makes an object, its arguments, and where the object is then. NULL: a property cannot be sent. */
static const char *
prepare (SvRemoteMachine *self, const SvClientMaker *maker, const char *type, const char *id, GHashTable *properties,
         JsonObject **arguments, char **path, GError **error)
{
  g_autofree char *own_id = id != NULL ? g_strdup (id) : dup_free_id (self, maker, type);
  g_autoptr (JsonObject) values = json_object_new ();

  if (!sv_client_value_set_members (values, properties, error))
    return NULL;
  *arguments = sv_client_maker_new_arguments (maker, type, own_id, values);
  *path = sv_client_maker_dup_path (maker, own_id);
  return sv_client_maker_get_command (maker);
}

static SvRemoteObject *
add (SvRemoteMachine *self, const SvClientMaker *maker, const char *type, const char *id, GHashTable *properties,
     GCancellable *cancellable, GError **error)
{
  SvClient *client = sv_remote_object_get_client (SV_REMOTE_OBJECT (self));
  g_autofree char *path = NULL;
  g_autoptr (JsonObject) arguments = NULL;
  g_autoptr (JsonNode) reply = NULL;
  const char *command = prepare (self, maker, type, id, properties, &arguments, &path, error);

  if (command != NULL)
    reply = sv_remote_object_call (SV_REMOTE_OBJECT (self), command, arguments, cancellable, error);
  return reply != NULL ? sv_client_find (client, path, cancellable, error) : NULL;
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  SvRemoteObject *object = sv_client_find_finish (SV_CLIENT (source), result, &error);

  if (object != NULL)
    g_task_return_pointer (task, object, g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
on_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (JsonNode) reply = sv_remote_object_call_finish (SV_REMOTE_OBJECT (source), result, &error);

  if (reply == NULL)
    g_task_return_error (task, error);
  else
    sv_client_find_async (sv_remote_object_get_client (SV_REMOTE_OBJECT (source)), g_task_get_task_data (task),
                          g_task_get_cancellable (task), on_found, g_object_ref (task));
}

static void
add_async (SvRemoteMachine *self, const SvClientMaker *maker, const char *type, const char *id, GHashTable *properties,
           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (JsonObject) arguments = NULL;
  GError *error = NULL;
  char *path = NULL;
  const char *command = prepare (self, maker, type, id, properties, &arguments, &path, &error);

  g_task_set_task_data (task, path, g_free);
  if (command != NULL)
    sv_remote_object_call_async (SV_REMOTE_OBJECT (self), command, arguments, cancellable, on_added,
                                 g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

/**
 * sv_remote_machine_add_device:
 * @self: a machine
 * @driver: type of the device
 * @id: (nullable): its id; %NULL: one that is free
 * @properties: (nullable) (element-type utf8 GObject.Value): its properties: booleans, numbers, strings, objects of the
 *   same VM
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Adds a device to the machine.
 *
 * Returns: (transfer full): the device; %NULL with an error when the VM refuses
 */
SvRemoteObject *
sv_remote_machine_add_device (SvRemoteMachine *self, const char *driver, const char *id, GHashTable *properties,
                              GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (SV_IS_REMOTE_MACHINE (self), NULL);
  g_return_val_if_fail (driver != NULL, NULL);

  return add (self, sv_client_maker_get_device (), driver, id, properties, cancellable, error);
}

/**
 * sv_remote_machine_add_device_async:
 * @self: a machine
 * @driver: type of the device
 * @id: (nullable): its id; %NULL: one that is free
 * @properties: (nullable) (element-type utf8 GObject.Value): its properties
 * @cancellable: (nullable): ends the wait
 * @callback: called with the device
 * @user_data: data for @callback
 *
 * As [method@RemoteMachine.add_device], without blocking.
 */
void
sv_remote_machine_add_device_async (SvRemoteMachine *self, const char *driver, const char *id, GHashTable *properties,
                                    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (SV_IS_REMOTE_MACHINE (self));
  g_return_if_fail (driver != NULL);

  add_async (self, sv_client_maker_get_device (), driver, id, properties, cancellable, callback, user_data);
}

/**
 * sv_remote_machine_add_device_finish:
 * @self: a machine
 * @result: what the callback of [method@RemoteMachine.add_device_async] got
 * @error: return location
 *
 * Returns: (transfer full): the device
 */
SvRemoteObject *
sv_remote_machine_add_device_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * sv_remote_machine_add_object:
 * @self: a machine
 * @type: type of a back end: `iothread`, `blockdev-file`, `netdev-user`, `chardev-socket` ...
 * @id: (nullable): its id; %NULL: one that is free
 * @properties: (nullable) (element-type utf8 GObject.Value): its properties: booleans, numbers, strings, objects of the
 *   same VM
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Adds a back end, for devices that are added later.
 *
 * Returns: (transfer full): the object; %NULL with an error when the VM refuses
 */
SvRemoteObject *
sv_remote_machine_add_object (SvRemoteMachine *self, const char *type, const char *id, GHashTable *properties,
                              GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (SV_IS_REMOTE_MACHINE (self), NULL);
  g_return_val_if_fail (type != NULL, NULL);

  return add (self, sv_client_maker_find (type), type, id, properties, cancellable, error);
}

/**
 * sv_remote_machine_add_object_async:
 * @self: a machine
 * @type: type of a back end
 * @id: (nullable): its id; %NULL: one that is free
 * @properties: (nullable) (element-type utf8 GObject.Value): its properties
 * @cancellable: (nullable): ends the wait
 * @callback: called with the object
 * @user_data: data for @callback
 *
 * As [method@RemoteMachine.add_object], without blocking.
 */
void
sv_remote_machine_add_object_async (SvRemoteMachine *self, const char *type, const char *id, GHashTable *properties,
                                    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (SV_IS_REMOTE_MACHINE (self));
  g_return_if_fail (type != NULL);

  add_async (self, sv_client_maker_find (type), type, id, properties, cancellable, callback, user_data);
}

/**
 * sv_remote_machine_add_object_finish:
 * @self: a machine
 * @result: what the callback of [method@RemoteMachine.add_object_async] got
 * @error: return location
 *
 * Returns: (transfer full): the object
 */
SvRemoteObject *
sv_remote_machine_add_object_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* The class */

static void
sv_remote_machine_constructed (GObject *object)
{
  SvClient *client = sv_remote_object_get_client (SV_REMOTE_OBJECT (object));

  G_OBJECT_CLASS (sv_remote_machine_parent_class)->constructed (object);
  if (client != NULL)
    g_signal_connect_object (sv_client_get_qmp (client), "event", G_CALLBACK (on_event), object, 0);
}

static guint
add_signal (const char *name, GType argument)
{
  return g_signal_new (name, SV_TYPE_REMOTE_MACHINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                       argument != G_TYPE_NONE, argument);
}

static void
sv_remote_machine_class_init (SvRemoteMachineClass *klass)
{
  G_OBJECT_CLASS (klass)->constructed = sv_remote_machine_constructed;

  /**
   * SvRemoteMachine::stopped:
   * @self: the machine
   *
   * The processors were paused.
   */
  signals[STOPPED] = add_signal ("stopped", G_TYPE_NONE);
  /**
   * SvRemoteMachine::resumed:
   * @self: the machine
   *
   * The processors run (on).
   */
  signals[RESUMED] = add_signal ("resumed", G_TYPE_NONE);
  /**
   * SvRemoteMachine::reset:
   * @self: the machine
   * @cause: (type StratoVirt.ShutdownCause): why
   *
   * The machine was reset.
   */
  signals[RESET] = add_signal ("reset", SV_TYPE_SHUTDOWN_CAUSE);
  /**
   * SvRemoteMachine::powerdown:
   * @self: the machine
   *
   * The power button was pressed.
   */
  signals[POWERDOWN] = add_signal ("powerdown", G_TYPE_NONE);
  /**
   * SvRemoteMachine::shutdown:
   * @self: the machine
   * @cause: (type StratoVirt.ShutdownCause): why
   *
   * The VM ends.
   */
  signals[SHUTDOWN] = add_signal ("shutdown", SV_TYPE_SHUTDOWN_CAUSE);
  /**
   * SvRemoteMachine::device-event:
   * @self: the machine
   * @name: name of an event of QMP's that has no signal of its own; also the signal's detail
   * @data: its data, an `a{sv}`
   *
   * A device tells of an event.
   */
  signals[DEVICE_EVENT]
      = g_signal_new ("device-event", SV_TYPE_REMOTE_MACHINE, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);
}

static void
sv_remote_machine_init (SvRemoteMachine *self)
{
}
