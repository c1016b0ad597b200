/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/**
 * SvMigrationProgress:
 * @cancelled: somebody wants it to end
 * @total: bytes of guest memory
 * @transferred: bytes that were written or sent
 * @remaining: bytes of guest memory that were not looked at yet
 * @normal: pages with content
 * @zero: pages of zeroes
 * @dirty_rate: pages written in a second, as of the last pass
 * @expected_downtime: milliseconds that the rest would take
 * @throttle: percent of the time that processors are made to sleep
 * @passes: how often it was asked what the guest wrote, the first time, when everything is to be sent, included
 *
 * How far a migration is: written by its thread, read by others; each field atomic.
 */
typedef struct
{
  gint cancelled;
  guint64 total;
  guint64 transferred;
  guint64 remaining;
  guint64 normal;
  guint64 zero;
  guint64 dirty_rate;
  guint64 expected_downtime;
  guint64 throttle;
  guint64 passes;
} SvMigrationProgress;

#define sv_migration_progress_get(progress, field) __atomic_load_n (&(progress)->field, __ATOMIC_RELAXED)
#define sv_migration_progress_set(progress, field, value) __atomic_store_n (&(progress)->field, value, __ATOMIC_RELAXED)
#define sv_migration_progress_add(progress, field, value) \
  (void)__atomic_fetch_add (&(progress)->field, (guint64)(value), __ATOMIC_RELAXED)

G_END_DECLS
