/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM comes from another process. */
#include "hw/migration/sv-migration-job.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hw/migration/sv-machine-state.h"
#include "src/migration/sv-migration-stream.h"
#include "src/migration/sv-ram-file.h"
#include "src/migration/sv-state-file.h"

#define PAGE 4096u
#define VERSION 1
#define LAST_WORDS_MS 1000

typedef struct
{
  SvMigrationJob job;
  SvMachine *machine;
  SvMigrationStream *stream;
  GPtrArray *ram; /* owned */
  guint64 total;
  GBytes *bytes;      /* what the main thread is asked to look at: a description, at the end the state */
  gboolean has_hello; /* it was a description, and it fits */
  gboolean answers;   /* the source listens */
  GArray *cached; /* (nullable): descriptors of images */
  gboolean loaded;
  gboolean may_run;   /* the guest ran at the source */
  gboolean given;     /* the source gave it away */
} Destination;

/* --- on the main thread --- */

static gboolean
check_or_load (Destination *self, GVariant *state, GError **error)
{
  if (!self->has_hello)
    return sv_machine_state_outline_fits (self->machine, state, error);
  if (!sv_machine_state_fits (self->machine, state, error) || !sv_machine_take_disks (self->machine, error))
    return FALSE;
  self->cached = sv_machine_dup_cached_disks (self->machine);
  return sv_machine_state_load (self->machine, state, !self->answers, error); /* a file can be read again */
}

static gboolean
destination_serve (SvMigrationJob *job, GError **error)
{
  Destination *self = (Destination *)job;
  g_autoptr (GVariant) state = sv_state_unpack (self->bytes, error);

  return state != NULL && check_or_load (self, state, error);
}

/* A machine with half a state is good for nothing. One that is whole, but of which the source did not say that it gave it away, waits: somebody who
 * knows what became of the source can say cont. */
static void
destination_ended (SvMigrationJob *job, gboolean ok)
{
  Destination *self = (Destination *)job;
  g_autoptr (GError) error = NULL;

  if (!ok)
    {
      /* The source waits for them. */
      sv_machine_give_disks (self->machine);
      sv_machine_request_shutdown (self->machine, SV_SHUTDOWN_CAUSE_HOST_ERROR);
      return;
    }
  if (!self->given)
    {
      g_warning ("the source is gone and did not say that the guest may run here: it is paused; use cont only if it does not run there");
      sv_machine_give_disks (self->machine);
      sv_machine_set_claim (self->machine, sv_machine_take_disks);
    }
  if (!self->given || !self->may_run)
    sv_machine_stop (self->machine, SV_RUN_STATE_PAUSED);
  if (!sv_machine_end_incoming (self->machine, &error))
    g_critical ("the guest cannot run: %s", error->message);
}

static void
destination_free (SvMigrationJob *job)
{
  Destination *self = (Destination *)job;

  for (guint i = 0; self->cached != NULL && i < self->cached->len; i++)
    close (g_array_index (self->cached, int, i));
  g_clear_pointer (&self->cached, g_array_unref);
  sv_migration_stream_free (self->stream);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_ptr_array_unref (self->ram);
  g_free (self);
}

/* --- in its thread --- */

static gboolean
bad (GError **error, const char *what)
{
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "the stream is damaged, or none of ours: %s", what);
  return FALSE;
}

static guint64
get_number (const guint8 *data)
{
  guint64 number;

  memcpy (&number, data, sizeof number);
  return GUINT64_FROM_LE (number);
}

/* Has the main thread look at @bytes, and tells the source what it said. */
static gboolean
look (Destination *self, const guint8 *data, gsize size, GError **error)
{
  g_clear_pointer (&self->bytes, g_bytes_unref);
  self->bytes = g_bytes_new (data, size);
  return sv_migration_job_ask (&self->job, error)
         && (!self->answers || sv_migration_stream_send (self->stream, SV_MIGRATION_MESSAGE_READY, NULL, 0, NULL, 0, error));
}

static gboolean
take_hello (Destination *self, const guint8 *data, gsize size, GError **error)
{
  if (self->has_hello || size < 16)
    return bad (error, "a greeting");
  if (get_number (data) != VERSION)
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "version %" G_GUINT64_FORMAT " of the stream; %d is known",
                   get_number (data), VERSION);
      return FALSE;
    }
  self->answers = get_number (data + 8) != 0 && sv_migration_stream_is_socket (self->stream);
  if (!look (self, data + 16, size - 16, error))
    return FALSE;
  self->has_hello = TRUE;
  return TRUE;
}

/* Where @size bytes at @offset in guest memory are, which may be less than all of them */
static guint8 *
find_memory (Destination *self, guint64 offset, guint64 *size)
{
  for (guint i = 0; i < self->ram->len; i++)
    {
      guint64 own = sv_memory_backend_get_size (self->ram->pdata[i]);

      if (offset < own)
        {
          *size = MIN (*size, own - offset);
          return sv_memory_backend_get_host (self->ram->pdata[i]) + offset;
        }
      offset -= own;
    }
  return NULL;
}

