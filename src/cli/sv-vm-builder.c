/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/cli/sv-vm-builder.h"

#include <string.h>
#include <sys/stat.h>

#include "hw/core/sv-vm-tree.h"
#include "qom/sv-property.h"
#include "qom/sv-type-registry.h"
#include "src/accel/sv-test-accel.h"
#include "src/block/sv-block-node.h"
#include "src/cli/sv-cli.h"
#include "src/net/sv-netdev.h"
#include "src/runtime/sv-clock.h"
#include "src/runtime/sv-fd-store.h"

/* Makes the object tree that a description calls for. It knows the tree's layout but no kind of
 * device. */

static gboolean
check_back_end (const char *name, GError **error)
{
  GType type = sv_type_registry_lookup (name);
  g_autoptr (GTypeClass) klass = NULL;

  if (type == G_TYPE_INVALID)
    {
      g_autofree char *hint = sv_type_registry_dup_suggestion (name, SV_TYPE_OBJECT);

      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND,
                   "Type '%s' not found%s: see '-object help'", name, hint);
      return FALSE;
    }
  klass = g_type_class_ref (type);
  if (g_strcmp0 (SV_OBJECT_CLASS (klass)->container, "objects") == 0)
    return TRUE;
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE,
               "Type '%s' cannot be made by -object: see '-object help'", name);
  return FALSE;
}

static gboolean
build_object (SvVm *vm, SvConfigSection section, GType ancestor, const SvConfigItem *item, GError **error)
{
  g_autoptr (SvObject) object = NULL;

  if (!sv_object_check_id (item->id, error)
      || (section == SV_CONFIG_OBJECT && !check_back_end (item->type, error)))
    return FALSE;
  object = sv_object_new_from_json (item->type, ancestor, item->properties, vm->root, error);
  return object != NULL && sv_vm_tree_add (vm->root, item->id, object, error);
}

static SvChardev *
find_chardev (SvVm *vm, const char *id, GError **error)
{
  g_autofree char *path = *id == '/' ? g_strdup (id) : g_strconcat ("/chardevs/", id, NULL);

  return (SvChardev *)sv_object_resolve (vm->root, path, SV_TYPE_CHARDEV, error);
}

static gboolean
build_monitor (SvVm *vm, const SvConfigItem *item, GError **error)
{
  SvChardev *chardev = find_chardev (vm, item->id, error);

  return chardev != NULL && sv_qmp_server_add_monitor (vm->qmp, chardev, error);
}

static gboolean
build_serial (SvVm *vm, const SvConfigItem *item, GError **error)
{
  SvChardev *chardev = find_chardev (vm, item->id, error);
  g_autofree char *path = NULL;

  if (chardev == NULL)
    return FALSE;
  path = sv_object_dup_path (SV_OBJECT (chardev));
  return sv_machine_add_serial (vm->machine, path, error);
}

static gboolean
build_test (SvVm *vm, const SvConfigItem *item, GError **error)
{
  g_autofree char *type = g_strconcat (item->type, "-accel", NULL);
  SvChardev *chardev = find_chardev (vm, item->id, error);
  SvAccel *accel = sv_machine_get_accel (vm->machine);

  if (chardev == NULL)
    return FALSE;
  if (accel == NULL || sv_type_registry_lookup (type) != G_OBJECT_TYPE (accel))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "the machine must have '-accel %s'",
                   item->type);
      return FALSE;
    }
  return sv_test_accel_connect (SV_TEST_ACCEL (accel), chardev, error);
}

static gboolean
build_part (SvVm *vm, const SvConfigItem *item, GError **error)
{
  g_autoptr (SvObject) object
      = sv_object_new_from_json (item->type, SV_TYPE_OBJECT, item->properties, vm->root, error);

  return object != NULL && sv_machine_add_part (vm->machine, item->id, object, error);
}

static gboolean
build_globals (SvVm *vm, const SvConfigItem *item, GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, item->properties);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    if (!sv_machine_set_global (vm->machine, item->id, name, value, error))
      return FALSE;
  return TRUE;
}

static GType
get_item_type (const SvConfigItem *item)
{
  JsonNode *driver = json_object_get_member (item->properties, "driver");

  if (item->type != NULL)
    return sv_type_registry_lookup (item->type);
  return driver != NULL && json_node_get_value_type (driver) == G_TYPE_STRING
             ? sv_type_registry_lookup (json_node_get_string (driver))
             : G_TYPE_INVALID;
}

