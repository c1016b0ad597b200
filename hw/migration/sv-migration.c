/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/migration/sv-migration-private.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/core/sv-guest-dump.h"
#include "hw/migration/sv-machine-state.h"
#include "hw/migration/sv-migration-uri.h"

enum
{
  STATUS_CHANGED,
  N_SIGNALS
};

/* How often a job is asked whether it may end */
#define LOOK_US 20000

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (SvMigration, sv_migration, G_TYPE_OBJECT)

static void
set_status (SvMigration *self, SvMigrationStatus status)
{
  if (self->status == status)
    return;
  self->status = status;
  g_signal_emit (self, signals[STATUS_CHANGED], 0);
  if (self->capabilities[SV_MIGRATION_CAPABILITY_EVENTS])
    {
      g_autoptr (JsonObject) data = json_object_new ();

      json_object_set_string_member (data, "status", sv_migration_status_get_name (status));
      sv_machine_emit_device_event (self->machine, "MIGRATION", data);
    }
}

static void
tell_pass (SvMigration *self)
{
  g_autoptr (JsonObject) data = json_object_new ();

  if (!self->capabilities[SV_MIGRATION_CAPABILITY_EVENTS])
    return;
  json_object_set_int_member (data, "pass", (gint64)sv_migration_progress_get (&self->job->progress, passes));
  sv_machine_emit_device_event (self->machine, "MIGRATION_PASS", data);
}

void
sv_migration_job_next_pass (SvMigrationJob *job)
{
  sv_migration_progress_add (&job->progress, passes, 1);
  tell_pass (job->migration);
}

gboolean
sv_migration_has_capability (SvMigration *self, SvMigrationCapability capability)
{
  return self->capabilities[capability];
}

gboolean
sv_migration_set_capability (SvMigration *self, const char *name, gboolean on, GError **error)
{
  g_autoptr (GEnumClass) known = g_type_class_ref (SV_TYPE_MIGRATION_CAPABILITY);
  GEnumValue *value = g_enum_get_value_by_nick (known, name);

  if (self->job != NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "There's a migration process in progress");
      return FALSE;
    }
  if (value == NULL)
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED, "capability '%s' is not known", name);
      return FALSE;
    }
  self->capabilities[value->value] = on;
  return TRUE;
}

/* --- the job --- */

/* Takes what has become of the job; waits for it. */
static void
finish (SvMigration *self)
{
  gboolean cancelled = g_atomic_int_get (&self->job->progress.cancelled) != 0;
  SvMigrationJob *job;

  g_mutex_lock (&self->mutex);
  while (self->running)
    g_cond_wait (&self->cond, &self->mutex);
  g_mutex_unlock (&self->mutex);
  g_source_set_ready_time (self->done, -1);
  sv_machine_set_hold (self->machine, NULL);
  self->ended = g_get_monotonic_time ();
  self->last = self->job->progress;
  self->hurry = FALSE;
  job = g_steal_pointer (&self->job);
  if (job->ended != NULL)
    job->ended (job, self->succeeded);
  job->free (job);
  g_clear_error (&self->error);
  self->error = g_steal_pointer (&self->job_error);
  if (self->succeeded)
    set_status (self, SV_MIGRATION_STATUS_COMPLETED);
  else if (cancelled)
    {
      g_clear_error (&self->error);
      set_status (self, SV_MIGRATION_STATUS_CANCELLED);
    }
  else
    {
      g_warning ("migration failed: %s", self->error->message);
      set_status (self, SV_MIGRATION_STATUS_FAILED);
    }
}

/* The thread waits meanwhile, unless it was cancelled: then nobody looks at the answer. */
static void
serve (SvMigration *self)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = self->job->serve (self->job, &error);

  g_mutex_lock (&self->mutex);
  g_clear_error (&self->serve_error);
  self->serve_error = g_steal_pointer (&error);
  self->served = ok;
  self->asked = FALSE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static gboolean
