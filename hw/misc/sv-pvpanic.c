/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-pvpanic.h"

#include "hw/core/sv-machine.h"
#include "qom/sv-property.h"

void
sv_pvpanic_tell (SvDevice *device, guint64 events)
{
  SvMachine *machine = sv_device_get_machine (device);

  if (machine == NULL)
    return;
  if ((events & SV_PVPANIC_PANICKED) != 0)
    sv_machine_request_panic (machine, SV_GUEST_PANIC_FATAL);
  else if ((events & SV_PVPANIC_CRASHLOADED) != 0)
    sv_machine_request_panic (machine, SV_GUEST_PANIC_CRASH_LOADED);
}

GParamSpec *
sv_pvpanic_events_property (void)
{
  return g_param_spec_uint ("events", "events",
                            "What the guest may tell: 1 of a panic, 2 of one that a crash kernel deals with, 3 of both", 0,
                            SV_PVPANIC_ALL_EVENTS, SV_PVPANIC_ALL_EVENTS, SV_PARAM_RW_WIRING);
}
