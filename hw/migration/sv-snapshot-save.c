/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A snapshot: the state and the memory of a paused VM in a directory. */
#include "hw/migration/sv-migration-job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/migration/sv-machine-state.h"
#include "src/migration/sv-ram-file.h"
#include "src/migration/sv-state-file.h"

typedef struct
{
  SvMigrationJob job;
  char *path;
  char *temporary; /* beside it, until all is written */
  char *parent;
  char *id;
  GBytes *state;
  GPtrArray *ram; /* owned */
  int directory;
  int pagemap;
} SnapshotSave;

static gboolean
fail (const char *path, GError **error)
{
  int saved = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "'%s': %s", path, g_strerror (saved));
  return FALSE;
}

/* --- in its thread --- */

static gboolean
write_state (int fd, GBytes *state)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (state, &size);

  while (size > 0)
    {
      gssize n = write (fd, data, size);

      if (n < 0 && errno != EINTR)
        return FALSE;
      data += MAX (n, 0);
      size -= (gsize)MAX (n, 0);
    }
  return fsync (fd) == 0;
}

/* Beside the place where it will be: on the same file system. */
static gboolean
make_directory (SnapshotSave *self, GError **error)
{
  if (mkdirat (AT_FDCWD, self->temporary, 0700) < 0)
    return fail (self->temporary, error);
  self->directory = open (self->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->directory >= 0)
    return TRUE;
  fail (self->temporary, error);
  unlinkat (AT_FDCWD, self->temporary, AT_REMOVEDIR);
  return FALSE;
}

static gboolean
write_memory (SnapshotSave *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->temporary, "memory", NULL);
  int fd = openat (self->directory, "memory", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  gboolean ok;

  if (fd < 0)
    return fail (path, error);
  ok = sv_ram_file_write (fd, self->ram, self->pagemap, self->id, &self->job.progress, error);
  if (ok && fsync (fd) < 0)
    ok = fail (path, error);
  close (fd);
  return ok;
}

static gboolean
write_all (SnapshotSave *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->temporary, "state", NULL);
  int fd;
  gboolean ok;

  if (!write_memory (self, error))
    return FALSE;
  fd = openat (self->directory, "state", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail (path, error);
  ok = write_state (fd, self->state) || fail (path, error);
  close (fd);
  if (ok && fsync (self->directory) < 0)
    ok = fail (self->temporary, error);
  return ok;
}

/* The one step that makes it a snapshot; an empty directory of that name gives way. */
static gboolean
put_in_place (SnapshotSave *self, GError **error)
{
  int parent;

  if (g_atomic_int_get (&self->job.progress.cancelled))
    {
      g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_CANCELLED, "it was cancelled");
      return FALSE;
    }
  if (renameat (AT_FDCWD, self->temporary, AT_FDCWD, self->path) < 0)
    return fail (self->path, error);
  parent = open (self->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent >= 0)
    {
      fsync (parent);
      close (parent);
    }
  return TRUE;
}

static void
remove_temporary (SnapshotSave *self)
{
  unlinkat (self->directory, "state", 0);
  unlinkat (self->directory, "memory", 0);
  unlinkat (AT_FDCWD, self->temporary, AT_REMOVEDIR);
}

static gboolean
snapshot_save_run (SvMigrationJob *job, GError **error)
{
  SnapshotSave *self = (SnapshotSave *)job;

  if (!make_directory (self, error))
    return FALSE;
  if (write_all (self, error) && put_in_place (self, error))
    return TRUE;
  remove_temporary (self);
  return FALSE;
}

/* --- on the main thread --- */

static void
snapshot_save_free (SvMigrationJob *job)
{
  SnapshotSave *self = (SnapshotSave *)job;

  if (self->directory >= 0)
    close (self->directory);
  if (self->pagemap >= 0)
    close (self->pagemap);
  g_clear_pointer (&self->state, g_bytes_unref);
  g_clear_pointer (&self->ram, g_ptr_array_unref);
  g_free (self->path);
  g_free (self->temporary);
  g_free (self->parent);
  g_free (self->id);
  g_free (self);
}

static gboolean
check_path (const char *path, GError **error)
{
  static const char *const names[] = { "state", "memory" };

  if (!g_path_is_absolute (path))
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED, "'file:%s': expected file:/DIRECTORY, an absolute path",
                   path);
      return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *file = g_build_filename (path, names[i], NULL);
      struct stat st;

      if (lstat (file, &st) == 0)
        {
          errno = EEXIST;
          return fail (file, error);
        }
    }
  return TRUE;
}

SvMigrationJob *
sv_snapshot_save_new (SvMachine *machine, const char *path, GError **error)
{
  SnapshotSave *self;
  g_autoptr (GVariant) state = NULL;

  if (!check_path (path, error))
    return NULL;
  self = g_new0 (SnapshotSave, 1);
  self->job.run = snapshot_save_run;
  self->job.free = snapshot_save_free;
  self->directory = self->pagemap = -1;
  self->path = g_strdup (path);
  while (g_str_has_suffix (self->path + 1, "/"))
    self->path[strlen (self->path) - 1] = '\0';
  self->parent = g_path_get_dirname (self->path);
  self->id = g_uuid_string_random ();
  self->temporary = g_strdup_printf ("%s.%s.partial", self->path, self->id);
  self->ram = g_ptr_array_copy (sv_machine_get_ram_backends (machine), (GCopyFunc)(void (*) (void))g_object_ref, NULL);
  g_ptr_array_set_free_func (self->ram, g_object_unref);
  state = sv_machine_state_dup (machine, self->id, error);
  if (state == NULL)
    {
      snapshot_save_free (&self->job);
      return NULL;
    }
  self->state = sv_state_pack (state);
  /* Where there is none, every page is looked at. */
  self->pagemap = open ("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  return &self->job;
}
