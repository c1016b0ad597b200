/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What programs and scripts do with a machine in their own process. */

#include "hw/core/sv-machine-private.h"

#include "hw/core/sv-vm-tree.h"
#include "qom/sv-type-registry.h"

/* Takes back what was placed, last first: a user goes before what it uses. */
static void
unplace (GPtrArray *placed)
{
  for (guint i = placed->len; i > 0; i--)
    sv_object_unparent (g_ptr_array_index (placed, i - 1));
}

/* Places @object, and before it what it links to and has no place either. */
static gboolean
place (SvObject *root, const char *id, SvObject *object, GPtrArray *placed, GError **error);

static gboolean
place_links (SvObject *root, SvObject *object, GPtrArray *placed, GError **error)
{
  guint n;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SvObject) target = NULL;

      if (!g_type_is_a (pspecs[i]->value_type, SV_TYPE_OBJECT)
          || (pspecs[i]->flags & G_PARAM_READWRITE) != G_PARAM_READWRITE)
        continue;
      g_object_get (object, pspecs[i]->name, &target, NULL);
      if (target != NULL && sv_object_get_parent (target) == NULL
          && !place (root, NULL, target, placed, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
place (SvObject *root, const char *id, SvObject *object, GPtrArray *placed, GError **error)
{
  if (!place_links (root, object, placed, error) || !sv_vm_tree_add (root, id, object, error))
    return FALSE;
  g_ptr_array_add (placed, g_object_ref (object));
  return TRUE;
}

static gboolean
place_links_of_parts (SvMachine *self, GPtrArray *placed, GError **error)
{
  SvObject *parts = sv_object_get_child (SV_OBJECT (self), SV_MACHINE_PARTS);
  gboolean good = TRUE;

  for (guint i = 0; good && parts != NULL && i < sv_object_get_n_children (parts); i++)
    good = place_links (sv_object_get_root (SV_OBJECT (self)), sv_object_get_nth_child (parts, i), placed, error);
  return good;
}

/* Takes out what is in @container, and in containers that are in it. Whoever holds a device holds one that is at rest. */
static void
empty (SvObject *container)
{
  guint n;

  while ((n = sv_object_get_n_children (container)) > 0)
    {
      SvObject *child = sv_object_get_nth_child (container, n - 1);

      if (G_OBJECT_TYPE (child) == SV_TYPE_OBJECT)
        empty (child);
      if (SV_IS_DEVICE (child))
        sv_device_unrealize (SV_DEVICE (child));
      sv_object_unparent (child);
    }
}

/* Ends what a machine does and frees what it is made of, whoever still refers to it. */
static void
take_down (SvMachine *self)
{
  sv_machine_stop_for_good (self);
  empty (SV_OBJECT (self));
}

/**
 * sv_machine_close:
 * @self: a machine
 *
 * Takes the machine down at once, without asking the guest: processors, devices and back ends are gone
 * when this returns. A guest that ends by itself, or by [method@Machine.quit], closes its machine after
 * the signal [signal@Machine::quit].
 *
 * A machine that was prepared keeps itself alive until it is closed. It cannot be started again. Does
 * nothing to a machine that was not prepared, or is closed already.
 */
void
sv_machine_close (SvMachine *self)
{
  SvMachinePrivate *priv;
  g_autoptr (SvObject) root = NULL;
  g_autoptr (SvMachine) keep = NULL;

  g_return_if_fail (SV_IS_MACHINE (self));

  priv = sv_machine_get_priv (self);
  if (priv->own_root == NULL)
    return;
  keep = g_object_ref (self);
  root = g_steal_pointer (&priv->own_root);
  priv->closed = TRUE;
  take_down (self);
  sv_object_unparent (SV_OBJECT (self));
}

/**
 * sv_machine_prepare:
 * @self: a machine
 * @error: return location
 *
 * Builds what there is before any device is added: memory, processors, the devices that the machine
 * brings along. It is then `/machine` in a tree of its own. [method@Machine.start],
 * [method@Machine.add_device] and the like do this when it was not done before; from then on
 * properties that say what the machine is made of are settled.
 *
 * Returns: %FALSE when the machine cannot be built; it is closed then
 */
gboolean
sv_machine_prepare (SvMachine *self, GError **error)
{
  SvMachinePrivate *priv;
  g_autoptr (GPtrArray) placed = g_ptr_array_new_with_free_func (g_object_unref);

  g_return_val_if_fail (SV_IS_MACHINE (self), FALSE);

  priv = sv_machine_get_priv (self);
  if (priv->closed)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "The machine '%s' is closed: make another one",
                   priv->name != NULL ? priv->name : G_OBJECT_TYPE_NAME (self));
      return FALSE;
    }
  if (sv_object_is_complete (SV_OBJECT (self)))
    return TRUE;
  if (sv_object_get_parent (SV_OBJECT (self)) == NULL)
    {
      priv->own_root = sv_vm_tree_new ();
      sv_object_add_child (priv->own_root, "machine", SV_OBJECT (self), NULL);
    }
  if (place_links (sv_object_get_root (SV_OBJECT (self)), SV_OBJECT (self), placed, error)
      && place_links_of_parts (self, placed, error) && sv_object_complete (SV_OBJECT (self), error))
    return TRUE;
  sv_machine_close (self);
  return FALSE;
}

