/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The machine's run state: start, stop, reset, shutdown. */

#include "hw/core/sv-machine-private.h"

#include <stdlib.h>

#include "hw/core/sv-cpu.h"
#include "qom/sv-type-registry.h"
#include "src/runtime/sv-log.h"

static guint signals[SV_MACHINE_N_SIGNALS];

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

static gboolean
reset_one (SvObject *object, gpointer user_data)
{
  if (SV_IS_DEVICE (object))
    sv_device_reset (SV_DEVICE (object));
  return TRUE;
}

static void
request_pause (SvMachine *self)
{
  GPtrArray *cpus = sv_machine_get_priv (self)->cpus;

  for (guint i = 0; i < cpus->len; i++)
    sv_vcpu_request_pause (sv_cpu_get_vcpu (g_ptr_array_index (cpus, i)));
}

static void
pause_cpus (SvMachine *self)
{
  GPtrArray *cpus = sv_machine_get_priv (self)->cpus;

  request_pause (self);
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

/* Before sv_machine_halt(): FALSE: devices would have the main loop wait for the host; sv_machine_settled() calls again. */
static gboolean
settle (SvMachine *self)
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
  if (run->pending_stop)
    sv_machine_stop (self, run->stop_state);
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
  if (!run->loaded)
    {
      if (!klass->load (self, error))
        return FALSE;
      run->loaded = TRUE;
    }
  sv_machine_set_run_state (self, SV_RUN_STATE_RUNNING);
  g_signal_emit (self, signals[SV_MACHINE_SIGNAL_RESUMED], 0);
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
  run->pending_stop = FALSE;
  if (!sv_machine_is_running (self))
    return;
  sv_machine_halt (self);
  sv_machine_set_run_state (self, state);
  g_signal_emit (self, signals[SV_MACHINE_SIGNAL_STOPPED], 0);
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
  g_signal_emit (self, signals[SV_MACHINE_SIGNAL_POWERDOWN], 0);
}

static void
shut_down (SvMachine *self, SvShutdownCause cause, gint status)
{
  sv_machine_halt (self);
  sv_machine_set_run_state (self, SV_RUN_STATE_SHUTDOWN);
  g_signal_emit (self, signals[SV_MACHINE_SIGNAL_SHUTDOWN], 0, cause);
  g_signal_emit (self, signals[SV_MACHINE_SIGNAL_QUIT], 0, status);
  sv_machine_close (self);
}

static void
do_shutdown (SvMachine *self, SvShutdownCause cause)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;

  /* Somebody at the host who wants the VM to end gets it, -no-shutdown or not. A reset that -no-reboot made a
   * shutdown is no such wish. */
  gboolean stay = run->no_shutdown
                  && (sv_shutdown_cause_is_guest (cause)
                      || cause == SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET);

  if (stay)
    {
      gboolean was_running = sv_machine_is_running (self);

      g_signal_emit (self, signals[SV_MACHINE_SIGNAL_SHUTDOWN], 0, cause);
      sv_machine_halt (self);
      sv_machine_set_run_state (self, SV_RUN_STATE_SHUTDOWN);
      if (was_running)
        g_signal_emit (self, signals[SV_MACHINE_SIGNAL_STOPPED], 0);
      return;
    }
  shut_down (self, cause, cause == SV_SHUTDOWN_CAUSE_HOST_ERROR ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void
do_reset (SvMachine *self, SvShutdownCause cause)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;
  gboolean was_running = sv_machine_is_running (self);
  g_autoptr (GError) error = NULL;

  /* There is no guest yet. */
  if (run->state == SV_RUN_STATE_INMIGRATE)
    return;
  sv_machine_halt (self);
  if (run->hold.release != NULL && !run->hold.may_run)
    run->hold.release (run->hold.opaque);
  sv_object_walk (SV_OBJECT (self), reset_one, NULL);
  if (run->loaded
      && (!sv_accel_reset (sv_machine_get_accel (self), &error)
          || !SV_MACHINE_GET_CLASS (self)->load (self, &error)))
    {
      sv_log_guest ("reset failed: %s", error->message);
      sv_machine_set_run_state (self, SV_RUN_STATE_INTERNAL_ERROR);
      if (was_running)
        g_signal_emit (self, signals[SV_MACHINE_SIGNAL_STOPPED], 0);
      return;
    }
  g_signal_emit (self, signals[SV_MACHINE_SIGNAL_RESET], 0, cause);
  if (was_running)
    sv_machine_go (self);
  else
    sv_machine_set_run_state (self, SV_RUN_STATE_PRELAUNCH);
}

