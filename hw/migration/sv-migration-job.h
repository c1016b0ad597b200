/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/migration/sv-migration.h"

G_BEGIN_DECLS

typedef struct _SvMigrationJob SvMigrationJob;

/**
 * SvMigrationJob:
 * @run: in a thread of its own, without the VM lock
 * @free: on the main thread, after @run
 * @may_run: the guest may run meanwhile
 * @progress: how far it is
 *
 * One way for a VM to leave.
 */
struct _SvMigrationJob
{
  gboolean (*run) (SvMigrationJob *self, GError **error);
  void (*free) (SvMigrationJob *self);
  gboolean may_run;
  SvMigrationProgress progress;
};

/* migrate file:PATH. NULL: the VM cannot be saved there. */
SvMigrationJob *sv_snapshot_save_new (SvMachine *machine, const char *path, GError **error);
/* -incoming file:PATH. @touched: whether the machine was changed, so that there is no second try. */
gboolean sv_snapshot_load (SvMachine *machine, const char *path, gboolean *touched, GError **error);

G_END_DECLS
