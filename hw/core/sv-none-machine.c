/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-none-machine.h"

#include "src/migration/sv-migratable.h"

struct _SvNoneMachine
{
  SvMachine parent_instance;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvNoneMachine, sv_none_machine, SV_TYPE_MACHINE,
                               SV_MIGRATABLE_REFUSED ("a machine of type none runs no guest"))

static void
sv_none_machine_class_init (SvNoneMachineClass *klass)
{
  SvMachineClass *machine_class = SV_MACHINE_CLASS (klass);

  machine_class->no_guest = TRUE;
  machine_class->description = "empty machine, for questions over QMP";
}

static void
sv_none_machine_init (SvNoneMachine *self)
{
}