/* @data: NULL for zeroes */
static gboolean
put (Destination *self, guint64 offset, const guint8 *data, guint64 size, GError **error)
{
  if (!self->has_hello || (offset | size) % PAGE != 0 || offset > self->total || size > self->total - offset)
    return bad (error, "pages that are not in memory");
  while (size > 0)
    {
      guint64 part = data == NULL ? PAGE : size;
      guint8 *host = find_memory (self, offset, &part);

      if (g_atomic_int_get (&self->job.progress.cancelled))
        {
          g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_CANCELLED, "it was cancelled");
          return FALSE;
        }
      if (data != NULL)
        memcpy (host, data, part);
      else if (!sv_ram_is_zero (host, part))
        memset (host, 0, part);
      data += data != NULL ? part : 0;
      offset += part;
      size -= part;
    }
  return TRUE;
}

/* This host's page cache may have images as they were before the source wrote: storage is shared, caches are not. */
static void
drop_caches (Destination *self)
{
  for (guint i = 0; self->cached != NULL && i < self->cached->len; i++)
    posix_fadvise (g_array_index (self->cached, int, i), 0, 0, POSIX_FADV_DONTNEED);
}

/* After the state: who has the guest? An end without a word leaves that open. */
static gboolean
await_word (Destination *self, GError **error)
{
  g_autoptr (GError) lost = NULL;
  SvMigrationMessage type;
  const guint8 *data;
  gsize size;

  if (!sv_migration_stream_receive (self->stream, &type, &data, &size, &lost))
    {
      if (self->answers)
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&lost));
      return FALSE;
    }
  if (type == SV_MIGRATION_MESSAGE_GO && size == 1)
    {
      self->given = TRUE;
      self->may_run = data[0] != 0;
      return TRUE;
    }
  g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_CANCELLED, "the source cancelled it");
  return FALSE;
}

static gboolean
receive (Destination *self, GError **error)
{
  for (;;)
    {
      SvMigrationMessage type;
      const guint8 *data;
      gsize size;

      if (!sv_migration_stream_receive (self->stream, &type, &data, &size, error))
        return FALSE;
      switch (type)
        {
        case SV_MIGRATION_MESSAGE_HELLO:
          if (!take_hello (self, data, size, error))
            return FALSE;
          break;
        case SV_MIGRATION_MESSAGE_PAGES:
          if (size < 8 || !put (self, get_number (data), data + 8, size - 8, error))
            return size < 8 ? bad (error, "pages") : FALSE;
          sv_migration_progress_add (&self->job.progress, normal, (size - 8) / PAGE);
          break;
        case SV_MIGRATION_MESSAGE_ZERO:
          if (size != 16 || !put (self, get_number (data), NULL, get_number (data + 8), error))
            return size != 16 ? bad (error, "zeroes") : FALSE;
          break;
        case SV_MIGRATION_MESSAGE_STATE:
          if (!self->has_hello)
            return bad (error, "a state before a greeting");
          /* Once the source knows that the guest is here, it may end. */
          g_atomic_int_set (&self->job.keeps, self->answers);
          if (!look (self, data, size, error))
            return FALSE;
          drop_caches (self);
          return await_word (self, error);
        case SV_MIGRATION_MESSAGE_ABORT:
          g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_CANCELLED, "the source cancelled it");
          return FALSE;
        default:
          return bad (error, "a message that only the source gets");
        }
    }
}

static gboolean
destination_run (SvMigrationJob *job, GError **error)
{
  Destination *self = (Destination *)job;
  g_autoptr (GError) local = NULL;

  if (receive (self, &local))
    return TRUE;
  if (self->answers)
    {
      sv_migration_stream_set_last_words (self->stream, LAST_WORDS_MS);
      sv_migration_stream_send (self->stream, SV_MIGRATION_MESSAGE_REFUSED, NULL, 0, local->message, strlen (local->message), NULL);
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

SvMigrationJob *
sv_migration_destination_new (SvMachine *machine, int fd)
{
  Destination *self = g_new0 (Destination, 1);

  self->job.run = destination_run;
  self->job.serve = destination_serve;
  self->job.ended = destination_ended;
  self->job.free = destination_free;
  self->machine = machine;
  self->stream = sv_migration_stream_new (fd, &self->job.progress);
  self->ram = g_ptr_array_copy (sv_machine_get_ram_backends (machine), (GCopyFunc)(void (*) (void))g_object_ref, NULL);
  g_ptr_array_set_free_func (self->ram, g_object_unref);
  for (guint i = 0; i < self->ram->len; i++)
    self->total += sv_memory_backend_get_size (self->ram->pdata[i]);
  sv_migration_progress_set (&self->job.progress, total, self->total);
  return &self->job;
}
