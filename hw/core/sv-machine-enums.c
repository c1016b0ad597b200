/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words for what a machine does and why. */

#include "hw/core/sv-machine.h"

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

GType
sv_run_state_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_RUN_STATE_PRELAUNCH, "SV_RUN_STATE_PRELAUNCH", "prelaunch" },
    { SV_RUN_STATE_RUNNING, "SV_RUN_STATE_RUNNING", "running" },
    { SV_RUN_STATE_PAUSED, "SV_RUN_STATE_PAUSED", "paused" },
    { SV_RUN_STATE_SHUTDOWN, "SV_RUN_STATE_SHUTDOWN", "shutdown" },
    { SV_RUN_STATE_INTERNAL_ERROR, "SV_RUN_STATE_INTERNAL_ERROR", "internal-error" },
    { SV_RUN_STATE_IO_ERROR, "SV_RUN_STATE_IO_ERROR", "io-error" },
    { SV_RUN_STATE_GUEST_PANICKED, "SV_RUN_STATE_GUEST_PANICKED", "guest-panicked" },
    { SV_RUN_STATE_INMIGRATE, "SV_RUN_STATE_INMIGRATE", "inmigrate" },
    { SV_RUN_STATE_POSTMIGRATE, "SV_RUN_STATE_POSTMIGRATE", "postmigrate" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvRunState", values));
  return type;
}

GType
sv_shutdown_cause_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_SHUTDOWN_CAUSE_NONE, "SV_SHUTDOWN_CAUSE_NONE", "none" },
    { SV_SHUTDOWN_CAUSE_HOST_ERROR, "SV_SHUTDOWN_CAUSE_HOST_ERROR", "host-error" },
    { SV_SHUTDOWN_CAUSE_HOST_QMP_QUIT, "SV_SHUTDOWN_CAUSE_HOST_QMP_QUIT", "host-qmp-quit" },
    { SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET, "SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET",
      "host-qmp-system-reset" },
    { SV_SHUTDOWN_CAUSE_HOST_SIGNAL, "SV_SHUTDOWN_CAUSE_HOST_SIGNAL", "host-signal" },
    { SV_SHUTDOWN_CAUSE_HOST_UI, "SV_SHUTDOWN_CAUSE_HOST_UI", "host-ui" },
    { SV_SHUTDOWN_CAUSE_GUEST_SHUTDOWN, "SV_SHUTDOWN_CAUSE_GUEST_SHUTDOWN", "guest-shutdown" },
    { SV_SHUTDOWN_CAUSE_GUEST_RESET, "SV_SHUTDOWN_CAUSE_GUEST_RESET", "guest-reset" },
    { SV_SHUTDOWN_CAUSE_GUEST_PANIC, "SV_SHUTDOWN_CAUSE_GUEST_PANIC", "guest-panic" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvShutdownCause", values));
  return type;
}

/**
 * sv_shutdown_cause_is_guest:
 * @cause: why a VM stops
 *
 * Returns: whether the guest itself asked for it
 */
gboolean
sv_shutdown_cause_is_guest (SvShutdownCause cause)
{
  return cause >= SV_SHUTDOWN_CAUSE_GUEST_SHUTDOWN;
}
