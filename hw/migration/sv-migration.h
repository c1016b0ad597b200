/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-machine.h"
#include "src/migration/sv-migration-progress.h"

G_BEGIN_DECLS

/**
 * SvMigrationStatus:
 * @SV_MIGRATION_STATUS_NONE: there was no migration yet
 * @SV_MIGRATION_STATUS_SETUP: it begins
 * @SV_MIGRATION_STATUS_ACTIVE: memory is on its way
 * @SV_MIGRATION_STATUS_DEVICE: the guest is stopped, what is left of memory and devices is on its way
 * @SV_MIGRATION_STATUS_COMPLETED: it is done
 * @SV_MIGRATION_STATUS_FAILED: it failed; the VM is as if there had been none
 * @SV_MIGRATION_STATUS_CANCELLING: somebody cancelled it
 * @SV_MIGRATION_STATUS_CANCELLED: it was cancelled; the VM is as if there had been none
 *
 * How far a migration is, as QEMU's MigrationStatus names it.
 */
typedef enum
{
  SV_MIGRATION_STATUS_NONE,
  SV_MIGRATION_STATUS_SETUP,
  SV_MIGRATION_STATUS_ACTIVE,
  SV_MIGRATION_STATUS_DEVICE,
  SV_MIGRATION_STATUS_COMPLETED,
  SV_MIGRATION_STATUS_FAILED,
  SV_MIGRATION_STATUS_CANCELLING,
  SV_MIGRATION_STATUS_CANCELLED,
} SvMigrationStatus;

SV_API GType sv_migration_status_get_type (void);
#define SV_TYPE_MIGRATION_STATUS (sv_migration_status_get_type ())

/* (transfer none): as QEMU writes it */
SV_API const char *sv_migration_status_get_name (SvMigrationStatus status);

/**
 * SvMigrationCapability:
 * @SV_MIGRATION_CAPABILITY_EVENTS: tell the world of each change of status, and of each pass over memory
 * @SV_MIGRATION_CAPABILITY_RETURN_PATH: only to where the destination can answer; where it can it always does
 * @SV_MIGRATION_CAPABILITY_AUTO_CONVERGE: a guest that writes faster than its memory is sent is slowed down
 * @SV_MIGRATION_N_CAPABILITIES: how many there are
 *
 * Ways to migrate, as QEMU's MigrationCapability names them.
 */
typedef enum
{
  SV_MIGRATION_CAPABILITY_EVENTS,
  SV_MIGRATION_CAPABILITY_RETURN_PATH,
  SV_MIGRATION_CAPABILITY_AUTO_CONVERGE,
  SV_MIGRATION_N_CAPABILITIES
} SvMigrationCapability;

SV_API GType sv_migration_capability_get_type (void);
#define SV_TYPE_MIGRATION_CAPABILITY (sv_migration_capability_get_type ())

/**
 * SvMigration:
 *
 * What leaves a machine, or comes to it. Main thread, VM lock held.
 *
 * Signals:
 * - `status-changed`
 */
#define SV_TYPE_MIGRATION (sv_migration_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvMigration, sv_migration, SV, MIGRATION, GObject)

/* That of @machine; it lives as long. (transfer none) */
SV_API SvMigration *sv_migration_get (SvMachine *machine);

/* Has the thread wait that will do the work; for a program, before its main thread is filtered. */
SV_API gboolean sv_migration_start_thread (SvMigration *self, GError **error);

SV_API gboolean sv_migration_has_capability (SvMigration *self, SvMigrationCapability capability);

/**
 * SvMigrationParameters:
 * @max_bandwidth: bytes in a second while the guest runs; 0: no limit
 * @downtime_limit: milliseconds that the guest may be stopped
 * @throttle_trigger_threshold: percent of what was sent that the guest may write meanwhile, with `auto-converge`
 * @cpu_throttle_initial: percent of the time that its processors sleep at first when it wrote more
 * @cpu_throttle_increment: what is added when that was not enough
 * @max_cpu_throttle: most of it
 *
 * How to move a guest; each atomic.
 */
typedef struct
{
  guint64 max_bandwidth;
  guint64 downtime_limit;
  guint64 throttle_trigger_threshold;
  guint64 cpu_throttle_initial;
  guint64 cpu_throttle_increment;
  guint64 max_cpu_throttle;
} SvMigrationParameters;

/* (transfer none): may be changed at any time */
SV_API SvMigrationParameters *sv_migration_get_parameters (SvMigration *self);
/* FALSE with an error: it is not known, or cannot be changed now. */
SV_API gboolean sv_migration_set_capability (SvMigration *self, const char *name, gboolean on, GError **error);

/* --- outgoing --- */

/* FALSE: nothing was begun; else status-changed tells what becomes of it. */
SV_API gboolean sv_migration_start (SvMigration *self, const char *uri, GError **error);
/* Ends a migration that goes on, soon; does nothing when there is none. */
SV_API void sv_migration_cancel (SvMigration *self);

SV_API SvMigrationStatus sv_migration_get_status (SvMigration *self);
SV_API const SvMigrationProgress *sv_migration_get_progress (SvMigration *self);
SV_API const char *sv_migration_get_error (SvMigration *self); /* (nullable): why it failed */
SV_API gint64 sv_migration_get_time (SvMigration *self);       /* microseconds that it took, or takes so far */
SV_API gint64 sv_migration_get_setup_time (SvMigration *self); /* microseconds until it was active */

SV_API gint64 sv_migration_get_downtime (SvMigration *self);   /* microseconds that the guest was stopped; 0: none */

/* For the job: the guest is stopped, and must stay so; how long it was. */
void sv_migration_hold_guest (SvMigration *self);
void sv_migration_set_downtime (SvMigration *self, gint64 microseconds);

/* --- incoming --- */

/*
 * -incoming: has the machine wait for a guest's state. `defer`: sv_migration_incoming() says later where it comes from;
 * `file:` it is there when this returns.
 */
SV_API gboolean sv_migration_prepare_incoming (SvMigration *self, const char *uri, GError **error);
/* migrate-incoming */
SV_API gboolean sv_migration_incoming (SvMigration *self, const char *uri, GError **error);

G_END_DECLS
