/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest comes: from a file, or from another process. */
#include "hw/migration/sv-migration-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hw/migration/sv-migration-uri.h"

#define MAX_CALLERS 8

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

/* Somebody who connected and did not say anything yet */
typedef struct
{
  SvMigration *migration;
  int fd;
  GSource *source;
} Caller;

static void
caller_free (gpointer data)
{
  Caller *self = data;

  g_source_destroy (self->source);
  g_source_unref (self->source);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self);
}

/* The first one that speaks is the source; others find nobody. One that goes without a word was none: who looks which ports are open. */
static gboolean
on_word (int fd, GIOCondition condition, gpointer user_data)
{
  Caller *caller = user_data;
  SvMigration *self = caller->migration;
  g_autoptr (GError) error = NULL;
  guint8 byte;
  gssize n = recv (fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  if (n <= 0)
    {
      g_ptr_array_remove (self->callers, caller);
      return G_SOURCE_REMOVE;
    }
  caller->fd = -1;
  g_clear_pointer (&self->callers, g_ptr_array_unref);
  g_clear_pointer (&self->listener, sv_socket_listener_free);
  if (!take_incoming (self, fd, &error))
    g_critical ("%s", error->message);
  return G_SOURCE_REMOVE;
}

static void
on_connect (gpointer opaque)
{
  SvMigration *self = opaque;
  int fd = sv_socket_listener_accept (self->listener);
  Caller *caller;

  if (fd < 0)
    return;
  if (self->callers == NULL)
    self->callers = g_ptr_array_new_with_free_func (caller_free);
  else if (self->callers->len == MAX_CALLERS)
    g_ptr_array_remove_index (self->callers, 0);
  caller = g_new0 (Caller, 1);
  caller->migration = self;
  caller->fd = fd;
  caller->source = g_unix_fd_source_new (fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
  g_source_set_static_name (caller->source, "source of a migration");
  g_source_set_callback (caller->source, (GSourceFunc)(void (*) (void))on_word, caller, NULL);
  g_source_attach (caller->source, NULL);
  g_ptr_array_add (self->callers, caller);
}

static gboolean
open_incoming (SvMigration *self, const char *uri, GError **error)
{
  int fd;

  if (g_str_has_prefix (uri, SV_MIGRATION_FILE_URI))
    return load_file (self, uri + strlen (SV_MIGRATION_FILE_URI), error);
  if (sv_migration_uri_is_fd (uri))
    {
      fd = sv_migration_uri_connect (SV_OBJECT (self->machine), uri, TRUE, error);
      self->deferred = fd < 0;
      return fd >= 0 && take_incoming (self, fd, error);
    }
  self->listener = sv_migration_uri_listen (uri, error);
  if (self->listener == NULL)
    return FALSE;
  self->deferred = FALSE;
  sv_socket_listener_watch (self->listener, on_connect, self);
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
