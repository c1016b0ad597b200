/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM goes to another process while its guest runs. */
#include "hw/migration/sv-migration-job.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "hw/migration/sv-machine-state.h"
#include "hw/migration/sv-migration-throttle.h"
#include "src/memory/sv-dirty-log.h"
#include "src/migration/sv-migration-stream.h"
#include "src/migration/sv-ram-file.h"
#include "src/migration/sv-state-file.h"

#define PAGE 4096u
#define VERSION 1
/* How long the other side is told that there will be nothing, after a failure */
#define LAST_WORDS_MS 1000
/* So few pages are sent with the guest stopped however slowly. */
#define FEW_PAGES 64u
/* How long a peer may be silent while the guest stands still */
#define IDLE_MS 30000
/* How long the guest that stays waits for its images */
#define TAKE_US (10 * G_USEC_PER_SEC)

typedef enum
{
  PHASE_SYNC,
  PHASE_STOP,
} Phase;

typedef struct
{
  SvMigrationJob job;
  SvMachine *machine;
  const SvMigrationParameters *parameters; /* may change meanwhile; words are read one at a time */
  SvMigrationStream *stream;
  GPtrArray *ram; /* owned */
  SvDirtyLog *log;
  char *id;
  GBytes *hello;
  GBytes *state;
  Phase phase;
  gboolean was_running; /* until PHASE_STOP */
  gboolean stopped;
  gboolean gave;  /* the images */
  gint64 take_by; /* monotonic time; 0: they need not be taken back yet */
  gint64 stopped_at;
  guint8 *pages; /* SV_MIGRATION_MAX_PAGES: a copy of what is sent */
  gint64 begun;  /* of the current budget of bandwidth */
  guint64 sent;
  gint64 pass_begun;
  SvMigrationConverge converge;
  SvMigrationThrottle *throttle; /* main thread */
} Source;

/* --- on the main thread --- */

static gboolean
stop_guest (Source *self, GError **error)
{
  g_autoptr (GVariant) state = NULL;

  self->was_running = sv_machine_is_running (self->machine);
  self->stopped_at = g_get_monotonic_time ();
  sv_machine_stop (self->machine, SV_RUN_STATE_PAUSED);
  self->stopped = TRUE;
  sv_migration_hold_guest (self->job.migration);
  /* The guest ran since it was looked at, and until it stopped. */
  if (!sv_machine_state_check (self->machine, error))
    return FALSE;
  state = sv_machine_state_dup (self->machine, self->id, error);
  if (state == NULL || !sv_accel_log_sync (sv_machine_get_accel (self->machine), error))
    return FALSE;
  self->state = sv_state_pack (state);
  sv_dirty_log_collect (self->log);
  sv_machine_give_disks (self->machine);
  self->gave = TRUE;
  return TRUE;
}

/* A guest that writes faster than its memory is sent gets slower. */
static void
converge (Source *self)
{
  SvMigrationProgress *progress = &self->job.progress;
  guint before = (guint)sv_migration_progress_get (progress, throttle);
  guint percentage;

  if (!sv_migration_has_capability (self->job.migration, SV_MIGRATION_CAPABILITY_AUTO_CONVERGE))
    return;
  percentage = sv_migration_converge (&self->converge, self->parameters, before, self->sent, sv_dirty_log_count (self->log) * PAGE,
                                      (guint64)(g_get_monotonic_time () - self->pass_begun));
  sv_migration_progress_set (progress, throttle, percentage);
  sv_migration_throttle_set (self->throttle, percentage);
}

static void
collect_written (gpointer opaque)
{
  sv_dirty_log_collect (opaque);
}

/* What devices may have written is sent while the guest runs as well, or the time without it would be longer than its limit. Only
 * a moment without requests tells that such a page is written no more. */
static void
sync_devices (Source *self)
{
  if (sv_dirty_log_count_written (self->log) > FEW_PAGES)
    sv_machine_call_paused (self->machine, collect_written, self->log);
}

static gboolean
source_serve (SvMigrationJob *job, GError **error)
{
  Source *self = (Source *)job;

  if (self->phase == PHASE_STOP ? !stop_guest (self, error) : !sv_accel_log_sync (sv_machine_get_accel (self->machine), error))
    return FALSE;
  if (self->phase == PHASE_SYNC)
    {
      sync_devices (self);
      converge (self);
    }
  sv_migration_job_next_pass (job);
  return TRUE;
}