static void
do_panic (SvMachine *self, SvGuestPanic panic)
{
  switch (sv_machine_tell_panic (self, panic))
    {
    case SV_PANIC_ACTION_NONE:
      /* It was held up until somebody had looked. */
      if (sv_machine_is_running (self))
        sv_machine_go (self);
      break;
    case SV_PANIC_ACTION_PAUSE:
      sv_machine_stop (self, SV_RUN_STATE_GUEST_PANICKED);
      break;
    case SV_PANIC_ACTION_EXIT_FAILURE:
      sv_machine_stop (self, SV_RUN_STATE_GUEST_PANICKED);
      shut_down (self, SV_SHUTDOWN_CAUSE_GUEST_PANIC, EXIT_FAILURE);
      break;
    case SV_PANIC_ACTION_SHUTDOWN:
      sv_machine_stop (self, SV_RUN_STATE_GUEST_PANICKED);
      shut_down (self, SV_SHUTDOWN_CAUSE_GUEST_PANIC, EXIT_SUCCESS);
      break;
    }
}

static gboolean
wants_halt (const SvMachineRun *run)
{
  return run->pending_shutdown != SV_SHUTDOWN_CAUSE_NONE || run->pending_reset != SV_SHUTDOWN_CAUSE_NONE
         || run->pending_error || run->pending_stop;
}

static gboolean
serve_requests (gpointer user_data)
{
  SvMachine *self = user_data;
  SvMachineRun *run = &sv_machine_get_priv (self)->run;
  SvShutdownCause reset, shutdown;
  SvGuestPanic panic;
  gboolean failed, stop;

  g_source_set_ready_time (run->requests, -1);
  if (wants_halt (run) && !settle (self))
    return G_SOURCE_CONTINUE;

  /* Only now: the lock was dropped while vCPUs were waited for, and those may have wishes as well. */
  reset = run->pending_reset;
  shutdown = run->pending_shutdown;
  panic = run->pending_panic;
  failed = run->pending_error;
  stop = run->pending_stop;
  g_object_ref (self);
  run->pending_reset = run->pending_shutdown = SV_SHUTDOWN_CAUSE_NONE;
  run->pending_error = run->pending_stop = FALSE;
  run->pending_panic = SV_GUEST_PANIC_NONE;

  if (reset != SV_SHUTDOWN_CAUSE_NONE && run->no_reboot && shutdown == SV_SHUTDOWN_CAUSE_NONE)
    {
      shutdown = reset;
      reset = SV_SHUTDOWN_CAUSE_NONE;
    }
  if (shutdown != SV_SHUTDOWN_CAUSE_NONE)
    do_shutdown (self, shutdown);
  else if (reset != SV_SHUTDOWN_CAUSE_NONE)
    do_reset (self, reset);
  else if (panic != SV_GUEST_PANIC_NONE)
    do_panic (self, panic);
  else if (failed)
    sv_machine_stop (self, SV_RUN_STATE_INTERNAL_ERROR);
  if (stop && sv_machine_is_running (self))
    sv_machine_stop (self, run->stop_state);
  g_object_unref (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
requests_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs requests_funcs = { .dispatch = requests_dispatch };

/* VM lock held; any thread. No guest instruction runs from here until the main loop served it. */
static void
request (SvMachine *self)
{
  request_pause (self);
  g_source_set_ready_time (sv_machine_get_priv (self)->run.requests, 0);
}

/**
 * sv_machine_request_reset:
 * @self: a machine
 * @cause: who wants it
 *
 * Restarts the guest in place, from the main loop. May be called by any thread that holds the VM lock;
 * the guest's processors run no further instruction before the reset.
 */
void
sv_machine_request_reset (SvMachine *self, SvShutdownCause cause)
{
  sv_machine_get_priv (self)->run.pending_reset = cause;
  request (self);
}

/**
 * sv_machine_request_shutdown:
 * @self: a machine
 * @cause: who wants it
 *
 * Ends the VM, from the main loop; otherwise as sv_machine_request_reset().
 */
void
sv_machine_request_shutdown (SvMachine *self, SvShutdownCause cause)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;

  if (run->pending_shutdown == SV_SHUTDOWN_CAUSE_NONE || !sv_shutdown_cause_is_guest (cause))
    run->pending_shutdown = cause;
  request (self);
}

/**
 * sv_machine_request_panic:
 * @self: a machine
 * @panic: what the guest reports
 *
 * Tells the world by GUEST_PANICKED or GUEST_CRASHLOADED and does what `panic-action` says, from the main loop;
 * otherwise as sv_machine_request_reset().
 */
void
sv_machine_request_panic (SvMachine *self, SvGuestPanic panic)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;

  run->pending_panic = MAX (run->pending_panic, panic);
  request (self);
}