/**
 * sv_machine_add_part: (skip)
 * @self: a machine that is not complete
 * @id: (nullable): its name; %NULL: one is made up
 * @part: (transfer none): what says what the machine is made of: a NUMA node, an SMBIOS structure ...
 * @error: return location
 *
 * Gives @part its place below `/machine/parts`, where the machine looks when it is made.
 *
 * Returns: %FALSE with nothing changed
 */
gboolean
sv_machine_add_part (SvMachine *self, const char *id, SvObject *part, GError **error)
{
  SvObject *container;

  if (sv_object_is_complete (SV_OBJECT (self)))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_READ_ONLY,
                   "'%s' says what the machine is made of: it cannot be added once the machine is in use",
                   sv_type_registry_get_display_name (G_OBJECT_TYPE (part)));
      return FALSE;
    }
  if (id != NULL && !sv_object_check_id (id, error))
    return FALSE;
  container = sv_object_ensure_container (SV_OBJECT (self), SV_MACHINE_PARTS);
  if (id == NULL && sv_object_get_parent (part) == NULL)
    sv_object_add_child_numbered (container, "part", part);
  else if (!sv_object_add_child (container, id != NULL ? id : "part", part, error))
    return FALSE;
  if (sv_object_complete (part, error))
    return TRUE;
  sv_object_unparent (part);
  return FALSE;
}

/**
 * sv_machine_add_object:
 * @self: a machine
 * @object: a back end without a place: an image, a character device, an iothread, memory ...; or what says what the
 *   machine is made of, as long as it is not prepared: a NUMA node, an SMBIOS structure
 * @id: (nullable): its name; %NULL: one is made up
 * @error: return location
 *
 * Gives @object a place in the machine's tree, `/block/<id>` for an image, and opens it. What it links to
 * and has no place comes along. Until then an object is only a description.
 *
 * Returns: (transfer none) (nullable): @object; %NULL with nothing changed when it cannot be opened
 */
SvObject *
sv_machine_add_object (SvMachine *self, SvObject *object, const char *id, GError **error)
{
  g_autoptr (GPtrArray) placed = g_ptr_array_new_with_free_func (g_object_unref);

  g_return_val_if_fail (SV_IS_MACHINE (self) && SV_IS_OBJECT (object), NULL);

  if (g_strcmp0 (SV_OBJECT_GET_CLASS (object)->container, SV_MACHINE_PARTS) == 0)
    return sv_machine_add_part (self, id, object, error) ? object : NULL;
  if (!sv_machine_prepare (self, error))
    return NULL;
  if (place (sv_object_get_root (SV_OBJECT (self)), id, object, placed, error))
    return object;
  unplace (placed);
  return NULL;
}

static JsonNode *
int_node (gint64 number)
{
  return json_node_init_int (json_node_alloc (), number);
}

static JsonNode *
strv_node (const char *const *strings)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  json_node_take_array (node, json_array_new ());
  for (; strings != NULL && *strings != NULL; strings++)
    json_array_add_string_element (json_node_get_array (node), *strings);
  return node;
}

