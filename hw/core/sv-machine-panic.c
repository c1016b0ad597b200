/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a guest that panics tells, and what that leads to. */

#include "hw/core/sv-machine-private.h"

GType
sv_panic_action_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_PANIC_ACTION_PAUSE, "SV_PANIC_ACTION_PAUSE", "pause" },
    { SV_PANIC_ACTION_SHUTDOWN, "SV_PANIC_ACTION_SHUTDOWN", "shutdown" },
    { SV_PANIC_ACTION_EXIT_FAILURE, "SV_PANIC_ACTION_EXIT_FAILURE", "exit-failure" },
    { SV_PANIC_ACTION_NONE, "SV_PANIC_ACTION_NONE", "none" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvPanicAction", values));
  return type;
}

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
