/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/migration/sv-migration-job.h"
#include "src/chardev/sv-socket-listener.h"
#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

#define SV_MIGRATION_FILE_URI "file:"

struct _SvMigration
{
  GObject parent_instance;

  SvMachine *machine; /* not owned: it owns this */
  gboolean capabilities[SV_MIGRATION_N_CAPABILITIES];
  SvMigrationStatus status;
  SvMigrationProgress last; /* of the job before */
  GError *error;
  gint64 started;
  gint64 activated;
  gint64 ended;

  SvMigrationJob *job;
  gboolean hurry; /* the VM ends as soon as the job does */
  GThread *thread;
  GSource *done;      /* its callback takes the job's result, on the main thread */
  gboolean succeeded; /* of the job, as the next */
  GError *job_error;
  GMutex mutex;
  GCond cond;
  gboolean running; /* mutex: the thread works on the job */
  gboolean asked;   /* mutex: it waits for the main thread to serve it, which then tells the next two */
  gboolean served;
  GError *serve_error;
  gboolean quit;    /* mutex */

  gboolean deferred; /* waits for sv_migration_incoming() */
  SvSocketListener *listener;
  GPtrArray *callers; /* of Caller: those that connected and sent nothing yet; NULL: none */
  SvMigrationParameters parameters;
  gint64 downtime;
};

/* Begins; the job is the migration's. @started: when that was asked for, in monotonic time */
void sv_migration_start_job (SvMigration *self, SvMigrationJob *job, gint64 started);

/* Its thread */
void sv_migration_run_job (SvMigration *self);
void sv_migration_stop_thread (SvMigration *self);

G_END_DECLS
