/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What migration asks of a machine: to stay as it is, to wait for a guest, to be without one. */

#include "hw/core/sv-machine-private.h"

/**
 * sv_machine_set_hold: (skip)
 * @self: a machine
 * @hold: (nullable): what holds it from now on; %NULL: nothing
 */
void
sv_machine_set_hold (SvMachine *self, const SvMachineHold *hold)
{
  sv_machine_get_priv (self)->run.hold = hold != NULL ? *hold : (SvMachineHold){ .reason = NULL };
  /* Requests may have waited for that. */
  if (hold == NULL)
    sv_machine_settled (self);
}

/**
 * sv_machine_call_paused: (skip)
 * @self: a machine
 * @func: what to call
 * @opaque: for @func
 *
 * Pauses the machine for a moment.
 */
void
sv_machine_call_paused (SvMachine *self, void (*func) (gpointer opaque), gpointer opaque)
{
  sv_machine_halt (self);
  func (opaque);
  if (sv_machine_is_running (self))
    sv_machine_go (self);
}

/**
 * sv_machine_check_hold: (skip)
 * @self: a machine
 * @error: return location
 *
 * Returns: %FALSE with the reason when devices must stay as they are now
 */
gboolean
sv_machine_check_hold (SvMachine *self, GError **error)
{
  const SvMachineHold *hold = &sv_machine_get_priv (self)->run.hold;

  if (hold->reason == NULL)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, hold->reason);
  return FALSE;
}

/**
 * sv_machine_begin_incoming: (skip)
 * @self: a complete machine that never ran
 *
 * Has the machine wait for the state of a guest.
 */
void
sv_machine_begin_incoming (SvMachine *self)
{
  sv_machine_halt (self);
  sv_machine_set_run_state (self, SV_RUN_STATE_INMIGRATE);
}

/**
 * sv_machine_end_incoming: (skip)
 * @self: a machine that waits, and has its guest's state now
 * @error: return location
 *
 * Returns: %FALSE when the guest should run and cannot
 */
gboolean
sv_machine_end_incoming (SvMachine *self, GError **error)
{
  SvMachineRun *run = &sv_machine_get_priv (self)->run;

  /* The machine's own state may have said that the guest is off. */
  if (run->state == SV_RUN_STATE_INMIGRATE)
    sv_machine_set_run_state (self, SV_RUN_STATE_PAUSED);
  return !run->autostart || sv_machine_start (self, error);
}

/**
 * sv_machine_end_outgoing: (skip)
 * @self: a machine whose guest, which is stopped, runs elsewhere
 */
void
sv_machine_end_outgoing (SvMachine *self)
{
  sv_machine_set_run_state (self, SV_RUN_STATE_POSTMIGRATE);
}

/**
 * sv_machine_set_claim: (skip)
 * @self: a machine
 * @claim: (nullable): what has to succeed before the guest runs; %NULL: nothing
 *
 * Keeps sv_machine_start() from running a guest that may run elsewhere.
 */
void
sv_machine_set_claim (SvMachine *self, SvMachineClaimFunc claim)
{
  sv_machine_get_priv (self)->run.claim = claim;
}

/**
 * sv_machine_has_claim: (skip)
 * @self: a machine
 *
 * Returns: whether the guest may be elsewhere
 */
gboolean
sv_machine_has_claim (SvMachine *self)
{
  return sv_machine_get_priv (self)->run.claim != NULL;
}
