/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-machine.h"
#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

/* The state of a whole VM; main thread, VM lock held. */

/* Whether the VM can be saved as it is; the error names what is in the way. */
SV_API gboolean sv_machine_state_check (SvMachine *machine, GError **error);
/*
 * SV_STATE_TYPE: description and states of the paused VM. @id names this one state. (transfer full)
 */
SV_API GVariant *sv_machine_state_dup (SvMachine *machine, const char *id, GError **error);
/* The same without states but that of the machine itself, which may run: what is compared before memory is sent. (transfer full) */
SV_API GVariant *sv_machine_state_dup_outline (SvMachine *machine, const char *id);
/* Whether @state, of which only that is looked at, is of a VM like this one. What no command line makes is made. */
SV_API gboolean sv_machine_state_outline_fits (SvMachine *machine, GVariant *state, GError **error);
/* Whether @state is of a VM like this one. */
SV_API gboolean sv_machine_state_fits (SvMachine *machine, GVariant *state, GError **error);
/*
 * Takes over the states of a VM that fits; its memory is there. First devices, then interrupt controllers, then processors: each
 * of those may set lines of the next, whose state then tells how they are. What interrupts the guest anew comes with `loaded`.
 * @clone: others may go on from the same state. FALSE: the machine is in no state to run.
 */
SV_API gboolean sv_machine_state_load (SvMachine *machine, GVariant *state, gboolean clone, GError **error);

/* Images belong to the process that has the guest. FALSE with an error: another one has them; none is taken then. */
SV_API gboolean sv_machine_take_disks (SvMachine *machine, GError **error);
SV_API void sv_machine_give_disks (SvMachine *machine);
/* Descriptors of images that the host's page cache may have parts of. (transfer full) */
GArray *sv_machine_dup_cached_disks (SvMachine *machine);
/* As sv_machine_take_disks(), but of a guest that was given away: FALSE also when no image proves that it is not there any more. */
SV_API gboolean sv_machine_take_back (SvMachine *machine, GError **error);

/* What a state says it is; %NULL when it does not. Lives as long as @state. */
SV_API const char *sv_machine_state_get_id (GVariant *state);

/* sv-machine-description.c: "a{sv}" (floating) */
GVariant *sv_machine_describe (SvMachine *machine, const char *id);
gboolean sv_machine_description_fits (SvMachine *machine, GVariant *description, GError **error);

G_END_DECLS