/* Tries the values that the user knows by other names, to name them so in errors. */
static gboolean
check_named_values (SvVm *vm, const SvConfigItem *item, GError **error)
{
  GType type = get_item_type (item);
  g_autoptr (GTypeClass) klass = NULL;
  GHashTableIter iter;
  gpointer key;
  gpointer name;

  if (item->names == NULL || type == G_TYPE_INVALID)
    return TRUE;
  klass = g_type_class_ref (type);
  g_hash_table_iter_init (&iter, item->names);
  while (g_hash_table_iter_next (&iter, &key, &name))
    {
      JsonNode *node = json_object_get_member (item->properties, key);
      GParamSpec *pspec = sv_property_find (G_OBJECT_CLASS (klass), key);
      g_auto (GValue) value = G_VALUE_INIT;

      if (node == NULL || pspec == NULL || sv_value_from_json (&value, pspec, node, vm->root, error))
        continue;
      g_prefix_error (error, item->from_file ? "%s.%s: " : "%s: %s: ", item->origin, (char *)name);
      return FALSE;
    }
  return TRUE;
}

static gboolean
build_firmware_file (SvVm *vm, const SvConfigItem *item, GError **error)
{
  const char *string
      = json_object_get_string_member_with_default (item->properties, "string", NULL);
  const char *path = json_object_get_string_member_with_default (item->properties, "file", NULL);
  g_autofree char *content = NULL;
  gsize length;

  if (string != NULL)
    return sv_machine_add_firmware_file (vm->machine, item->id, string, strlen (string), error);
  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND, "'%s' is no regular file", path);
      return FALSE;
    }
  return g_file_get_contents (path, &content, &length, error)
         && sv_machine_add_firmware_file (vm->machine, item->id, content, length, error);
}

static gboolean
build_item (SvVm *vm, SvConfigSection section, const SvConfigItem *item, GError **error)
{
  switch (section)
    {
    case SV_CONFIG_OBJECT:
      return build_object (vm, section, SV_TYPE_OBJECT, item, error);
    case SV_CONFIG_CHARDEV:
      return build_object (vm, section, SV_TYPE_CHARDEV, item, error);
    case SV_CONFIG_BLOCK:
      return build_object (vm, section, SV_TYPE_BLOCK_NODE, item, error);
    case SV_CONFIG_NETDEV:
      return build_object (vm, section, SV_TYPE_NETDEV, item, error);
    case SV_CONFIG_PART:
      return build_part (vm, item, error);
    case SV_CONFIG_GLOBAL:
      return build_globals (vm, item, error);
    case SV_CONFIG_FIRMWARE:
      return build_firmware_file (vm, item, error);
    case SV_CONFIG_SERIAL:
      return build_serial (vm, item, error);
    case SV_CONFIG_DEVICE:
      return sv_machine_add_device (vm->machine, item->properties, error) != NULL;
    case SV_CONFIG_MONITOR:
      return build_monitor (vm, item, error);
    case SV_CONFIG_TEST:
      return build_test (vm, item, error);
    default:
      return TRUE;
    }
}

static gboolean
build_section (SvVm *vm, const SvVmConfig *config, SvConfigSection section, GError **error)
{
  for (guint i = 0; i < config->items[section]->len; i++)
    {
      const SvConfigItem *item = g_ptr_array_index (config->items[section], i);

      if (!check_named_values (vm, item, error))
        return FALSE;
      if (!build_item (vm, section, item, error))
        {
          g_prefix_error (error, "%s: ", item->origin);
          return FALSE;
        }
    }
  return TRUE;
}

static void
append_machine (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  GString *text = user_data;

  g_string_append_printf (text, "%s'%.*s'", text->len > 0 ? ", " : "",
                          (int)(strlen (name) - strlen ("-machine")), name);
}

