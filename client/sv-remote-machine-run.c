/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a machine is asked to do as a whole. */

#include "client/sv-remote-machine.h"
#include "client/sv-remote-object-private.h"

static gboolean
run (SvRemoteMachine *self, const char *command, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonNode) node = NULL;

  g_return_val_if_fail (SV_IS_REMOTE_MACHINE (self), FALSE);

  node = sv_remote_object_call (SV_REMOTE_OBJECT (self), command, NULL, cancellable, error);
  return node != NULL;
}

static void
run_async (SvRemoteMachine *self, const char *command, GCancellable *cancellable, GAsyncReadyCallback callback,
           gpointer user_data)
{
  g_return_if_fail (SV_IS_REMOTE_MACHINE (self));

  sv_remote_object_call_async (SV_REMOTE_OBJECT (self), command, NULL, cancellable, callback, user_data);
}

static gboolean
run_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error)
{
  g_autoptr (JsonNode) node = sv_remote_object_call_finish (SV_REMOTE_OBJECT (self), result, error);

  return node != NULL;
}

/**
 * sv_remote_machine_start:
 * @self: a machine
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Lets the processors run (on). It does nothing when they run.
 *
 * Returns: %FALSE with an error when the VM refuses
 */
gboolean
sv_remote_machine_start (SvRemoteMachine *self, GCancellable *cancellable, GError **error)
{
  return run (self, "cont", cancellable, error);
}

/**
 * sv_remote_machine_start_async:
 * @self: a machine
 * @cancellable: (nullable): ends the wait
 * @callback: called when the VM has answered
 * @user_data: data for @callback
 *
 * As [method@RemoteMachine.start], without blocking.
 */
void
sv_remote_machine_start_async (SvRemoteMachine *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  run_async (self, "cont", cancellable, callback, user_data);
}

/**
 * sv_remote_machine_start_finish:
 * @self: a machine
 * @result: what the callback of [method@RemoteMachine.start_async] got
 * @error: return location
 *
 * Returns: %FALSE with an error when the VM refused
 */
gboolean
sv_remote_machine_start_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error)
{
  return run_finish (self, result, error);
}

/**
 * sv_remote_machine_resume:
 * @self: a machine
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Lets paused processors run on.
 *
 * Returns: %FALSE with an error when the VM refuses
 */
gboolean
sv_remote_machine_resume (SvRemoteMachine *self, GCancellable *cancellable, GError **error)
{
  return run (self, "cont", cancellable, error);
}

/**
 * sv_remote_machine_resume_async:
 * @self: a machine
 * @cancellable: (nullable): ends the wait
 * @callback: called when the VM has answered
 * @user_data: data for @callback
 *
 * As [method@RemoteMachine.resume], without blocking.
 */
void
sv_remote_machine_resume_async (SvRemoteMachine *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  run_async (self, "cont", cancellable, callback, user_data);
}

/**
 * sv_remote_machine_resume_finish:
 * @self: a machine
 * @result: what the callback of [method@RemoteMachine.resume_async] got
 * @error: return location
 *
 * Returns: %FALSE with an error when the VM refused
 */
gboolean
sv_remote_machine_resume_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error)
{
  return run_finish (self, result, error);
}

/**
 * sv_remote_machine_pause:
 * @self: a machine
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Pauses the processors. It does nothing when they are paused.
 *
 * Returns: %FALSE with an error when the VM refuses
 */
gboolean
sv_remote_machine_pause (SvRemoteMachine *self, GCancellable *cancellable, GError **error)
{
  return run (self, "stop", cancellable, error);
}

/**
 * sv_remote_machine_pause_async:
 * @self: a machine
 * @cancellable: (nullable): ends the wait
 * @callback: called when the VM has answered
 * @user_data: data for @callback
 *
 * As [method@RemoteMachine.pause], without blocking.
 */
void
sv_remote_machine_pause_async (SvRemoteMachine *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  run_async (self, "stop", cancellable, callback, user_data);
}

