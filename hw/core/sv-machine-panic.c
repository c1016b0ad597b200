/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a guest that panics tells, and what that leads to. */

#include "hw/core/sv-machine-private.h"

static const char *
get_word (SvPanicAction action)
{
  switch (action)
    {
    case SV_PANIC_ACTION_PAUSE:
      return "pause";
    case SV_PANIC_ACTION_NONE:
      return "run";
    default:
      return "poweroff";
    }
}

SvPanicAction
sv_machine_tell_panic (SvMachine *self, SvGuestPanic panic)
{
  const SvMachineRun *run = &sv_machine_get_priv (self)->run;
  SvPanicAction action = run->panic_action;
  g_autoptr (JsonObject) data = json_object_new ();

  if (panic == SV_GUEST_PANIC_CRASH_LOADED)
    action = SV_PANIC_ACTION_NONE;
  else if (action == SV_PANIC_ACTION_SHUTDOWN && run->no_shutdown)
    action = SV_PANIC_ACTION_PAUSE;
  json_object_set_string_member (data, "action", get_word (action));
  sv_machine_emit_device_event (
      self, panic == SV_GUEST_PANIC_CRASH_LOADED ? "GUEST_CRASHLOADED" : "GUEST_PANICKED", data);
  return action;
}
