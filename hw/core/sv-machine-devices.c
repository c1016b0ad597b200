/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Adding devices to a machine and taking them out. */

#include "hw/core/sv-machine-private.h"

#include "hw/core/sv-boot-order.h"
#include "qom/sv-type-registry.h"

typedef struct
{
  GType type;
  SvDevice *device;
  SvBus *bus;
} BusSearch;

static gboolean
find_bus_of_type (SvObject *object, gpointer user_data)
{
  BusSearch *search = user_data;

  if (!g_type_is_a (G_OBJECT_TYPE (object), search->type)
      || !sv_bus_can_plug (SV_BUS (object), search->device, NULL))
    return TRUE;
  search->bus = SV_BUS (object);
  return FALSE;
}

/* Default of the find_bus vfunc: the first bus in the tree that would take the device. */
SvBus *
sv_machine_find_bus_in_tree (SvMachine *self, SvDevice *device, GError **error)
{
  BusSearch search = { SV_DEVICE_GET_CLASS (device)->bus_type, device, NULL };

  sv_object_walk (SV_OBJECT (self), find_bus_of_type, &search);
  if (search.bus == NULL)
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND,
                 "No '%s' bus found for device '%s'",
                 sv_type_registry_get_display_name (search.type),
                 sv_type_registry_get_display_name (G_OBJECT_TYPE (device)));
  return search.bus;
}

static const char *
string_member (JsonObject *properties, const char *name, GError **error)
{
  JsonNode *node = json_object_get_member (properties, name);

  if (node == NULL)
    return NULL;
  if (json_node_get_value_type (node) != G_TYPE_STRING)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE,
                   "Invalid parameter type for '%s', expected: string", name);
      return NULL;
    }
  return json_node_get_string (node);
}

static GType
lookup_driver (const char *driver, GError **error)
{
  GType type = sv_type_registry_lookup (driver);
  g_autoptr (GTypeClass) klass = NULL;

  if (type == G_TYPE_INVALID || !g_type_is_a (type, SV_TYPE_DEVICE) || G_TYPE_IS_ABSTRACT (type))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND,
                   "'%s' is not a valid device model name", driver);
      return G_TYPE_INVALID;
    }
  klass = g_type_class_ref (type);
  if (!SV_DEVICE_CLASS (klass)->user_creatable)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Parameter 'driver' expects a pluggable device type, got '%s'", driver);
      return G_TYPE_INVALID;
    }
  return type;
}

/* @name is a bus, or a device that provides just one. */
static SvBus *
resolve_bus (SvMachine *self, const char *name, GError **error)
{
  SvObject *object = sv_object_resolve (SV_OBJECT (self), name, SV_TYPE_BUS, NULL);
  SvBus *bus = NULL;

  if (object != NULL)
    return SV_BUS (object);
  object = sv_object_resolve (SV_OBJECT (self), name, SV_TYPE_OBJECT, NULL);
  for (guint i = 0; object != NULL && i < sv_object_get_n_children (object); i++)
    {
      SvObject *child = sv_object_get_nth_child (object, i);

      if (SV_IS_BUS (child))
        {
          bus = SV_BUS (child);
          break;
        }
    }
  if (bus == NULL)
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND, "Bus '%s' not found", name);
  return bus;
}

static gboolean
place (SvMachine *self, SvDevice *device, const char *id, GError **error)
{
  if (id == NULL)
    {
      sv_object_add_child_numbered (sv_object_ensure_container (SV_OBJECT (self), "peripheral-anon"),
                                    "device", SV_OBJECT (device));
      return TRUE;
    }
  if (sv_object_get_child (sv_object_ensure_container (SV_OBJECT (self), "peripheral"), id) != NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_EXISTS, "Duplicate device ID '%s'", id);
      return FALSE;
    }
  return sv_object_add_child (sv_object_ensure_container (SV_OBJECT (self), "peripheral"), id,
                              SV_OBJECT (device), error);
}

static gboolean
plug_and_realize (SvMachine *self, SvDevice *device, const char *bus_name, GError **error)
{
  SvMachineClass *klass = SV_MACHINE_GET_CLASS (self);
  SvBus *bus = NULL;

  if (SV_DEVICE_GET_CLASS (device)->bus_type != 0)
    {
      bus = bus_name != NULL ? resolve_bus (self, bus_name, error)
                             : klass->find_bus (self, device, error);
      if (bus == NULL || !sv_bus_plug (bus, device, error))
        return FALSE;
    }
  else if (bus_name != NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Device '%s' does not plug into a bus",
                   sv_type_registry_get_display_name (G_OBJECT_TYPE (device)));
      return FALSE;
    }
  if (sv_object_complete (SV_OBJECT (device), error))
    return TRUE;
  if (bus != NULL)
    {
      sv_bus_unplug (bus, device);
      if (klass->bus_vacated != NULL)
        klass->bus_vacated (self, bus);
    }
  return FALSE;
}