static SvObject *
new_machine (const SvVmConfig *config, GError **error)
{
  g_autofree char *type = g_strconcat (config->machine_type, "-machine", NULL);
  SvObject *machine;

  if (sv_type_registry_lookup (type) == G_TYPE_INVALID)
    {
      g_autoptr (GString) accepted = g_string_new (NULL);

      sv_type_registry_foreach (SV_TYPE_MACHINE, FALSE, append_machine, accepted);
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND,
                   "Machine type '%s' not found: accepted are %s", config->machine_type,
                   accepted->str);
      machine = NULL;
    }
  else
    machine = sv_object_new_from_json (type, SV_TYPE_MACHINE, NULL, NULL, error);
  if (machine == NULL && config->machine_origin != NULL)
    g_prefix_error (error, "%s: ", config->machine_origin);
  return machine;
}

/* Whether @text has @value as a word of its own. */
static gboolean
quotes (const char *text, const char *value)
{
  const char *at = text;
  gsize length = strlen (value);

  while (length > 0 && (at = strstr (at, value)) != NULL)
    {
      if ((at == text || !g_ascii_isalnum (at[-1])) && !g_ascii_isalnum (at[length]))
        return TRUE;
      at++;
    }
  return FALSE;
}

/**
 * sv_vm_blame_setting: (skip)
 * @config: a description
 * @error: (inout) (nullable): why the machine could not be completed or started
 *
 * Puts in front of @error what the user wrote, when it is about a value that is only looked at then: a file, or the size
 * of memory.
 */
void
sv_vm_blame_setting (const SvVmConfig *config, GError **error)
{
  static const char *const late[] = { "kernel", "initrd", "mem-path", "memory-size", NULL };

  for (guint i = 0; error != NULL && *error != NULL && i < config->machine->len; i++)
    {
      const SvConfigSetting *setting = g_ptr_array_index (config->machine, i);
      g_autofree char *value = NULL;

      if (!g_strv_contains (late, setting->name) || !JSON_NODE_HOLDS_VALUE (setting->value))
        continue;
      value = json_node_get_value_type (setting->value) == G_TYPE_STRING
                  ? json_node_dup_string (setting->value)
                  : g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (setting->value));
      if (!quotes ((*error)->message, value))
        continue;
      g_prefix_error (error, "%s: ", setting->origin);
      return;
    }
}

static gboolean
build_machine (SvVm *vm, const SvVmConfig *config, GError **error)
{
  g_autoptr (SvObject) machine = new_machine (config, error);

  if (machine == NULL || !sv_object_add_child (vm->root, "machine", machine, error))
    return FALSE;
  vm->machine = SV_MACHINE (machine);

  for (guint i = 0; i < config->machine->len; i++)
    {
      const SvConfigSetting *setting = g_ptr_array_index (config->machine, i);

      if (!sv_object_set_property_json (machine, setting->name, setting->value, NULL, error))
        {
          g_prefix_error (error, "%s: ", setting->origin);
          return FALSE;
        }
    }
  if (!build_section (vm, config, SV_CONFIG_PART, error) || !build_section (vm, config, SV_CONFIG_GLOBAL, error))
    return FALSE;
  if (sv_object_complete (machine, error))
    return TRUE;
  sv_vm_blame_setting (config, error);
  return FALSE;
}

/* Before anything is opened: a device that does not exist must not cost a socket. */
static gboolean
check_drivers (const SvVmConfig *config, GError **error)
{
  const GPtrArray *items = config->items[SV_CONFIG_DEVICE];

  for (guint i = 0; i < items->len; i++)
    {
      const SvConfigItem *item = g_ptr_array_index (items, i);
      const char *driver
          = json_object_get_string_member_with_default (item->properties, "driver", NULL);
      g_autofree char *hint = NULL;

      if (driver == NULL || sv_type_registry_lookup (driver) != G_TYPE_INVALID)
        continue;
      hint = sv_type_registry_dup_suggestion (driver, SV_TYPE_DEVICE);
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND,
                   "%s: device '%s' is not supported%s: see '-device help'", item->origin, driver,
                   hint);
      return FALSE;
    }
  return TRUE;
}

static SvConfigItem *
find_chardev_item (const SvVmConfig *config, const char *id)
{
  const GPtrArray *items = config->items[SV_CONFIG_CHARDEV];

  for (guint i = 0; i < items->len; i++)
    {
      SvConfigItem *item = g_ptr_array_index (items, i);

      if (g_strcmp0 (item->id, id) == 0)
        return item;
    }
  return NULL;
}

