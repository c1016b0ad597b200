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
 * @SV_CONFIG_PART: what the machine is told before it is made: its NUMA nodes, SMBIOS structures
 * @SV_CONFIG_GLOBAL: properties of all devices of a type, which is their id
 * @SV_CONFIG_FIRMWARE: files for firmware, `string` or `file` says what they hold; their id is their name
 * @SV_CONFIG_SERIAL: serial ports; their id is that of the character device
 * @SV_CONFIG_DEVICE: what the guest sees
 * @SV_CONFIG_MONITOR: QMP servers; their id is that of the character device
 * @SV_CONFIG_TEST: tests; their id is that of the character device, their type that of the accelerator without `-accel`
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
  SV_CONFIG_PART,
  SV_CONFIG_GLOBAL,
  SV_CONFIG_FIRMWARE,
  SV_CONFIG_SERIAL,
  SV_CONFIG_DEVICE,
  SV_CONFIG_MONITOR,
  SV_CONFIG_TEST,
  SV_CONFIG_N_SECTIONS
} SvConfigSection;

/**
 * SvConfigItem:
 * @type: (nullable): wire name of the type
 * @id: (nullable): id in the object tree
 * @properties: wire names and values
 * @origin: what the user wrote, for errors: `-device virtio-blk-device,drive=root`
 * @names: (nullable) (element-type utf8 utf8): what the user calls a property, where that is not
 *   its wire name: `throttling.iops-total` is `-drive ...: iops` or `drive[0].iops`
 * @role: (nullable): what there is one of at most: `balloon`
 * @new_path: whether its property `path` names a file that must not exist before
 * @from_file: whether a configuration file says so: the command line goes before it
 *
 * One thing of a VM.
 */
typedef struct
{
  char *type;
  char *id;
  JsonObject *properties;
  char *origin;
  GHashTable *names;
  const char *role;
  gboolean new_path;
  gboolean from_file;
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
 * SvConfigFd:
 * @set: number of the set: `/dev/fdset/<set>` is its path
 * @fd: an inherited descriptor
 * @opaque: (nullable): what the user calls it
 * @origin: what the user wrote, for errors
 */
typedef struct
{
  guint set;
  int fd;
  char *opaque;
  char *origin;
} SvConfigFd;

/**
 * SvVmConfig:
 * @machine_type: the machine's type without `-machine`, as the user names it
 * @machine_origin: (nullable): what the user wrote, for errors
 * @machine: (element-type SvConfigSetting): properties of the machine
 * @items: (element-type SvConfigItem): by section
 * @fds: (element-type SvConfigFd): inherited descriptors
 * @name: (nullable): name of the VM, for the process's title
 * @log_file: (nullable): file for the log
 * @pid_file: (nullable): file for the process id
 * @run_as: (nullable): user to become
 * @chroot: (nullable): directory to stay in
 * @incoming: (nullable): where the guest's state comes from
 * @daemonize: whether to go into the background
 * @paused: whether the VM waits for `cont`
 * @seccomp: whether system calls are filtered
 *
 * Everything a VM and its process are made of, from whatever dialect it was read.
 */
typedef struct
{
  char *machine_type;
  char *machine_origin;
  GPtrArray *machine;
  GPtrArray *items[SV_CONFIG_N_SECTIONS];

  GPtrArray *fds;

  char *name;
  char *log_file;
  char *pid_file;
  char *run_as;
  char *chroot;
  char *incoming;
  gboolean daemonize;
  gboolean paused;
  gboolean seccomp;
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
SV_API void sv_vm_config_drop_role (SvVmConfig *self, const char *role, gboolean from_file);
SV_API const SvConfigItem *sv_vm_config_find_role (SvVmConfig *self, const char *role);
SV_API void sv_vm_config_add_fd (
    SvVmConfig *self, guint set, int fd, const char *opaque, const char *origin);

G_END_DECLS