/* What JSON has for a value; an object is named by its path and gets a place when it has none. */
static JsonNode *
value_to_node (SvObject *root, const GValue *value, GPtrArray *placed, GError **error)
{
  const GEnumValue *entry;
  SvObject *object;
  g_autofree char *path = NULL;

  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_BOOLEAN:
      return json_node_init_boolean (json_node_alloc (), g_value_get_boolean (value));
    case G_TYPE_INT:
      return int_node (g_value_get_int (value));
    case G_TYPE_UINT:
      return int_node (g_value_get_uint (value));
    case G_TYPE_LONG:
      return int_node (g_value_get_long (value));
    case G_TYPE_INT64:
      return int_node (g_value_get_int64 (value));
    case G_TYPE_ULONG:
      if (g_value_get_ulong (value) <= G_MAXINT64)
        return int_node ((gint64)g_value_get_ulong (value));
      break;
    case G_TYPE_UINT64:
      if (g_value_get_uint64 (value) <= G_MAXINT64)
        return int_node ((gint64)g_value_get_uint64 (value));
      break;
    case G_TYPE_DOUBLE:
      return json_node_init_double (json_node_alloc (), g_value_get_double (value));
    case G_TYPE_STRING:
      return json_node_init_string (json_node_alloc (), g_value_get_string (value));
    case G_TYPE_ENUM:
      entry = g_enum_get_value (g_type_class_peek (G_VALUE_TYPE (value)), g_value_get_enum (value));
      if (entry != NULL)
        return json_node_init_string (json_node_alloc (), entry->value_nick);
      break;
    case G_TYPE_BOXED:
      if (G_VALUE_HOLDS (value, G_TYPE_STRV))
        return strv_node (g_value_get_boxed (value));
      break;
    case G_TYPE_OBJECT:
      object = g_value_get_object (value);
      if (!SV_IS_OBJECT (object))
        break;
      if (sv_object_get_parent (object) == NULL && !place (root, NULL, object, placed, error))
        return NULL;
      path = sv_object_dup_path (object);
      return json_node_init_string (json_node_alloc (), path);
    default:
      break;
    }
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE,
               "a value of type '%s' cannot be used here: expected a boolean, a number, a string, a list of "
               "strings or an object",
               G_VALUE_TYPE_NAME (value));
  return NULL;
}

static gboolean
collect_values (
    SvObject *root, GHashTable *values, JsonObject *wanted, GPtrArray *placed, GError **error)
{
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  g_hash_table_iter_init (&iter, values);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      JsonNode *node = value_to_node (root, value, placed, error);

      if (node == NULL)
        {
          g_prefix_error (error, "property '%s': ", (char *)name);
          return FALSE;
        }
      json_object_set_member (wanted, name, node);
    }
  return TRUE;
}

/**
 * sv_machine_add_device_values: (rename-to sv_machine_add_device)
 * @self: a machine
 * @driver: wire name of the device, as `virtio-blk-device`
 * @id: (nullable): its name; %NULL: it has none
 * @properties: (nullable) (element-type utf8 GValue): its properties, and maybe the `bus` that it goes on. A
 *   back end that has no place yet gets one, see [method@Machine.add_object]
 * @error: return location
 *
 * Adds a device, also while the guest runs where the machine and the device know hotplug. It is found
 * at `/machine/peripheral/<id>`.
 *
 * Returns: (transfer none) (nullable): the device; %NULL with nothing changed when it cannot be had
 */
SvDevice *
sv_machine_add_device_values (
    SvMachine *self, const char *driver, const char *id, GHashTable *properties, GError **error)
{
  g_autoptr (GPtrArray) placed = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (JsonObject) wanted = json_object_new ();
  SvDevice *device = NULL;

  g_return_val_if_fail (SV_IS_MACHINE (self) && driver != NULL, NULL);

  if (!sv_machine_prepare (self, error))
    return NULL;
  if (properties == NULL
      || collect_values (sv_object_get_root (SV_OBJECT (self)), properties, wanted, placed, error))
    {
      json_object_set_string_member (wanted, "driver", driver);
      if (id != NULL)
        json_object_set_string_member (wanted, "id", id);
      device = sv_machine_add_device (self, wanted, error);
    }
  if (device == NULL)
    unplace (placed);
  return device;
}