static gboolean
runs_on (Source *self)
{
  return self->was_running && !g_atomic_int_get (&self->job.stays_stopped);
}

/* A destination that ends, or waits for a word that does not come, lets go of the images. */
static gboolean
source_may_end (SvMigrationJob *job, gboolean hurry)
{
  Source *self = (Source *)job;

  if (!self->gave)
    return TRUE;
  if (self->take_by == 0)
    self->take_by = g_get_monotonic_time () + TAKE_US;
  self->gave = !sv_machine_take_disks (self->machine, NULL);
  return !self->gave || hurry || g_get_monotonic_time () > self->take_by;
}

static void
source_ended (SvMigrationJob *job, gboolean ok)
{
  Source *self = (Source *)job;
  g_autoptr (GError) error = NULL;

  sv_accel_log_stop (sv_machine_get_accel (self->machine));
  sv_migration_progress_set (&job->progress, throttle, 0);
  g_clear_pointer (&self->throttle, sv_migration_throttle_free);
  if (ok)
    {
      gboolean stay;

      sv_migration_set_downtime (job->migration, g_get_monotonic_time () - self->stopped_at);
      sv_machine_end_outgoing (self->machine);
      sv_machine_set_claim (self->machine, sv_migration_stream_is_socket (self->stream) ? sv_machine_take_back : sv_machine_take_disks);
      g_object_get (self->machine, "no-shutdown", &stay, NULL);
      /* A manager that wants to end processes itself says -no-shutdown. What went into a file is not known to run anywhere. */
      if (!stay && sv_migration_stream_is_socket (self->stream))
        sv_machine_request_shutdown (self->machine, SV_SHUTDOWN_CAUSE_HOST_QMP_QUIT);
    }
  if (ok || !self->stopped)
    return;
  if (self->gave && !sv_machine_take_disks (self->machine, &error))
    {
      g_critical ("the guest is paused, and needs cont: %s", error->message);
      sv_machine_set_claim (self->machine, sv_machine_take_disks);
      return;
    }
  if (runs_on (self) && sv_machine_get_run_state (self->machine) == SV_RUN_STATE_PAUSED
           && !sv_machine_start (self->machine, &error))
    g_critical ("the guest cannot run on: %s", error->message);
}

static void
source_free (SvMigrationJob *job)
{
  Source *self = (Source *)job;

  sv_migration_stream_free (self->stream);
  sv_dirty_log_free (self->log);
  g_clear_pointer (&self->hello, g_bytes_unref);
  g_clear_pointer (&self->state, g_bytes_unref);
  g_ptr_array_unref (self->ram);
  g_free (self->id);
  g_free (self->pages);
  g_free (self);
}

/* --- in its thread --- */

static gboolean
ask (Source *self, Phase phase, GError **error)
{
  self->phase = phase;
  return sv_migration_job_ask (&self->job, error);
}

static gboolean
await_ready (Source *self, GError **error)
{
  SvMigrationMessage type;
  const guint8 *data;
  gsize size;

  if (!sv_migration_stream_is_socket (self->stream))
    return TRUE;
  if (!sv_migration_stream_receive (self->stream, &type, &data, &size, error))
    return FALSE;
  if (type == SV_MIGRATION_MESSAGE_READY)
    return TRUE;
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED, "the destination refuses: %.*s",
               type == SV_MIGRATION_MESSAGE_REFUSED ? (int)MIN (size, 1000) : 0, (const char *)data);
  return FALSE;
}

static gboolean
say_hello (Source *self, GError **error)
{
  const guint64 head[] = { GUINT64_TO_LE (VERSION), GUINT64_TO_LE ((guint64)sv_migration_stream_is_socket (self->stream)) };
  gsize size;
  gconstpointer description = g_bytes_get_data (self->hello, &size);

  return sv_migration_stream_send (self->stream, SV_MIGRATION_MESSAGE_HELLO, head, sizeof head, description, size, error)
         && await_ready (self, error);
}