static void
copy_member (JsonObject *object, const char *name, JsonNode *node, gpointer target)
{
  json_object_set_member (target, name, json_node_copy (node));
}

static gboolean
check_hotpluggable (SvDevice *device, GError **error)
{
  if (sv_device_is_hotpluggable (device))
    return TRUE;
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "Device '%s' does not support hotplugging",
               sv_type_registry_get_display_name (G_OBJECT_TYPE (device)));
  return FALSE;
}

/* The device is on its bus and realized: the guest hears of it. */
static gboolean
announce (SvMachine *self, SvDevice *device, GError **error)
{
  SvMachineClass *klass = SV_MACHINE_GET_CLASS (self);

  return !sv_machine_get_priv (self)->run.loaded || klass->device_plugged == NULL
         || klass->device_plugged (self, device, error);
}

static void
unplug (SvMachine *self, SvDevice *device)
{
  SvBus *bus = sv_device_get_bus (device);

  sv_device_unrealize (device);
  if (bus == NULL)
    return;
  sv_bus_unplug (bus, device);
  if (SV_MACHINE_GET_CLASS (self)->bus_vacated != NULL)
    SV_MACHINE_GET_CLASS (self)->bus_vacated (self, bus);
}

/**
 * sv_machine_add_device:
 * @self: a complete machine
 * @wanted: `driver`, optionally `id` and `bus`, and the device's own properties
 * @error: return location
 *
 * Makes a device, places it at `/machine/peripheral/<id>` (`peripheral-anon` without an id), plugs it
 * in and realizes it. VM lock held.
 *
 * Returns: (transfer none) (nullable): the device; %NULL with nothing left behind
 */
SvDevice *
sv_machine_add_device (SvMachine *self, JsonObject *wanted, GError **error)
{
  SvMachineClass *klass = SV_MACHINE_GET_CLASS (self);
  gboolean hotplug = sv_machine_get_priv (self)->run.loaded;
  g_autoptr (JsonObject) properties = json_object_new ();
  g_autoptr (GError) local = NULL;
  const char *driver = string_member (wanted, "driver", &local);
  const char *id = local == NULL ? string_member (wanted, "id", &local) : NULL;
  const char *bus = local == NULL ? string_member (wanted, "bus", &local) : NULL;
  g_autoptr (SvObject) object = NULL;

  if (local == NULL && driver == NULL)
    g_set_error (&local, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "Parameter 'driver' is missing");
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  if (!sv_machine_check_hold (self, error) || (id != NULL && !sv_object_check_id (id, error))
      || lookup_driver (driver, error) == G_TYPE_INVALID)
    return NULL;
  json_object_foreach_member (wanted, copy_member, properties);
  if (klass->prepare_device != NULL && !klass->prepare_device (self, properties, error))
    return NULL;
  sv_machine_add_globals (self, sv_type_registry_lookup (driver), properties);
  object = sv_object_new_from_json (driver, SV_TYPE_DEVICE, properties, SV_OBJECT (self), error);
  if (object == NULL || !place (self, SV_DEVICE (object), id, error))
    return NULL;
  if (hotplug && !check_hotpluggable (SV_DEVICE (object), error))
    {
      sv_object_unparent (object);
      return NULL;
    }
  if (hotplug)
    sv_device_set_hotplugged (SV_DEVICE (object));
  if (!sv_boot_order_check (SV_OBJECT (self), SV_DEVICE (object), error)
      || !plug_and_realize (self, SV_DEVICE (object), bus, error))
    {
      sv_object_unparent (object);
      return NULL;
    }
  if (!announce (self, SV_DEVICE (object), error))
    {
      unplug (self, SV_DEVICE (object));
      sv_object_unparent (object);
      return NULL;
    }
  return SV_DEVICE (object);
}

static JsonObject *
describe (SvDevice *device)
{
  SvObject *parent = sv_object_get_parent (SV_OBJECT (device));
  JsonObject *data = json_object_new ();
  g_autofree char *path = sv_object_dup_path (SV_OBJECT (device));

  if (parent != NULL && g_strcmp0 (sv_object_get_id (parent), "peripheral") == 0)
    json_object_set_string_member (data, "device", sv_object_get_id (SV_OBJECT (device)));
  json_object_set_string_member (data, "path", path);
  return data;
}

