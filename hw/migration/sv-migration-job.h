/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/migration/sv-migration.h"

G_BEGIN_DECLS

typedef struct _SvMigrationJob SvMigrationJob;

/**
 * SvMigrationJob:
 * @run: in a thread of its own, without the VM lock
 * @serve: (nullable): on the main thread, what sv_migration_job_ask() asks for
 * @ended: (nullable): on the main thread, after @run, whose result is @ok; the machine is no longer held
 * @free: on the main thread, after that
 * @may_end: (nullable): on the main thread, after @run failed: FALSE: @ended must not be called yet; asked again soon. @hurry: the VM ends
 * @may_run: the guest may run meanwhile
 * @stays_stopped: atomic: somebody said `stop` while the guest could not run
 * @keeps: atomic: sv_migration_cancel() has no effect any more
 * @migration: (nullable): set when it is started
 * @progress: how far it is
 *
 * One way for a VM to leave or to come.
 */
struct _SvMigrationJob
{
  gboolean (*run) (SvMigrationJob *self, GError **error);
  gboolean (*serve) (SvMigrationJob *self, GError **error);
  gboolean (*may_end) (SvMigrationJob *self, gboolean hurry);
  void (*ended) (SvMigrationJob *self, gboolean ok);
  void (*free) (SvMigrationJob *self);
  gboolean may_run;
  gint stays_stopped;
  gint keeps;
  SvMigration *migration;
  SvMigrationProgress progress;
};

/* In @run: has @serve called on the main thread, and waits for it. FALSE also when the job was cancelled. */
gboolean sv_migration_job_ask (SvMigrationJob *self, GError **error);

/* migrate file:PATH. NULL: the VM cannot be saved there. */
SvMigrationJob *sv_snapshot_save_new (SvMachine *machine, const char *path, GError **error);
/* -incoming file:PATH. @touched: whether the machine was changed, so that there is no second try. */
gboolean sv_snapshot_load (SvMachine *machine, const char *path, gboolean *touched, GError **error);

/* On the main thread: @self looks at memory once more; it is told how often. */
void sv_migration_job_next_pass (SvMigrationJob *self);

/* To and from a descriptor, which is theirs */
SvMigrationJob *sv_migration_source_new (SvMachine *machine, int fd, const SvMigrationParameters *parameters, GError **error);
SvMigrationJob *sv_migration_destination_new (SvMachine *machine, int fd);

G_END_DECLS
