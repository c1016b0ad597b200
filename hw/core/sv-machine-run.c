/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The machine's run state: processors and devices go, settle and halt. */

#include "hw/core/sv-machine-private.h"

#include "hw/core/sv-cpu.h"
#include "qom/sv-type-registry.h"

void
sv_machine_set_run_state (SvMachine *self, SvRunState state)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;

  if (run->state == state)
    return;
  run->state = state;
  sv_machine_notify_run_state (self);
}

static gboolean
quiesce_one (SvObject *object, gpointer user_data)
{
  if (SV_IS_DEVICE (object))
    sv_device_quiesce (SV_DEVICE (object));
  return TRUE;
}

static gboolean
resume_one (SvObject *object, gpointer user_data)
{
  if (SV_IS_DEVICE (object))
    sv_device_resume (SV_DEVICE (object));
  return TRUE;
}

void
sv_machine_request_pause (SvMachine *self)
{
  GPtrArray *cpus = sv_machine_get_priv (self)->cpus;

  for (guint i = 0; i < cpus->len; i++)
    sv_vcpu_request_pause (sv_cpu_get_vcpu (g_ptr_array_index (cpus, i)));
}

static void
pause_cpus (SvMachine *self)
{
  GPtrArray *cpus = sv_machine_get_priv (self)->cpus;

  sv_machine_request_pause (self);
  for (guint i = 0; i < cpus->len; i++)
    sv_vcpu_wait_paused (sv_cpu_get_vcpu (g_ptr_array_index (cpus, i)));
}

static gboolean
settle_one (SvObject *object, gpointer settled)
{
  if (SV_IS_DEVICE (object) && !sv_device_settle (SV_DEVICE (object)))
    *(gboolean *)settled = FALSE;
  return TRUE;
}

gboolean
sv_machine_settle (SvMachine *self)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;
  SvAccel *accel = sv_machine_get_accel (self);
  gboolean settled = TRUE;

  pause_cpus (self);
  if (run->quiesced || accel == NULL)
    return TRUE;
  sv_accel_flush_coalesced (accel);
  sv_object_walk (SV_OBJECT (self), settle_one, &settled);
  return settled;
}

void
sv_machine_halt (SvMachine *self)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;
  SvAccel *accel = sv_machine_get_accel (self);

  pause_cpus (self);
  if (run->quiesced || accel == NULL)
    return;
  sv_accel_flush_coalesced (accel);
  sv_object_walk (SV_OBJECT (self), quiesce_one, NULL);
  sv_accel_pause (accel);
  run->quiesced = TRUE;
}

void
sv_machine_go (SvMachine *self)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;
  GPtrArray *cpus = sv_machine_get_priv (self)->cpus;

  /* Nothing of the guest runs before those are served, which lets it go. */
  if (sv_machine_has_requests (self))
    return;
  if (run->quiesced)
    {
      sv_accel_resume (sv_machine_get_accel (self));
      sv_object_walk (SV_OBJECT (self), resume_one, NULL);
      run->quiesced = FALSE;
    }
  for (guint i = 0; i < cpus->len; i++)
    sv_vcpu_resume (sv_cpu_get_vcpu (g_ptr_array_index (cpus, i)));
}

void
sv_machine_run_loaded (SvMachine *self, SvRunState state, gboolean loaded)
{
  sv_machine_get_priv (self)->run.loaded = loaded;
  sv_machine_set_run_state (self, state);
}

/**
 * sv_machine_get_run_state:
 * @self: a machine
 *
 * Returns: the run state
 */
SvRunState
sv_machine_get_run_state (SvMachine *self)
{
  return sv_machine_get_priv (self)->run.state;
}

/**
 * sv_machine_is_running:
 * @self: a machine
 *
 * Returns: whether the guest's processors run
 */
gboolean
sv_machine_is_running (SvMachine *self)
{
  return sv_machine_get_priv (self)->run.state == SV_RUN_STATE_RUNNING;
}

/**
 * sv_machine_start:
 * @self: a machine
 * @error: return location
 *
 * Lets the guest run: the first time from its kernel's entry, later from where it was stopped.
 * Starting a running machine succeeds and does nothing.
 *
 * Returns: %FALSE when the guest cannot be loaded, or needs a reset first
 */
gboolean
sv_machine_start (SvMachine *self, GError **error)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;
  SvMachineClass *klass = SV_MACHINE_GET_CLASS (self);

  if (!sv_machine_prepare (self, error))
    return FALSE;
  if (run->requests.stop)
    sv_machine_stop (self, run->requests.stop_state);
  switch (run->state)
    {
    case SV_RUN_STATE_RUNNING:
      return TRUE;
    case SV_RUN_STATE_INMIGRATE:
      run->autostart = TRUE;
      return TRUE;
    case SV_RUN_STATE_SHUTDOWN:
    case SV_RUN_STATE_INTERNAL_ERROR:
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                           "Resetting the Virtual Machine is required");
      return FALSE;
    default:
      break;
    }
  if (klass->no_guest)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "Machine type '%s' runs no guest",
                   sv_type_registry_get_display_name (G_OBJECT_TYPE (self)));
      return FALSE;
    }
  if (run->hold.reason != NULL && !run->hold.may_run)
    return sv_machine_check_hold (self, error);
  if (run->claim != NULL && !run->claim (self, error))
    return FALSE;
  run->claim = NULL;
  if (!run->loaded)
    {
      if (!klass->load (self, error))
        return FALSE;
      run->loaded = TRUE;
    }
  sv_machine_set_run_state (self, SV_RUN_STATE_RUNNING);
  g_signal_emit (self, sv_machine_signals[SV_MACHINE_SIGNAL_RESUMED], 0);
  sv_machine_go (self);
  return TRUE;
}

/**
 * sv_machine_stop:
 * @self: a machine
 * @state: the run state to be in, for instance %SV_RUN_STATE_PAUSED
 *
 * Stops the guest's processors and waits until the devices have no work in flight.
 */
void
sv_machine_stop (SvMachine *self, SvRunState state)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;

  run->autostart = FALSE;
  run->requests.stop = FALSE;
  if (!sv_machine_is_running (self))
    {
      if (run->hold.stop != NULL && !run->hold.may_run)
        run->hold.stop (run->hold.opaque);
      return;
    }
  sv_machine_halt (self);
  sv_machine_set_run_state (self, state);
  g_signal_emit (self, sv_machine_signals[SV_MACHINE_SIGNAL_STOPPED], 0);
}

/**
 * sv_machine_powerdown:
 * @self: a machine
 *
 * Presses the power button; the guest decides what follows.
 */
void
sv_machine_powerdown (SvMachine *self)
{
  if (SV_MACHINE_GET_CLASS (self)->powerdown != NULL)
    SV_MACHINE_GET_CLASS (self)->powerdown (self);
  g_signal_emit (self, sv_machine_signals[SV_MACHINE_SIGNAL_POWERDOWN], 0);
}