static gboolean
calls_chardev (const SvConfigItem *item)
{
  GType type = get_item_type (item);
  g_autoptr (GTypeClass) klass = NULL;

  if (type == G_TYPE_INVALID || !g_type_is_a (type, SV_TYPE_DEVICE))
    return FALSE;
  klass = g_type_class_ref (type);
  return SV_DEVICE_CLASS (klass)->calls_chardev;
}

/* StratoVirt has `server,nowait` of every socket, also of those that it connects to. */
static void
settle_callers (const SvVmConfig *config)
{
  const GPtrArray *devices = config->items[SV_CONFIG_DEVICE];

  for (guint i = 0; i < devices->len; i++)
    {
      const SvConfigItem *device = g_ptr_array_index (devices, i);
      SvConfigItem *chardev = find_chardev_item (
          config, json_object_get_string_member_with_default (device->properties, "chardev", NULL));
      const char *path = NULL;
      struct stat status;

      if (chardev != NULL && calls_chardev (device))
        path = json_object_get_string_member_with_default (chardev->properties, "path", NULL);
      if (path == NULL || lstat (path, &status) != 0 || !S_ISSOCK (status.st_mode))
        continue;
      json_object_remove_member (chardev->properties, "server");
      json_object_remove_member (chardev->properties, "wait");
    }
}

/* The older dialect's sockets are refused a path that was ever used, as StratoVirt does. */
static gboolean
check_new_paths (const SvVmConfig *config, GError **error)
{
  const GPtrArray *items = config->items[SV_CONFIG_CHARDEV];

  for (guint i = 0; i < items->len; i++)
    {
      const SvConfigItem *item = g_ptr_array_index (items, i);
      const char *path
          = json_object_get_string_member_with_default (item->properties, "path", NULL);
      struct stat status;

      if (!item->new_path || path == NULL || lstat (path, &status) != 0)
        continue;
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_EXISTS,
                   "%s: '%s' exists: expected a path that is free", item->origin, path);
      return FALSE;
    }
  return TRUE;
}

static void
add_fds (SvVm *vm, const SvVmConfig *config)
{
  for (guint i = 0; i < config->fds->len; i++)
    {
      const SvConfigFd *entry = g_ptr_array_index (config->fds, i);

      sv_fd_store_add_to_set (vm->root, entry->set, entry->fd, entry->opaque);
    }
}

/**
 * sv_vm_build: (skip)
 * @config: a description
 * @error: return location
 *
 * Makes all that @config describes, up to listening monitors; the guest does not run yet. On the
 * main thread, under the VM lock.
 *
 * Returns: (transfer full): the VM; %NULL with an error that quotes what the user wrote, and
 * nothing left behind
 */
SvVm *
sv_vm_build (SvVmConfig *config, GError **error)
{
  static const SvConfigSection before[]
      = { SV_CONFIG_OBJECT, SV_CONFIG_CHARDEV, SV_CONFIG_BLOCK, SV_CONFIG_NETDEV };
  static const SvConfigSection after[]
      = { SV_CONFIG_FIRMWARE, SV_CONFIG_SERIAL, SV_CONFIG_DEVICE, SV_CONFIG_MONITOR, SV_CONFIG_TEST };
  g_autoptr (SvVm) self = NULL;

  if (!check_drivers (config, error) || !check_new_paths (config, error))
    return NULL;
  settle_callers (config);
  self = g_new0 (SvVm, 1);
  self->root = sv_vm_tree_new ();
  add_fds (self, config);
  self->qmp = sv_qmp_server_new (self->root);
  sv_qmp_server_set_options (self->qmp, sv_cli_list_options);
  /* Before limits of disks look at the clock. */
  if (config->items[SV_CONFIG_TEST]->len > 0)
    sv_clock_take_control ();
  for (guint i = 0; i < G_N_ELEMENTS (before); i++)
    if (!build_section (self, config, before[i], error))
      return NULL;
  if (!build_machine (self, config, error))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (after); i++)
    if (!build_section (self, config, after[i], error))
      return NULL;
  return g_steal_pointer (&self);
}

/**
 * sv_vm_free: (skip)
 * @self: a VM
 *
 * Takes the VM down: clients are told what there is to tell, then the machine goes before what it
 * uses. VM lock held.
 */
void
sv_vm_free (SvVm *self)
{
  if (self->machine != NULL)
    sv_object_unparent (SV_OBJECT (self->machine));
  g_clear_object (&self->qmp);
  g_clear_object (&self->root);
  g_free (self);
}
