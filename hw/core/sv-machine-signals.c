/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a machine tells. */

#include "hw/core/sv-machine-private.h"

guint sv_machine_signals[SV_MACHINE_N_SIGNALS];

void
sv_machine_signals_class_init (SvMachineClass *klass)
{
  GType type = G_OBJECT_CLASS_TYPE (klass);

  /**
   * SvMachine::stopped:
   * @self: the machine
   *
   * The guest's processors stopped.
   */
  sv_machine_signals[SV_MACHINE_SIGNAL_STOPPED] = g_signal_new (
      "stopped", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * SvMachine::resumed:
   * @self: the machine
   *
   * The guest's processors are about to run.
   */
  sv_machine_signals[SV_MACHINE_SIGNAL_RESUMED] = g_signal_new (
      "resumed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * SvMachine::reset:
   * @self: the machine
   * @cause: who wanted it
   *
   * The machine was reset.
   */
  sv_machine_signals[SV_MACHINE_SIGNAL_RESET]
      = g_signal_new ("reset", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                      SV_TYPE_SHUTDOWN_CAUSE);
  /**
   * SvMachine::powerdown:
   * @self: the machine
   *
   * The power button was pressed.
   */
  sv_machine_signals[SV_MACHINE_SIGNAL_POWERDOWN] = g_signal_new (
      "powerdown", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * SvMachine::shutdown:
   * @self: the machine
   * @cause: who wanted it
   *
   * The guest is off: the guest itself or somebody at the host ended it.
   */
  sv_machine_signals[SV_MACHINE_SIGNAL_SHUTDOWN]
      = g_signal_new ("shutdown", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                      SV_TYPE_SHUTDOWN_CAUSE);
  /**
   * SvMachine::quit:
   * @self: the machine
   * @status: exit status
   *
   * The process that has no other purpose than this VM should end with @status.
   */
  sv_machine_signals[SV_MACHINE_SIGNAL_QUIT] = g_signal_new ("quit", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                                  NULL, G_TYPE_NONE, 1, G_TYPE_INT);
  /**
   * SvMachine::device-event:
   * @self: the machine
   * @name: name of a QMP event, as `BALLOON_CHANGE`
   * @data: its data
   *
   * A device has something to tell.
   */
  sv_machine_signals[SV_MACHINE_SIGNAL_DEVICE_EVENT]
      = g_signal_new ("device-event", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                      G_TYPE_STRING, JSON_TYPE_OBJECT);
}

/**
 * sv_machine_emit_device_event:
 * @self: a machine
 * @name: name of a QMP event
 * @data: its data
 *
 * Emits #SvMachine::device-event. Main thread, VM lock held.
 */
void
sv_machine_emit_device_event (SvMachine *self, const char *name, JsonObject *data)
{
  g_signal_emit (self, sv_machine_signals[SV_MACHINE_SIGNAL_DEVICE_EVENT], 0, name, data);
}