/* Waits until the limit of bandwidth allows more. */
static void
keep_to_bandwidth (Source *self)
{
  guint64 limit = __atomic_load_n (&self->parameters->max_bandwidth, __ATOMIC_RELAXED);

  while (limit > 0 && !self->stopped && !g_atomic_int_get (&self->job.progress.cancelled))
    {
      gint64 now = g_get_monotonic_time ();
      gint64 due = self->begun + (gint64)((double)self->sent / (double)limit * G_USEC_PER_SEC);

      if (due <= now)
        break;
      poll (NULL, 0, (int)MIN ((due - now) / 1000 + 1, 50));
      limit = __atomic_load_n (&self->parameters->max_bandwidth, __ATOMIC_RELAXED);
    }
}

/* Pages of zeroes need not be sent in the first pass: memory begins so. */
static gboolean
send_run (Source *self, guint64 offset, guint n, gboolean zero, gboolean first_pass, GError **error)
{
  const guint64 head[] = { GUINT64_TO_LE (offset), GUINT64_TO_LE ((guint64)n * PAGE) };
  guint64 left = sv_migration_progress_get (&self->job.progress, remaining);

  if (n == 0)
    return TRUE;
  sv_migration_progress_set (&self->job.progress, remaining, left - MIN (left, (guint64)n * PAGE));
  if (zero)
    {
      sv_migration_progress_add (&self->job.progress, zero, n);
      return first_pass
             || sv_migration_stream_send (self->stream, SV_MIGRATION_MESSAGE_ZERO, head, sizeof head, NULL, 0, error);
    }
  sv_migration_progress_add (&self->job.progress, normal, n);
  self->sent += (guint64)n * PAGE;
  if (!sv_migration_stream_send (self->stream, SV_MIGRATION_MESSAGE_PAGES, head, sizeof *head, self->pages, n * PAGE, error))
    return FALSE;
  keep_to_bandwidth (self);
  return TRUE;
}

static gboolean
send_backend (Source *self, guint n, guint64 start, gboolean first_pass, GError **error)
{
  const guint8 *host = sv_memory_backend_get_host (self->ram->pdata[n]);
  guint64 page = 0;
  guint64 run = 0;
  guint length = 0;
  gboolean run_zero = FALSE;

  while (sv_dirty_log_take (self->log, n, &page))
    {
      guint8 *copy;
      gboolean zero;

      if (g_atomic_int_get (&self->job.progress.cancelled))
        {
          g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_CANCELLED, "it was cancelled");
          return FALSE;
        }
      zero = sv_ram_is_zero (host + page * PAGE, PAGE);
      if (length > 0 && (page != run + length || zero != run_zero || length == SV_MIGRATION_MAX_PAGES / PAGE))
        {
          if (!send_run (self, start + run * PAGE, length, run_zero, first_pass, error))
            return FALSE;
          length = 0;
        }
      if (length == 0)
        {
          run = page;
          run_zero = zero;
        }
      copy = self->pages + (gsize)length * PAGE;
      /* What changes now is written, so it is sent again. */
      if (!zero)
        memcpy (copy, host + page * PAGE, PAGE);
      length++;
      page++;
    }
  return send_run (self, start + run * PAGE, length, run_zero, first_pass, error);
}

static gboolean
send_pass (Source *self, gboolean first_pass, GError **error)
{
  guint64 start = 0;

  for (guint i = 0; i < self->ram->len; i++)
    {
      if (!send_backend (self, i, start, first_pass, error))
        return FALSE;
      start += sv_memory_backend_get_size (self->ram->pdata[i]);
      sv_migration_progress_set (&self->job.progress, remaining, sv_dirty_log_count (self->log) * PAGE);
    }
  return TRUE;
}

/* Until what is left can be sent within the limit of downtime. */
static gboolean
send_memory (Source *self, GError **error)
{
  guint64 rate = 0; /* most bytes in a millisecond so far */

  for (gboolean first_pass = TRUE;; first_pass = FALSE)
    {
      guint64 left, limit;
      gint64 took;

      self->pass_begun = g_get_monotonic_time ();
      self->begun = self->pass_begun - 1;
      self->sent = 0;
      if (!send_pass (self, first_pass, error) || !ask (self, PHASE_SYNC, error))
        return FALSE;
      took = MAX (g_get_monotonic_time () - self->pass_begun, 1);
      rate = MAX (rate, self->sent * 1000 / (guint64)took);
      left = sv_dirty_log_count (self->log) * PAGE;
      sv_migration_progress_set (&self->job.progress, remaining, left);
      sv_migration_progress_set (&self->job.progress, dirty_rate, left / PAGE * G_USEC_PER_SEC / (guint64)took);
      limit = __atomic_load_n (&self->parameters->downtime_limit, __ATOMIC_RELAXED);
      sv_migration_progress_set (&self->job.progress, expected_downtime, rate > 0 ? left / rate : 0);
      if (left <= MAX (rate * limit, FEW_PAGES * PAGE))
        return TRUE;
    }
}

