/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread that works on a job, and what it asks of the main thread. */
#include "hw/migration/sv-migration-private.h"

#include "src/runtime/sv-privileges.h"
#include "src/runtime/sv-seccomp.h"
#include "src/runtime/sv-signals.h"

static gpointer
migration_thread (gpointer data)
{
  SvMigration *self = data;

  sv_privileges_enter_thread ();
  sv_seccomp_enter_or_exit (SV_THREAD_MIGRATION);
  g_mutex_lock (&self->mutex);
  while (!self->quit)
    {
      if (!self->running)
        {
          g_cond_wait (&self->cond, &self->mutex);
          continue;
        }
      g_mutex_unlock (&self->mutex);
      self->succeeded = self->job->run (self->job, &self->job_error);
      g_mutex_lock (&self->mutex);
      self->running = FALSE;
      g_cond_broadcast (&self->cond);
      g_source_set_ready_time (self->done, 0);
    }
  g_mutex_unlock (&self->mutex);
  return NULL;
}

gboolean
sv_migration_start_thread (SvMigration *self, GError **error)
{
  sigset_t old;

  if (self->thread != NULL)
    return TRUE;
  sv_signals_block (&old);
  self->thread = g_thread_try_new ("migration", migration_thread, self, error);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  return self->thread != NULL;
}

gboolean
sv_migration_job_ask (SvMigrationJob *job, GError **error)
{
  SvMigration *self = job->migration;
  gboolean served;

  g_mutex_lock (&self->mutex);
  self->asked = TRUE;
  self->served = FALSE;
  g_source_set_ready_time (self->done, 0);
  while (self->asked && !g_atomic_int_get (&job->progress.cancelled))
    g_cond_wait (&self->cond, &self->mutex);
  if (self->asked)
    g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_CANCELLED, "it was cancelled");
  else if (self->serve_error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->serve_error));
  self->asked = FALSE;
  served = self->served;
  g_mutex_unlock (&self->mutex);
  return served;
}

void
sv_migration_stop_thread (SvMigration *self)
{
  if (self->thread == NULL)
    return;
  g_mutex_lock (&self->mutex);
  self->quit = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
  g_thread_join (g_steal_pointer (&self->thread));
}

void
sv_migration_run_job (SvMigration *self)
{
  g_mutex_lock (&self->mutex);
  self->running = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}
