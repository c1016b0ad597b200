/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-boot-image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "src/runtime/sv-fd-store.h"

/* clang-format off */
G_DEFINE_QUARK (sv-boot-error-quark, sv_boot_error)
/* clang-format on */

GType
sv_boot_error_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_BOOT_ERROR_FILE, "SV_BOOT_ERROR_FILE", "file" },
    { SV_BOOT_ERROR_FORMAT, "SV_BOOT_ERROR_FORMAT", "format" },
    { SV_BOOT_ERROR_MEMORY, "SV_BOOT_ERROR_MEMORY", "memory" },
    { SV_BOOT_ERROR_CMDLINE, "SV_BOOT_ERROR_CMDLINE", "cmdline" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvBootError", values));
  return type;
}

/**
 * sv_boot_file_open:
 * @scope: (nullable): an object of the tree that descriptor sets belong to
 * @path: a regular file, or `/dev/fdset/N`
 *
 * Opens a regular file for reading.
 *
 * Returns: (transfer full): the file, or %NULL with @error set
 */
SvBootFile *
sv_boot_file_open (SvObject *scope, const char *path, GError **error)
{
  g_autoptr (SvBootFile) file = g_new0 (SvBootFile, 1);
  struct stat st;

  file->path = g_strdup (path);
  /* Without O_NONBLOCK a named pipe would hold up the program. */
  file->fd = sv_fd_store_open (scope, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
  if (file->fd < 0 || fstat (file->fd, &st) < 0)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FILE, "%s: cannot open: %s", path,
                   g_strerror (errno));
      return NULL;
    }
  if (!S_ISREG (st.st_mode))
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FILE, "%s: not a regular file", path);
      return NULL;
    }

  file->size = st.st_size;
  return g_steal_pointer (&file);
}

/**
 * sv_boot_file_free:
 *
 * Closes a file.
 */
void
sv_boot_file_free (SvBootFile *file)
{
  if (file == NULL)
    return;

  if (file->fd >= 0)
    close (file->fd);
  g_free (file->path);
  g_free (file);
}

/**
 * sv_boot_file_read:
 *
 * Reads exactly @length bytes at @offset.
 *
 * Returns: whether the file has them
 */
gboolean
sv_boot_file_read (
    const SvBootFile *file, guint64 offset, gpointer buffer, gsize length, GError **error)
{
  guint8 *at = buffer;

  if (offset > G_MAXINT64 || length > G_MAXINT64 - offset)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                   "%s: file offset 0x%" G_GINT64_MODIFIER "x is beyond its end", file->path,
                   offset);
      return FALSE;
    }

  while (length > 0)
    {
      const struct iovec part = { at, length };
      /* Not pread: disks are read by preadv as well, and the list of system calls is short. */
      const ssize_t n = preadv2 (file->fd, &part, 1, offset, 0);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FILE, "%s: cannot read: %s", file->path,
                       g_strerror (errno));
          return FALSE;
        }
      if (n == 0)
        {
          g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FILE,
                       "%s: truncated: the file ends at offset 0x%" G_GINT64_MODIFIER
                       "x, %" G_GSIZE_FORMAT " bytes too early (it had %" G_GUINT64_FORMAT
                       " bytes when it was opened)",
                       file->path, offset, length, file->size);
          return FALSE;
        }
      at += n;
      offset += n;
      length -= n;
    }
  return TRUE;
}

/**
 * sv_boot_file_load:
 *
 * Reads @length bytes at @offset into guest RAM at @address.
 *
 * Returns: whether the file has them and guest memory takes them
 */
gboolean
sv_boot_file_load (const SvBootFile *file,
                   guint64 offset,
                   guint64 length,
                   const SvFlatView *view,
                   guint64 address,
                   GError **error)
{
  while (length > 0)
    {
      const SvFlatRange *range = sv_flat_view_lookup (view, address);
      const guint64 room = range ? range->size - (address - range->start) : 0;
      const guint64 chunk = MIN (length, room);
      gpointer host = chunk > 0 ? sv_flat_view_map (view, address, chunk, SV_MEMORY_WRITE) : NULL;

      if (host == NULL)
        {
          g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_MEMORY,
                       "%s: the guest has no RAM at 0x%" G_GINT64_MODIFIER
                       "x for %" G_GUINT64_FORMAT " bytes of it",
                       file->path, address, length);
          return FALSE;
        }
      if (!sv_boot_file_read (file, offset, host, chunk, error))
        return FALSE;
      address += chunk;
      offset += chunk;
      length -= chunk;
    }
  return TRUE;
}
