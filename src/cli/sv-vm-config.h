/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

/**
 * SvConfigSection:
 * @SV_CONFIG_OBJECT: `-object`
 * @SV_CONFIG_CHARDEV: character devices
 * @SV_CONFIG_BLOCK: disk images
 * @SV_CONFIG_NETDEV: network back ends
 * @SV_CONFIG_SERIAL: serial ports; their id is that of the character device
 * @SV_CONFIG_DEVICE: what the guest sees
 * @SV_CONFIG_MONITOR: QMP servers; their id is that of the character device
 * @SV_CONFIG_N_SECTIONS: how many there are
 *
 * The kinds of things that a VM is made of, in the order in which they are made.
 */
typedef enum
{
  SV_CONFIG_OBJECT,
  SV_CONFIG_CHARDEV,
  SV_CONFIG_BLOCK,
  SV_CONFIG_NETDEV,
  SV_CONFIG_SERIAL,
  SV_CONFIG_DEVICE,
  SV_CONFIG_MONITOR,
  SV_CONFIG_N_SECTIONS
} SvConfigSection;

/**
 * SvConfigItem:
 * @type: (nullable): wire name of the type
 * @id: (nullable): id in the object tree
 * @properties: wire names and values
 * @origin: what the user wrote, for errors: `-device virtio-blk-device,drive=root`
 *
 * One thing of a VM.
 */
typedef struct
{
  char *type;
  char *id;
  JsonObject *properties;
  char *origin;
} SvConfigItem;

/**
 * SvConfigSetting:
 * @name: wire name of a property of the machine
 * @value: its value
 * @origin: what the user wrote, for errors
 */
typedef struct
{
  char *name;
  JsonNode *value;
  char *origin;
} SvConfigSetting;

/**
 * SvVmConfig:
 * @machine_type: the machine's type without `-machine`, as the user names it
 * @machine_origin: (nullable): what the user wrote, for errors
 * @machine: (element-type SvConfigSetting): properties of the machine
 * @items: (element-type SvConfigItem): by section
 * @log_file: (nullable): file for the log
 * @pid_file: (nullable): file for the process id
 * @daemonize: whether to go into the background
 * @paused: whether the VM waits for `cont`
 *
 * Everything a VM and its process are made of, from whatever dialect it was read.
 */
typedef struct
{
  char *machine_type;
  char *machine_origin;
  GPtrArray *machine;
  GPtrArray *items[SV_CONFIG_N_SECTIONS];

  char *log_file;
  char *pid_file;
  gboolean daemonize;
  gboolean paused;
} SvVmConfig;

SV_API SvVmConfig *sv_vm_config_new (void);
SV_API void sv_vm_config_free (SvVmConfig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvVmConfig, sv_vm_config_free)

SV_API void sv_vm_config_set_machine_type (SvVmConfig *self, const char *type, const char *origin);
SV_API void
sv_vm_config_set_machine (SvVmConfig *self, const char *name, JsonNode *value, const char *origin);
SV_API void sv_vm_config_set_machine_string (SvVmConfig *self,
                                             const char *name,
                                             const char *value,
                                             const char *origin);
SV_API SvConfigItem *sv_vm_config_add (SvVmConfig *self,
                                       SvConfigSection section,
                                       const char *type,
                                       const char *id,
                                       JsonObject *properties,
                                       const char *origin);

G_END_DECLS