/**
 * sv_machine_remove_device:
 * @self: a machine
 * @device: a device that sv_machine_add_device() made, or one of the machine's that users can take out
 *
 * Takes @device out at once, without asking the guest. VM lock held.
 */
void
sv_machine_remove_device (SvMachine *self, SvDevice *device)
{
  SvObject *parent = sv_object_get_parent (SV_OBJECT (device));
  gboolean own = parent != NULL && g_strcmp0 (sv_object_get_id (parent), "unattached") == 0;
  g_autoptr (JsonObject) data = own ? describe (device) : NULL;

  g_object_ref (device);
  unplug (self, device);
  sv_object_unparent (SV_OBJECT (device));
  g_object_unref (device);
  /* The others are told of as they leave their place. */
  if (data != NULL)
    sv_machine_emit_device_event (self, "DEVICE_DELETED", data);
}

/**
 * sv_machine_refuse_unplug: (skip)
 * @device: a device
 * @error: (out): return location
 *
 * For the unplug_request vfunc of machines.
 *
 * Returns: %FALSE, with an error that says that @device stays where it is
 */
gboolean
sv_machine_refuse_unplug (SvDevice *device, GError **error)
{
  g_autofree char *label = sv_object_dup_label (SV_OBJECT (device));

  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "Device '%s' does not support hotplugging",
               label);
  return FALSE;
}

/**
 * sv_machine_emit_unplug_refused: (skip)
 * @self: a machine
 * @device: a device that the guest was asked to give up
 *
 * Tells that the guest keeps @device. Main thread, VM lock held.
 */
void
sv_machine_emit_unplug_refused (SvMachine *self, SvDevice *device)
{
  g_autoptr (JsonObject) data = describe (device);

  sv_machine_emit_device_event (self, "DEVICE_UNPLUG_GUEST_ERROR", data);
}

/**
 * sv_machine_request_unplug:
 * @self: a machine
 * @device: a device that sv_machine_add_device() made
 * @error: return location
 *
 * Asks the guest to give @device up. It leaves the tree when the guest has, and before this returns when there
 * is no guest yet or nobody to ask. A guest that does not answer keeps it; asking again repeats the
 * request. VM lock held.
 *
 * Returns: %FALSE when it cannot be unplugged
 */
gboolean
sv_machine_request_unplug (SvMachine *self, SvDevice *device, GError **error)
{
  SvMachineClass *klass = SV_MACHINE_GET_CLASS (self);
  SvBus *bus = sv_device_get_bus (device);
  gboolean (*on_bus) (SvBus *, SvDevice *, GError **)
      = bus != NULL ? SV_BUS_GET_CLASS (bus)->unplug_request : NULL;

  if (sv_device_is_hotpluggable (device))
    {
      if (!sv_machine_check_hold (self, error))
        return FALSE;
      if (!sv_machine_get_priv (self)->run.loaded)
        {
          sv_machine_remove_device (self, device);
          return TRUE;
        }
      if (on_bus != NULL)
        return on_bus (bus, device, error);
      if (klass->unplug_request != NULL)
        return klass->unplug_request (self, device, error);
    }
  return sv_machine_refuse_unplug (device, error);
}

/**
 * sv_machine_add_serial:
 * @self: a complete machine
 * @chardev: id or path of a character device
 * @error: return location
 *
 * Gives the machine its next serial port, of the kind that its class names. VM lock held.
 *
 * Returns: %FALSE when the machine has no serial ports (left), or @chardev cannot be had
 */
gboolean
sv_machine_add_serial (SvMachine *self, const char *chardev, GError **error)
{
  const char *driver = SV_MACHINE_GET_CLASS (self)->serial_driver;
  g_autoptr (JsonObject) properties = json_object_new ();
  g_autoptr (SvObject) object = NULL;
  SvBus *bus;

  if (driver == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "Machine type '%s' has no serial port",
                   sv_type_registry_get_display_name (G_OBJECT_TYPE (self)));
      return FALSE;
    }
  json_object_set_string_member (properties, "chardev", chardev);
  sv_machine_add_globals (self, sv_type_registry_lookup (driver), properties);
  object = sv_object_new_from_json (driver, SV_TYPE_DEVICE, properties, SV_OBJECT (self), error);
  if (object == NULL)
    return FALSE;
  bus = SV_MACHINE_GET_CLASS (self)->find_bus (self, SV_DEVICE (object), error);
  return bus != NULL && sv_machine_adopt (self, SV_DEVICE (object), bus, error);
}