/**
 * sv_machine_request_stop: (skip)
 * @self: a machine
 * @state: the run state to be in
 *
 * Stops the guest as sv_machine_stop() does, but lets the main loop go on where devices have to wait for the host. Main
 * thread.
 *
 * Returns: whether it is not stopped yet: #SvMachine::stopped or #SvMachine::shutdown will tell
 */
gboolean
sv_machine_request_stop (SvMachine *self, SvRunState state)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;

  if (sv_machine_is_running (self) && !settle (self))
    {
      run->pending_stop = TRUE;
      run->stop_state = state;
      return TRUE;
    }
  sv_machine_stop (self, state);
  return FALSE;
}

void
sv_machine_settled (SvMachine *self)
{
  GSource *requests = sv_machine_get_priv (self)->run.requests;

  if (requests != NULL)
    g_source_set_ready_time (requests, 0);
}

/**
 * sv_machine_vcpu_event: (skip)
 * @vcpu: a vCPU of the machine
 * @event: what happened to it
 * @opaque: the machine
 *
 * A [callback@VcpuEventFunc].
 */
void
sv_machine_vcpu_event (SvVcpu *vcpu, SvVcpuEvent event, gpointer opaque)
{
  SvMachine *self = opaque;

  switch (event)
    {
    case SV_VCPU_EVENT_RESET:
      sv_machine_request_reset (self, SV_SHUTDOWN_CAUSE_GUEST_RESET);
      break;
    case SV_VCPU_EVENT_SHUTDOWN:
      sv_machine_request_shutdown (self, SV_SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
      break;
    case SV_VCPU_EVENT_CRASH:
      sv_machine_request_panic (self, SV_GUEST_PANIC_FATAL);
      break;
    case SV_VCPU_EVENT_ERROR:
      sv_machine_get_priv (self)->run.pending_error = TRUE;
      request (self);
      break;
    }
}

void
sv_machine_run_init (SvMachine *self)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;

  run->requests = g_source_new (&requests_funcs, sizeof (GSource));
  g_source_set_static_name (run->requests, "machine requests");
  g_source_set_priority (run->requests, G_PRIORITY_HIGH);
  g_source_set_callback (run->requests, serve_requests, self, NULL);
  g_source_attach (run->requests, NULL);
}

void
sv_machine_run_clear (SvMachine *self)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;

  g_source_destroy (run->requests);
  g_clear_pointer (&run->requests, g_source_unref);
}

void
sv_machine_run_class_init (SvMachineClass *klass)
{
  GType type = G_OBJECT_CLASS_TYPE (klass);

  /**
   * SvMachine::stopped:
   * @self: the machine
   *
   * The guest's processors stopped.
   */
  signals[SV_MACHINE_SIGNAL_STOPPED] = g_signal_new (
      "stopped", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * SvMachine::resumed:
   * @self: the machine
   *
   * The guest's processors are about to run.
   */
  signals[SV_MACHINE_SIGNAL_RESUMED] = g_signal_new (
      "resumed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * SvMachine::reset:
   * @self: the machine
   * @cause: who wanted it
   *
   * The machine was reset.
   */
  signals[SV_MACHINE_SIGNAL_RESET]
      = g_signal_new ("reset", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                      SV_TYPE_SHUTDOWN_CAUSE);
  /**
   * SvMachine::powerdown:
   * @self: the machine
   *
   * The power button was pressed.
   */
  signals[SV_MACHINE_SIGNAL_POWERDOWN] = g_signal_new (
      "powerdown", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * SvMachine::shutdown:
   * @self: the machine
   * @cause: who wanted it
   *
   * The guest is off: the guest itself or somebody at the host ended it.
   */
  signals[SV_MACHINE_SIGNAL_SHUTDOWN]
      = g_signal_new ("shutdown", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                      SV_TYPE_SHUTDOWN_CAUSE);
  /**
   * SvMachine::quit:
   * @self: the machine
   * @status: exit status
   *
   * The process that has no other purpose than this VM should end with @status.
   */
  signals[SV_MACHINE_SIGNAL_QUIT] = g_signal_new ("quit", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                                  NULL, G_TYPE_NONE, 1, G_TYPE_INT);
  /**
   * SvMachine::device-event:
   * @self: the machine
   * @name: name of a QMP event, as `BALLOON_CHANGE`
   * @data: its data
   *
   * A device has something to tell.
   */
  signals[SV_MACHINE_SIGNAL_DEVICE_EVENT]
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
  g_signal_emit (self, signals[SV_MACHINE_SIGNAL_DEVICE_EVENT], 0, name, data);
}
