/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest comes: from a file, or from another process. */
#include "hw/migration/sv-migration-private.h"

#include <string.h>
#include <unistd.h>

#include "hw/migration/sv-migration-uri.h"

/* A machine with half a state is good for nothing. */
static gboolean
load_file (SvMigration *self, const char *path, GError **error)
{
  gboolean touched;

  if (!sv_snapshot_load (self->machine, path, &touched, error))
    {
      if (touched)
        sv_machine_request_shutdown (self->machine, SV_SHUTDOWN_CAUSE_HOST_ERROR);
      return FALSE;
    }
  self->deferred = FALSE;
  return sv_machine_end_incoming (self->machine, error);
}

static gboolean
take_incoming (SvMigration *self, int fd, GError **error)
{
  if (!sv_migration_start_thread (self, error))
    {
      close (fd);
      return FALSE;
    }
  sv_migration_start_job (self, sv_migration_destination_new (self->machine, fd), g_get_monotonic_time ());
  return TRUE;
}

/* One source comes; others find nobody. */
static void
on_source (gpointer opaque)
{
  SvMigration *self = opaque;
  g_autoptr (GError) error = NULL;
  int fd = sv_socket_listener_accept (self->listener);

  if (fd < 0)
    return;
  g_clear_pointer (&self->listener, sv_socket_listener_free);
  if (!take_incoming (self, fd, &error))
    g_critical ("%s", error->message);
}

static gboolean
open_incoming (SvMigration *self, const char *uri, GError **error)
{
  int fd;

  if (g_str_has_prefix (uri, SV_MIGRATION_FILE_URI))
    return load_file (self, uri + strlen (SV_MIGRATION_FILE_URI), error);
  if (sv_migration_uri_is_fd (uri))
    {
      fd = sv_migration_uri_connect (SV_OBJECT (self->machine), uri, error);
      self->deferred = fd < 0;
      return fd >= 0 && take_incoming (self, fd, error);
    }
  self->listener = sv_migration_uri_listen (uri, error);
  if (self->listener == NULL)
    return FALSE;
  self->deferred = FALSE;
  sv_socket_listener_watch (self->listener, on_source, self);
  return TRUE;
}

gboolean
sv_migration_prepare_incoming (SvMigration *self, const char *uri, GError **error)
{
  sv_machine_begin_incoming (self->machine);
  self->deferred = TRUE;
  return g_str_equal (uri, "defer") || open_incoming (self, uri, error);
}

gboolean
sv_migration_incoming (SvMigration *self, const char *uri, GError **error)
{
  if (self->deferred)
    return open_incoming (self, uri, error);
  g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
                       sv_machine_get_run_state (self->machine) == SV_RUN_STATE_INMIGRATE
                           ? "The incoming migration has already been started"
                           : "'-incoming' was not specified on the command line");
  return FALSE;
}