on_done (gpointer user_data)
{
  g_autoptr (SvMigration) self = g_object_ref (user_data);
  gboolean running;
  gboolean asked;

  g_source_set_ready_time (self->done, -1);
  g_mutex_lock (&self->mutex);
  running = self->running;
  asked = self->asked;
  g_mutex_unlock (&self->mutex);
  if (self->job == NULL)
    return G_SOURCE_CONTINUE;
  if (!running && !self->succeeded && self->job->may_end != NULL && !self->job->may_end (self->job, self->hurry))
    g_source_set_ready_time (self->done, g_get_monotonic_time () + LOOK_US);
  else if (!running)
    finish (self);
  else if (asked)
    serve (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_done (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs done_funcs = { .dispatch = dispatch_done };

static void
cancel_job (SvMigration *self)
{
  g_mutex_lock (&self->mutex);
  g_atomic_int_set (&self->job->progress.cancelled, TRUE);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static void
on_cancel (gpointer opaque, gboolean ending)
{
  SvMigration *self = opaque;

  self->hurry = self->hurry || ending;
  cancel_job (self);
}

static void
on_stop (gpointer opaque)
{
  SvMigration *self = opaque;

  if (self->job != NULL)
    g_atomic_int_set (&self->job->stays_stopped, TRUE);
}

/* The machine goes. */
static void
release (gpointer opaque)
{
  SvMigration *self = opaque;

  if (self->job == NULL)
    return;
  cancel_job (self);
  finish (self);
}

static void
hold_machine (SvMigration *self, gboolean may_run)
{
  const SvMachineHold hold = { .reason = "the VM is being saved: wait, or use migrate_cancel",
                               .may_run = may_run,
                               .stop = on_stop,
                               .cancel = on_cancel,
                               .release = release,
                               .opaque = self };

  sv_machine_set_hold (self->machine, &hold);
}

/* --- outgoing --- */

static gboolean
check_can_start (SvMigration *self, GError **error)
{
  SvRunState state = sv_machine_get_run_state (self->machine);

  if (self->job != NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "There's a migration process in progress");
      return FALSE;
    }
  if (state == SV_RUN_STATE_POSTMIGRATE || sv_machine_has_claim (self->machine))
    {
      g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
                           "Can't migrate the vm that was paused due to previous migration");
      return FALSE;
    }
  if (sv_guest_dump_get_progress (self->machine).status == SV_GUEST_DUMP_ACTIVE)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "there is a dump in process");
      return FALSE;
    }
  if (state == SV_RUN_STATE_INMIGRATE)
    {
      g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED, "Guest is waiting for an incoming migration");
      return FALSE;
    }
  return sv_machine_state_check (self->machine, error);
}

void
sv_migration_hold_guest (SvMigration *self)
{
  hold_machine (self, FALSE);
  set_status (self, SV_MIGRATION_STATUS_DEVICE);
}

void
sv_migration_set_downtime (SvMigration *self, gint64 microseconds)
{
  self->downtime = microseconds;
}

/* A guest that nobody confirms to have is not what was asked for. */
static gboolean
check_return_path (SvMigration *self, int fd, const char *uri, GError **error)
{
  struct stat st;

  if (!self->capabilities[SV_MIGRATION_CAPABILITY_RETURN_PATH] || (fstat (fd, &st) == 0 && S_ISSOCK (st.st_mode)))
    return TRUE;
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
               "'%s' is no socket: nobody can answer there, which the capability return-path wants", uri);
  return FALSE;
}

static SvMigrationJob *
new_job (SvMigration *self, const char *uri, GError **error)
{
  int fd;

  if (!g_str_has_prefix (uri, SV_MIGRATION_FILE_URI))
    {
      fd = sv_migration_uri_connect (SV_OBJECT (self->machine), uri, FALSE, error);
      if (fd >= 0 && !check_return_path (self, fd, uri, error))
        {
          close (fd);
          return NULL;
        }
      return fd >= 0 ? sv_migration_source_new (self->machine, fd, &self->parameters, error) : NULL;
    }
  if (sv_machine_get_run_state (self->machine) != SV_RUN_STATE_PAUSED)
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
                   "'%s': a snapshot can be made of a paused VM only: use stop first", uri);
      return NULL;
    }
  return sv_snapshot_save_new (self->machine, uri + strlen (SV_MIGRATION_FILE_URI), error);
}