static gboolean
hand_over (Source *self, GError **error)
{
  gsize size;
  gconstpointer state;
  guint8 run;

  if (!ask (self, PHASE_STOP, error))
    return FALSE;
  /* Nobody was given the guest yet: it can run on. */
  if (sv_migration_stream_is_socket (self->stream))
    sv_migration_stream_set_idle_limit (self->stream, IDLE_MS);
  if (!send_pass (self, FALSE, error))
    return FALSE;
  state = g_bytes_get_data (self->state, &size);
  if (!sv_migration_stream_send (self->stream, SV_MIGRATION_MESSAGE_STATE, NULL, 0, state, size, error) || !await_ready (self, error))
    return FALSE;
  run = (guint8)runs_on (self);
  if (!sv_migration_stream_is_socket (self->stream))
    return sv_migration_stream_send (self->stream, SV_MIGRATION_MESSAGE_GO, NULL, 0, &run, 1, error)
           && sv_migration_stream_close (self->stream, error);
  /* Here the guest changes hands. It was given away even if these words got lost: better none runs than two. */
  sv_migration_stream_set_last_words (self->stream, LAST_WORDS_MS);
  if (!sv_migration_stream_send (self->stream, SV_MIGRATION_MESSAGE_GO, NULL, 0, &run, 1, error))
    {
      g_warning ("the destination has the guest, but may not know that it may run it: use cont there");
      g_clear_error (error);
    }
  return TRUE;
}

static gboolean
source_run (SvMigrationJob *job, GError **error)
{
  Source *self = (Source *)job;

  if (say_hello (self, error) && send_memory (self, error) && hand_over (self, error))
    return TRUE;
  sv_migration_stream_set_last_words (self->stream, LAST_WORDS_MS);
  sv_migration_stream_send (self->stream, SV_MIGRATION_MESSAGE_ABORT, NULL, 0, NULL, 0, NULL);
  sv_migration_stream_close (self->stream, NULL);
  return FALSE;
}

/* --- start --- */

static void
start_log (gpointer opaque)
{
  Source *self = opaque;

  self->log = sv_dirty_log_start (self->ram);
}

static GBytes *
new_hello (SvMachine *machine, const char *id)
{
  g_autoptr (GVariant) outline = sv_machine_state_dup_outline (machine, id);

  return sv_state_pack (outline);
}

SvMigrationJob *
sv_migration_source_new (SvMachine *machine, int fd, const SvMigrationParameters *parameters, GError **error)
{
  Source *self;
  guint64 total = 0;

  if (!sv_accel_log_start (sv_machine_get_accel (machine), error))
    {
      sv_accel_log_stop (sv_machine_get_accel (machine));
      close (fd);
      return NULL;
    }
  self = g_new0 (Source, 1);
  self->job.run = source_run;
  self->job.serve = source_serve;
  self->job.may_end = source_may_end;
  self->job.ended = source_ended;
  self->job.free = source_free;
  self->job.may_run = TRUE;
  self->machine = machine;
  self->parameters = parameters;
  self->stream = sv_migration_stream_new (fd, &self->job.progress);
  self->ram = g_ptr_array_copy (sv_machine_get_ram_backends (machine), (GCopyFunc)(void (*) (void))g_object_ref, NULL);
  g_ptr_array_set_free_func (self->ram, g_object_unref);
  self->id = g_uuid_string_random ();
  self->throttle = sv_migration_throttle_new (machine);
  self->hello = new_hello (machine, self->id);
  self->pages = g_malloc (SV_MIGRATION_MAX_PAGES);
  for (guint i = 0; i < self->ram->len; i++)
    total += sv_memory_backend_get_size (self->ram->pdata[i]);
  sv_migration_progress_set (&self->job.progress, total, total);
  sv_migration_progress_set (&self->job.progress, remaining, total);
  sv_migration_progress_set (&self->job.progress, passes, 1);
  sv_migration_progress_set (&self->job.progress, expected_downtime, parameters->downtime_limit);
  sv_machine_call_paused (machine, start_log, self);
  return &self->job;
}
