/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/migration/sv-migration.h"

G_BEGIN_DECLS

/* --- how much --- */

/**
 * SvMigrationConverge:
 * @sent: bytes that were sent in this period
 * @dirtied: bytes that the guest wrote meanwhile
 * @took: microseconds that it takes so far
 * @losing: periods in a row in which the guest wrote too much
 *
 * Whether the guest writes faster than its memory is sent. Starts with zeroes.
 */
typedef struct
{
  guint64 sent;
  guint64 dirtied;
  guint64 took;
  guint losing;
} SvMigrationConverge;

/*
 * A pass is over: the share of time in percent that processors shall sleep from now on, which was @percentage. It is increased when
 * the guest wrote more than `throttle-trigger-threshold` percent of what was sent, in two periods in a row; short passes make one
 * period.
 */
SV_API guint sv_migration_converge (SvMigrationConverge *self, const SvMigrationParameters *parameters, guint percentage,
                                    guint64 sent, guint64 dirtied, guint64 took);

/* --- how --- */

/* Processors of a machine that sleep a share of the time. Main thread, VM lock held. */
typedef struct _SvMigrationThrottle SvMigrationThrottle;

SvMigrationThrottle *sv_migration_throttle_new (SvMachine *machine);
void sv_migration_throttle_free (SvMigrationThrottle *self); /* they run again */
void sv_migration_throttle_set (SvMigrationThrottle *self, guint percentage);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvMigrationThrottle, sv_migration_throttle_free)

G_END_DECLS
