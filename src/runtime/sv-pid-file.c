/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-pid-file.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that holds our process id, locked while we live: the lock tells a stale one from one in
 * use. */
struct _SvPidFile
{
  char *path; /* absolute: a daemon changes its directory */
  int fd;
};

static gboolean
fail (SvPidFile *self, GError **error)
{
  int errsv = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errsv), "Cannot write pidfile '%s': %s",
               self->path, g_strerror (errsv));
  return FALSE;
}

/* Whether the file holds nothing but a number, as our own files do. */
static gboolean
is_pid_file (int fd)
{
  char text[32];
  ssize_t n = pread (fd, text, sizeof text, 0);

  if (n < 0 || n == sizeof text)
    return FALSE;
  for (ssize_t i = 0; i < n; i++)
    if (!g_ascii_isdigit (text[i]) && text[i] != '\n')
      return FALSE;
  return TRUE;
}

static gboolean
write_pid (SvPidFile *self, GError **error)
{
  char text[32];
  int length = g_snprintf (text, sizeof text, "%d\n", (int)getpid ());

  self->fd = open (self->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
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
  if (!is_pid_file (self->fd))
    {
      close (self->fd);
      self->fd = -1;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS,
                   "'%s' exists and is not a pidfile: it is not overwritten", self->path);
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
 * Writes the process id to @path, which may be left from a process that is gone.
 *
 * Returns: (transfer full): the file, removed when it is freed; %NULL with @error set when another
 *   process uses it, it holds something else, or it cannot be written
 */
SvPidFile *
sv_pid_file_new (const char *path, GError **error)
{
  g_autoptr (SvPidFile) self = g_new0 (SvPidFile, 1);

  self->fd = -1;
  self->path = g_canonicalize_filename (path, NULL);
  return write_pid (self, error) ? g_steal_pointer (&self) : NULL;
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

  if (self->fd >= 0)
    {
      if (fstat (self->fd, &ours) == 0 && lstat (self->path, &there) == 0
          && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
        unlink (self->path);
      close (self->fd);
    }
  g_free (self->path);
  g_free (self);
}
