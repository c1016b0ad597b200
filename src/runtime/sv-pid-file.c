/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-pid-file.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/runtime/sv-litter.h"

/* A file that holds our process id, locked while we live: the lock tells a stale one from one in
 * use. */
struct _SvPidFile
{
  char *path; /* absolute: a daemon changes its directory */
  int fd;
  int directory_fd; /* its directory, which the process may not find by name later */
  guint litter;
};

static gboolean
fail (SvPidFile *self, GError **error)
{
  int errsv = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errsv), "Cannot write pidfile '%s': %s",
               self->path, g_strerror (errsv));
  return FALSE;
}

/* A process that was killed may wait for its parent to look. */
static gboolean
is_alive (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int)pid);
  g_autofree char *text = NULL;
  const char *state;

  if (kill (pid, 0) < 0 && errno == ESRCH)
    return FALSE;
  state = g_file_get_contents (path, &text, NULL, NULL) ? strrchr (text, ')') : NULL;
  return state == NULL || (!g_str_has_prefix (state, ") Z") && !g_str_has_prefix (state, ") X"));
}

/*
 * Whether the file is one of ours that a killed process left: it holds a number, and no process has
 * it. All other files stay.
 */
static gboolean
is_left_over (int fd)
{
  char text[32] = { 0 };
  ssize_t n = pread (fd, text, sizeof text - 1, 0);
  guint64 pid;

  if (n <= 0)
    return FALSE;
  g_strchomp (text);
  if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT64, &pid, NULL))
    return FALSE;
  return pid > G_MAXINT || !is_alive ((pid_t)pid);
}

static gboolean
write_pid (SvPidFile *self, GError **error)
{
  char text[32];
  int length = g_snprintf (text, sizeof text, "%d\n", (int)getpid ());

  gboolean created;

  self->fd = open (self->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  created = self->fd >= 0;
  if (!created && errno == EEXIST)
    self->fd = open (self->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (self->fd < 0)
    return fail (self, error);
  if (flock (self->fd, LOCK_EX | LOCK_NB) < 0)
    {
      int errsv = errno;

      close (self->fd);
      self->fd = -1;
      errno = errsv;
      if (errsv != EWOULDBLOCK)
        return fail (self, error);
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "Pidfile '%s' is in use by another process",
                   self->path);
      return FALSE;
    }
  if (!created && !is_left_over (self->fd))
    {
      close (self->fd);
      self->fd = -1;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS,
                   "Pidfile '%s' exists: it is not overwritten; expected a path that is free",
                   self->path);
      return FALSE;
    }
  if (ftruncate (self->fd, 0) < 0 || pwrite (self->fd, text, length, 0) != length)
    return fail (self, error);
  return TRUE;
}

/**
 * sv_pid_file_new: (skip)
 * @path: a file
 * @error: return location
 *
 * Writes the process id to @path, which must not exist, unless a process that was killed left it.
 *
 * Returns: (transfer full): the file, removed when it is freed; %NULL with @error set when there is a
 *   file, or it cannot be written
 */
SvPidFile *
sv_pid_file_new (const char *path, GError **error)
{
  g_autoptr (SvPidFile) self = g_new0 (SvPidFile, 1);
  g_autofree char *directory = NULL;
  g_autofree char *name = NULL;

  self->fd = -1;
  self->litter = G_MAXUINT;
  self->path = g_canonicalize_filename (path, NULL);
  directory = g_path_get_dirname (self->path);
  self->directory_fd = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (!write_pid (self, error))
    return NULL;
  name = g_path_get_basename (self->path);
  self->litter = sv_litter_add (self->directory_fd, name);
  return g_steal_pointer (&self);
}

/**
 * sv_pid_file_free: (skip)
 * @self: a file
 *
 * Removes the file, unless another one has come to its place.
 */
void
sv_pid_file_free (SvPidFile *self)
{
  struct stat ours;
  struct stat there;

  g_autofree char *name = g_path_get_basename (self->path);

  sv_litter_remove (self->litter);
  if (self->fd >= 0)
    {
      if (fstat (self->fd, &ours) == 0
          && fstatat (self->directory_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0
          && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
        unlinkat (self->directory_fd, name, 0);
      close (self->fd);
    }
  if (self->directory_fd >= 0)
    close (self->directory_fd);
  g_free (self->path);
  g_free (self);
}