/**
 * sv_remote_machine_pause_finish:
 * @self: a machine
 * @result: what the callback of [method@RemoteMachine.pause_async] got
 * @error: return location
 *
 * Returns: %FALSE with an error when the VM refused
 */
gboolean
sv_remote_machine_pause_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error)
{
  return run_finish (self, result, error);
}

/**
 * sv_remote_machine_powerdown:
 * @self: a machine
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Presses the power button. Whether the guest switches itself off is up to the guest.
 *
 * Returns: %FALSE with an error when the VM refuses
 */
gboolean
sv_remote_machine_powerdown (SvRemoteMachine *self, GCancellable *cancellable, GError **error)
{
  return run (self, "system_powerdown", cancellable, error);
}

/**
 * sv_remote_machine_powerdown_async:
 * @self: a machine
 * @cancellable: (nullable): ends the wait
 * @callback: called when the VM has answered
 * @user_data: data for @callback
 *
 * As [method@RemoteMachine.powerdown], without blocking.
 */
void
sv_remote_machine_powerdown_async (SvRemoteMachine *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data)
{
  run_async (self, "system_powerdown", cancellable, callback, user_data);
}

/**
 * sv_remote_machine_powerdown_finish:
 * @self: a machine
 * @result: what the callback of [method@RemoteMachine.powerdown_async] got
 * @error: return location
 *
 * Returns: %FALSE with an error when the VM refused
 */
gboolean
sv_remote_machine_powerdown_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error)
{
  return run_finish (self, result, error);
}

/**
 * sv_remote_machine_reset:
 * @self: a machine
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Resets the machine as its reset button would. [signal@RemoteMachine::reset] tells when it happened.
 *
 * Returns: %FALSE with an error when the VM refuses
 */
gboolean
sv_remote_machine_reset (SvRemoteMachine *self, GCancellable *cancellable, GError **error)
{
  return run (self, "system_reset", cancellable, error);
}

/**
 * sv_remote_machine_reset_async:
 * @self: a machine
 * @cancellable: (nullable): ends the wait
 * @callback: called when the VM has answered
 * @user_data: data for @callback
 *
 * As [method@RemoteMachine.reset], without blocking.
 */
void
sv_remote_machine_reset_async (SvRemoteMachine *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  run_async (self, "system_reset", cancellable, callback, user_data);
}

/**
 * sv_remote_machine_reset_finish:
 * @self: a machine
 * @result: what the callback of [method@RemoteMachine.reset_async] got
 * @error: return location
 *
 * Returns: %FALSE with an error when the VM refused
 */
gboolean
sv_remote_machine_reset_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error)
{
  return run_finish (self, result, error);
}

/**
 * sv_remote_machine_quit:
 * @self: a machine
 * @cancellable: (nullable): ends the wait
 * @error: return location
 *
 * Ends the VM at once, and with it its program. The connection ends then.
 *
 * Returns: %FALSE with an error when the VM refuses
 */
gboolean
sv_remote_machine_quit (SvRemoteMachine *self, GCancellable *cancellable, GError **error)
{
  return run (self, "quit", cancellable, error);
}

/**
 * sv_remote_machine_quit_async:
 * @self: a machine
 * @cancellable: (nullable): ends the wait
 * @callback: called when the VM has answered
 * @user_data: data for @callback
 *
 * As [method@RemoteMachine.quit], without blocking.
 */
void
sv_remote_machine_quit_async (SvRemoteMachine *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  run_async (self, "quit", cancellable, callback, user_data);
}

/**
 * sv_remote_machine_quit_finish:
 * @self: a machine
 * @result: what the callback of [method@RemoteMachine.quit_async] got
 * @error: return location
 *
 * Returns: %FALSE with an error when the VM refused
 */
gboolean
sv_remote_machine_quit_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error)
{
  return run_finish (self, result, error);
}
