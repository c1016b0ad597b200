/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-fd-store.h"

#include <unistd.h>

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
