/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-machine.h"
#include "qmp/sv-qmp-server.h"
#include "src/cli/sv-vm-config.h"

G_BEGIN_DECLS

/**
 * SvVm:
 * @root: root of the object tree
 * @machine: (transfer none): the machine at `/machine`
 * @qmp: serves the monitors
 *
 * What a description was built into.
 */
typedef struct
{
  SvObject *root;
  SvMachine *machine;
  SvQmpServer *qmp;
} SvVm;

SV_API SvVm *sv_vm_build (SvVmConfig *config, GError **error);
SV_API void sv_vm_blame_setting (const SvVmConfig *config, GError **error);
SV_API void sv_vm_free (SvVm *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvVm, sv_vm_free)

G_END_DECLS
