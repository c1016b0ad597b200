/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the guest, its vCPUs and the host want of a machine, done by the main loop: reset, shutdown, panic, stop. */

#include "hw/core/sv-machine-private.h"

#include <stdlib.h>

#include "src/runtime/sv-log.h"

static SvMachineRequests *
get_requests (SvMachine *self)
{
  return &sv_machine_get_priv (self)->run.requests;
}

static gboolean
reset_one (SvObject *object, gpointer user_data)
{
  if (SV_IS_DEVICE (object))
    sv_device_reset (SV_DEVICE (object));
  return TRUE;
}

static void
shut_down (SvMachine *self, SvShutdownCause cause, gint status)
{
  sv_machine_halt (self);
  sv_machine_set_run_state (self, SV_RUN_STATE_SHUTDOWN);
  g_signal_emit (self, sv_machine_signals[SV_MACHINE_SIGNAL_SHUTDOWN], 0, cause);
  g_signal_emit (self, sv_machine_signals[SV_MACHINE_SIGNAL_QUIT], 0, status);
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

      g_signal_emit (self, sv_machine_signals[SV_MACHINE_SIGNAL_SHUTDOWN], 0, cause);
      sv_machine_halt (self);
      sv_machine_set_run_state (self, SV_RUN_STATE_SHUTDOWN);
      if (was_running)
        g_signal_emit (self, sv_machine_signals[SV_MACHINE_SIGNAL_STOPPED], 0);
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
  sv_object_walk (SV_OBJECT (self), reset_one, NULL);
  if (run->loaded
      && (!sv_accel_reset (sv_machine_get_accel (self), &error)
          || !SV_MACHINE_GET_CLASS (self)->load (self, &error)))
    {
      sv_log_guest ("reset failed: %s", error->message);
      sv_machine_set_run_state (self, SV_RUN_STATE_INTERNAL_ERROR);
      if (was_running)
        g_signal_emit (self, sv_machine_signals[SV_MACHINE_SIGNAL_STOPPED], 0);
      return;
    }
  g_signal_emit (self, sv_machine_signals[SV_MACHINE_SIGNAL_RESET], 0, cause);
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
wants_halt (const SvMachineRequests *requests)
{
  return requests->shutdown != SV_SHUTDOWN_CAUSE_NONE || requests->reset != SV_SHUTDOWN_CAUSE_NONE || requests->error
         || requests->stop;
}

gboolean
sv_machine_has_requests (SvMachine *self)
{
  const SvMachineRequests *requests = get_requests (self);

  return wants_halt (requests) || requests->panic != SV_GUEST_PANIC_NONE;
}

/* What saves the machine ends first, and whoever has the guest then is known: it may be somebody else. */
static gboolean
waits_for_hold (SvMachineRun *run)
{
  const SvMachineRequests *requests = &run->requests;
  gboolean ending = requests->shutdown != SV_SHUTDOWN_CAUSE_NONE
                    && !(run->no_shutdown && sv_shutdown_cause_is_guest (requests->shutdown));

  if (run->hold.cancel == NULL || !(ending || (requests->reset != SV_SHUTDOWN_CAUSE_NONE && !run->hold.may_run)))
    return FALSE;
  run->hold.cancel (run->hold.opaque, ending);
  return TRUE;
}

static gboolean
serve_requests (gpointer user_data)
{
  SvMachine *self = user_data;
  SvMachineRun *run = &sv_machine_get_priv (self)->run;
  SvMachineRequests *requests = &run->requests;
  SvShutdownCause reset, shutdown;
  SvGuestPanic panic;
  gboolean failed, stop;

  g_source_set_ready_time (requests->source, -1);
  if (wants_halt (requests) && !sv_machine_settle (self))
    return G_SOURCE_CONTINUE;
  if (waits_for_hold (run))
    return G_SOURCE_CONTINUE;

  /* Only now: the lock was dropped while vCPUs were waited for, and those may have wishes as well. */
  reset = requests->reset;
  shutdown = requests->shutdown;
  panic = requests->panic;
  failed = requests->error;
  stop = requests->stop;
  g_object_ref (self);
  requests->reset = requests->shutdown = SV_SHUTDOWN_CAUSE_NONE;
  requests->error = requests->stop = FALSE;
  requests->panic = SV_GUEST_PANIC_NONE;

  /* The guest went away meanwhile: what is left of it stays as it is. */
  if (run->state == SV_RUN_STATE_POSTMIGRATE)
    reset = SV_SHUTDOWN_CAUSE_NONE;
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
    sv_machine_stop (self, requests->stop_state);
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
  sv_machine_request_pause (self);
  g_source_set_ready_time (get_requests (self)->source, 0);
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
  get_requests (self)->reset = cause;
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
  SvMachineRequests *requests = get_requests (self);

  /* Who wanted the end is told, rather than what failed because of it. */
  if (requests->shutdown == SV_SHUTDOWN_CAUSE_NONE
      || (!sv_shutdown_cause_is_guest (cause)
          && (cause != SV_SHUTDOWN_CAUSE_HOST_ERROR || sv_shutdown_cause_is_guest (requests->shutdown))))
    requests->shutdown = cause;
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
  SvMachineRequests *requests = get_requests (self);

  requests->panic = MAX (requests->panic, panic);
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
  SvMachineRequests *requests = get_requests (self);

  if (sv_machine_is_running (self) && !sv_machine_settle (self))
    {
      requests->stop = TRUE;
      requests->stop_state = state;
      return TRUE;
    }
  sv_machine_stop (self, state);
  return FALSE;
}

void
sv_machine_settled (SvMachine *self)
{
  GSource *source = get_requests (self)->source;

  if (source != NULL)
    g_source_set_ready_time (source, 0);
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
      get_requests (self)->error = TRUE;
      request (self);
      break;
    }
}

void
sv_machine_requests_init (SvMachine *self)
{
  SvMachineRequests *requests = get_requests (self);

  requests->source = g_source_new (&requests_funcs, sizeof (GSource));
  g_source_set_static_name (requests->source, "machine requests");
  g_source_set_priority (requests->source, G_PRIORITY_HIGH);
  g_source_set_callback (requests->source, serve_requests, self, NULL);
  g_source_attach (requests->source, NULL);
}

void
sv_machine_requests_clear (SvMachine *self)
{
  SvMachineRequests *requests = get_requests (self);

  g_source_destroy (requests->source);
  g_clear_pointer (&requests->source, g_source_unref);
}
