/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-chardev-log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "src/chardev/sv-chardev.h"
#include "src/runtime/sv-fd-store.h"

void
sv_chardev_log_init (SvChardevLog *self)
{
  *self = (SvChardevLog){ .fd = -1 };
}

void
sv_chardev_log_clear (SvChardevLog *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  g_clear_pointer (&self->path, g_free);
}

gboolean
sv_chardev_log_open (SvChardevLog *self, SvObject *scope, GError **error)
{
  if (self->path == NULL)
    return TRUE;
  /* Non-blocking for named pipes: their reader may be slow, and then misses something. */
  self->fd = sv_fd_store_open (scope, self->path,
                               O_WRONLY | O_CREAT | O_NOCTTY | O_NONBLOCK | (self->append ? O_APPEND : O_TRUNC), 0666);
  if (self->fd >= 0)
    return TRUE;
  g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_OPEN, "cannot open logfile '%s' for writing: %s", self->path,
               g_strerror (errno));
  return FALSE;
}

gboolean
sv_chardev_log_is_open (const SvChardevLog *self)
{
  return self->fd >= 0;
}

void
sv_chardev_log_write (SvChardevLog *self, const guint8 *data, gsize length)
{
  while (self->fd >= 0 && length > 0)
    {
      gssize n = TEMP_FAILURE_RETRY (write (self->fd, data, length));

      /* A full disk costs the log, not the guest. */
      if (n <= 0)
        return;
      data += n;
      length -= (gsize)n;
    }
}