/**
 * sv_machine_add_device_json:
 * @self: a machine
 * @json: a JSON object with the arguments of QMP's device_add: `driver`, `id`, `bus`, the device's properties
 * @error: return location
 *
 * As [method@Machine.add_device]; back ends are named by id or path.
 *
 * Returns: (transfer none) (nullable): the device; %NULL with nothing changed when it cannot be had
 */
SvDevice *
sv_machine_add_device_json (SvMachine *self, const char *json, GError **error)
{
  g_autoptr (JsonNode) node = NULL;

  g_return_val_if_fail (SV_IS_MACHINE (self) && json != NULL, NULL);

  node = json_from_string (json, error);
  if (node == NULL && (error == NULL || *error != NULL))
    return NULL;
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE,
                   "Parameter 'json' expects a JSON object, got '%s'", json);
      return NULL;
    }
  return sv_machine_prepare (self, error)
             ? sv_machine_add_device (self, json_node_get_object (node), error)
             : NULL;
}

/**
 * sv_machine_add_serial_chardev: (rename-to sv_machine_add_serial)
 * @self: a machine
 * @chardev: where the port's bytes go to and come from; it gets a place when it has none
 * @error: return location
 *
 * Gives the machine its next serial port.
 *
 * Returns: %FALSE when the machine has no serial ports (left), or @chardev cannot be opened
 */
gboolean
sv_machine_add_serial_chardev (SvMachine *self, SvChardev *chardev, GError **error)
{
  gboolean placed;
  g_autofree char *path = NULL;

  g_return_val_if_fail (SV_IS_MACHINE (self) && SV_IS_CHARDEV (chardev), FALSE);

  placed = sv_object_get_parent (SV_OBJECT (chardev)) == NULL;
  if (!sv_machine_prepare (self, error)
      || (placed && sv_machine_add_object (self, SV_OBJECT (chardev), NULL, error) == NULL))
    return FALSE;
  path = sv_object_dup_path (SV_OBJECT (chardev));
  if (sv_machine_add_serial (self, path, error))
    return TRUE;
  if (placed)
    sv_object_unparent (SV_OBJECT (chardev));
  return FALSE;
}

/**
 * sv_machine_pause:
 * @self: a machine
 *
 * Stops the guest's processors and waits until the devices have no work in flight. Pausing a machine
 * that does not run does nothing.
 */
void
sv_machine_pause (SvMachine *self)
{
  g_return_if_fail (SV_IS_MACHINE (self));

  sv_machine_stop (self, SV_RUN_STATE_PAUSED);
}

/**
 * sv_machine_resume:
 * @self: a machine
 * @error: return location
 *
 * Lets a paused guest go on; the same as [method@Machine.start].
 *
 * Returns: %FALSE when the guest needs a reset first
 */
gboolean
sv_machine_resume (SvMachine *self, GError **error)
{
  g_return_val_if_fail (SV_IS_MACHINE (self), FALSE);

  return sv_machine_start (self, error);
}

/**
 * sv_machine_reset:
 * @self: a machine
 *
 * Restarts the guest in place, from the main loop; [signal@Machine::reset] tells when it was done.
 */
void
sv_machine_reset (SvMachine *self)
{
  g_return_if_fail (SV_IS_MACHINE (self));

  sv_machine_request_reset (self, SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET);
}

/**
 * sv_machine_quit: (rename-to sv_machine_stop)
 * @self: a machine
 *
 * Ends the VM from the main loop, without asking the guest: [signal@Machine::shutdown] and
 * [signal@Machine::quit] follow, then the machine is closed. See [method@Machine.powerdown] for
 * asking, [method@Machine.pause] for a rest.
 */
void
sv_machine_quit (SvMachine *self)
{
  g_return_if_fail (SV_IS_MACHINE (self));

  sv_machine_request_shutdown (self, SV_SHUTDOWN_CAUSE_HOST_UI);
}
