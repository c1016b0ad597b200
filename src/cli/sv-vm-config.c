/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/cli/sv-vm-config.h"

#include <string.h>

static void
item_free (SvConfigItem *item)
{
  g_free (item->type);
  g_free (item->id);
  json_object_unref (item->properties);
  g_free (item->origin);
  g_clear_pointer (&item->names, g_hash_table_unref);
  g_free (item);
}

static void
fd_free (SvConfigFd *fd)
{
  g_free (fd->opaque);
  g_free (fd->origin);
  g_free (fd);
}

static void
setting_free (SvConfigSetting *setting)
{
  g_free (setting->name);
  json_node_unref (setting->value);
  g_free (setting->origin);
  g_free (setting);
}

/**
 * sv_vm_config_new: (skip)
 *
 * Returns: (transfer full): the description of a microvm with nothing but defaults
 */
SvVmConfig *
sv_vm_config_new (void)
{
  SvVmConfig *self = g_new0 (SvVmConfig, 1);

  self->machine_type = g_strdup ("microvm");
  self->machine = g_ptr_array_new_with_free_func ((GDestroyNotify)setting_free);
  for (guint i = 0; i < SV_CONFIG_N_SECTIONS; i++)
    self->items[i] = g_ptr_array_new_with_free_func ((GDestroyNotify)item_free);
  self->fds = g_ptr_array_new_with_free_func ((GDestroyNotify)fd_free);
  self->seccomp = TRUE;
  return self;
}

/**
 * sv_vm_config_free: (skip)
 * @self: a description
 */
void
sv_vm_config_free (SvVmConfig *self)
{
  g_free (self->machine_type);
  g_free (self->machine_origin);
  g_ptr_array_unref (self->machine);
  for (guint i = 0; i < SV_CONFIG_N_SECTIONS; i++)
    g_ptr_array_unref (self->items[i]);
  g_ptr_array_unref (self->fds);
  g_free (self->name);
  g_free (self->log_file);
  g_free (self->pid_file);
  g_free (self->run_as);
  g_free (self->chroot);
  g_free (self->incoming);
  g_free (self);
}

/**
 * sv_vm_config_set_machine_type: (skip)
 * @self: a description
 * @type: the machine's type without `-machine`, in any case
 * @origin: what the user wrote
 */
void
sv_vm_config_set_machine_type (SvVmConfig *self, const char *type, const char *origin)
{
  g_free (self->machine_type);
  g_free (self->machine_origin);
  self->machine_type = g_ascii_strdown (type, -1);
  self->machine_origin = g_strdup (origin);
}

/**
 * sv_vm_config_set_machine: (skip)
 * @self: a description
 * @name: wire name of a property of the machine
 * @value: (transfer full): its value, in place of one set before
 * @origin: what the user wrote
 */
void
sv_vm_config_set_machine (SvVmConfig *self, const char *name, JsonNode *value, const char *origin)
{
  SvConfigSetting *setting;

  for (guint i = 0; i < self->machine->len; i++)
    {
      setting = g_ptr_array_index (self->machine, i);
      if (strcmp (setting->name, name) == 0)
        {
          g_ptr_array_remove_index (self->machine, i);
          break;
        }
    }
  setting = g_new (SvConfigSetting, 1);
  *setting = (SvConfigSetting){ g_strdup (name), value, g_strdup (origin) };
  g_ptr_array_add (self->machine, setting);
}

/**
 * sv_vm_config_set_machine_string: (skip)
 * @self: a description
 * @name: wire name of a property of the machine
 * @value: its value, in place of one set before
 * @origin: what the user wrote
 */
void
sv_vm_config_set_machine_string (SvVmConfig *self,
                                 const char *name,
                                 const char *value,
                                 const char *origin)
{
  JsonNode *node = json_node_init_string (json_node_alloc (), value);

  sv_vm_config_set_machine (self, name, node, origin);
}

/**
 * sv_vm_config_add: (skip)
 * @self: a description
 * @section: where the thing belongs
 * @type: (nullable): wire name of its type
 * @id: (nullable): its id
 * @properties: (transfer none): its properties
 * @origin: what the user wrote
 *
 * Returns: (transfer none): the new item
 */
SvConfigItem *
sv_vm_config_add (SvVmConfig *self,
                  SvConfigSection section,
                  const char *type,
                  const char *id,
                  JsonObject *properties,
                  const char *origin)
{
  SvConfigItem *item = g_new (SvConfigItem, 1);

  *item = (SvConfigItem){ .type = g_strdup (type),
                          .id = g_strdup (id),
                          .properties = json_object_ref (properties),
                          .origin = g_strdup (origin) };
  g_ptr_array_add (self->items[section], item);
  return item;
}

/**
 * sv_vm_config_drop_role: (skip)
 * @self: a description
 * @role: what there is one of at most
 * @from_file: whether to drop only what a configuration file says
 *
 * Removes all items of a role.
 */
void
sv_vm_config_drop_role (SvVmConfig *self, const char *role, gboolean from_file)
{
  for (guint s = 0; s < SV_CONFIG_N_SECTIONS; s++)
    for (guint i = self->items[s]->len; i-- > 0;)
      {
        const SvConfigItem *item = g_ptr_array_index (self->items[s], i);

        if (g_strcmp0 (item->role, role) == 0 && (item->from_file || !from_file))
          g_ptr_array_remove_index (self->items[s], i);
      }
}

/**
 * sv_vm_config_find_role: (skip)
 * @self: a description
 * @role: what there is one of at most
 *
 * Returns: (transfer none) (nullable): the first item of the role
 */
const SvConfigItem *
sv_vm_config_find_role (SvVmConfig *self, const char *role)
{
  for (guint s = 0; s < SV_CONFIG_N_SECTIONS; s++)
    for (guint i = 0; i < self->items[s]->len; i++)
      {
        const SvConfigItem *item = g_ptr_array_index (self->items[s], i);

        if (g_strcmp0 (item->role, role) == 0)
          return item;
      }
  return NULL;
}

/**
 * sv_vm_config_add_fd: (skip)
 * @self: a description
 * @set: number of the set
 * @fd: an inherited descriptor
 * @opaque: (nullable): what the user calls it
 * @origin: what the user wrote
 */
void
sv_vm_config_add_fd (SvVmConfig *self, guint set, int fd, const char *opaque, const char *origin)
{
  SvConfigFd *entry = g_new (SvConfigFd, 1);

  *entry = (SvConfigFd){ set, fd, g_strdup (opaque), g_strdup (origin) };
  g_ptr_array_add (self->fds, entry);
}
