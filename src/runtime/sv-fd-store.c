/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-fd-store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "qom/sv-parse.h"
#include "src/runtime/sv-litter.h"

static void
close_fd (gpointer data)
{
  close (GPOINTER_TO_INT (data));
}

static GHashTable *
get_store (SvObject *scope)
{
  static const char key[] = "sv-fd-store";
  GObject *root = G_OBJECT (sv_object_get_root (scope));
  GHashTable *store = g_object_get_data (root, key);

  if (!store)
    {
      store = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, close_fd);
      g_object_set_data_full (root, key, store, (GDestroyNotify)g_hash_table_unref);
    }
  return store;
}

void
sv_fd_store_add (SvObject *scope, const char *name, int fd)
{
  g_hash_table_replace (get_store (scope), g_strdup (name), GINT_TO_POINTER (fd));
}

int
sv_fd_store_steal (SvObject *scope, const char *name)
{
  gpointer key;
  gpointer value;

  if (!g_hash_table_steal_extended (get_store (scope), name, &key, &value))
    return -1;
  g_free (key);
  return GPOINTER_TO_INT (value);
}

static void
entry_free (SvFdSetEntry *entry)
{
  close (entry->fd);
  g_free (entry->opaque);
  g_free (entry);
}

GPtrArray *
sv_fd_store_get_sets (SvObject *scope)
{
  static const char key[] = "sv-fd-sets";
  GObject *root = G_OBJECT (sv_object_get_root (scope));
  GPtrArray *sets = g_object_get_data (root, key);

  if (!sets)
    {
      sets = g_ptr_array_new_with_free_func ((GDestroyNotify)entry_free);
      g_object_set_data_full (root, key, sets, (GDestroyNotify)g_ptr_array_unref);
    }
  return sets;
}

void
sv_fd_store_add_to_set (SvObject *scope, guint set, int fd, const char *opaque)
{
  SvFdSetEntry *entry = g_new (SvFdSetEntry, 1);

  *entry = (SvFdSetEntry){ set, fd, g_strdup (opaque) };
  fcntl (fd, F_SETFD, FD_CLOEXEC);
  g_ptr_array_add (sv_fd_store_get_sets (scope), entry);
}

static int
open_from_set (SvObject *scope, guint64 set, int flags)
{
  GPtrArray *sets = sv_fd_store_get_sets (scope);
  gboolean found = FALSE;

  for (guint i = 0; i < sets->len; i++)
    {
      const SvFdSetEntry *entry = g_ptr_array_index (sets, i);

      if (entry->set != set)
        continue;
      found = TRUE;
      if ((fcntl (entry->fd, F_GETFL) & O_ACCMODE) == (flags & O_ACCMODE))
        return fcntl (entry->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    }
  errno = found ? EACCES : ENOENT;
  return -1;
}

int
sv_fd_store_open (SvObject *scope, const char *path, int flags, mode_t mode)
{
  static const char prefix[] = "/dev/fdset/";
  guint64 set;

  if (!g_str_has_prefix (path, prefix))
    return sv_litter_open (path, flags, mode);
  if (scope == NULL || !sv_parse_uint64 (path + strlen (prefix), &set, NULL))
    {
      errno = ENOENT;
      return -1;
    }
  return open_from_set (scope, set, flags);
}