void
sv_migration_start_job (SvMigration *self, SvMigrationJob *job, gint64 started)
{
  self->job = job;
  job->migration = self;
  self->started = started;
  self->downtime = 0;
  g_clear_error (&self->error);
  set_status (self, SV_MIGRATION_STATUS_SETUP);
  if (job->may_run)
    tell_pass (self);
  self->activated = g_get_monotonic_time ();
  hold_machine (self, job->may_run);
  set_status (self, SV_MIGRATION_STATUS_ACTIVE);
  sv_migration_run_job (self);
}

gboolean
sv_migration_start (SvMigration *self, const char *uri, GError **error)
{
  SvMigrationJob *job;
  gint64 started = g_get_monotonic_time ();

  if (!check_can_start (self, error) || !sv_migration_start_thread (self, error))
    return FALSE;
  job = new_job (self, uri, error);
  if (job == NULL)
    return FALSE;
  sv_migration_start_job (self, job, started);
  return TRUE;
}

void
sv_migration_cancel (SvMigration *self)
{
  if (self->job == NULL || g_atomic_int_get (&self->job->keeps))
    return;
  cancel_job (self);
  set_status (self, SV_MIGRATION_STATUS_CANCELLING);
}

SvMigrationStatus
sv_migration_get_status (SvMigration *self)
{
  return self->status;
}

const SvMigrationProgress *
sv_migration_get_progress (SvMigration *self)
{
  return self->job != NULL ? &self->job->progress : &self->last;
}

SvMigrationParameters *
sv_migration_get_parameters (SvMigration *self)
{
  return &self->parameters;
}

gint64
sv_migration_get_downtime (SvMigration *self)
{
  return self->downtime;
}

const char *
sv_migration_get_error (SvMigration *self)
{
  return self->error != NULL ? self->error->message : NULL;
}

gint64
sv_migration_get_time (SvMigration *self)
{
  return (self->job != NULL ? g_get_monotonic_time () : self->ended) - self->started;
}

gint64
sv_migration_get_setup_time (SvMigration *self)
{
  return self->activated - self->started;
}

/* --- GObject --- */

static void
sv_migration_dispose (GObject *object)
{
  release (object);
  sv_migration_stop_thread (SV_MIGRATION (object));
  G_OBJECT_CLASS (sv_migration_parent_class)->dispose (object);
}

static void
sv_migration_finalize (GObject *object)
{
  SvMigration *self = SV_MIGRATION (object);

  g_clear_pointer (&self->callers, g_ptr_array_unref);
  g_clear_pointer (&self->listener, sv_socket_listener_free);
  g_clear_error (&self->serve_error);
  g_source_destroy (self->done);
  g_source_unref (self->done);
  g_clear_error (&self->error);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  G_OBJECT_CLASS (sv_migration_parent_class)->finalize (object);
}

static void
sv_migration_class_init (SvMigrationClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = sv_migration_dispose;
  G_OBJECT_CLASS (klass)->finalize = sv_migration_finalize;
  signals[STATUS_CHANGED] = g_signal_new ("status-changed", SV_TYPE_MIGRATION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
sv_migration_init (SvMigration *self)
{
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  self->parameters = (SvMigrationParameters){ .max_bandwidth = 128 << 20,
                                                .downtime_limit = 300,
                                                .throttle_trigger_threshold = 50,
                                                .cpu_throttle_initial = 20,
                                                .cpu_throttle_increment = 10,
                                                .max_cpu_throttle = 99 };
  self->done = g_source_new (&done_funcs, sizeof (GSource));
  g_source_set_static_name (self->done, "migration");
  g_source_set_callback (self->done, on_done, self, NULL);
  g_source_attach (self->done, NULL);
}

SvMigration *
sv_migration_get (SvMachine *machine)
{
  static const char key[] = "sv-migration";
  SvMigration *self = g_object_get_data (G_OBJECT (machine), key);

  if (self != NULL)
    return self;
  self = g_object_new (SV_TYPE_MIGRATION, NULL);
  self->machine = machine;
  g_object_set_data_full (G_OBJECT (machine), key, self, g_object_unref);
  return self;
}
