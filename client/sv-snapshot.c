/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client/sv-snapshot.h"

#include "src/migration/sv-state-file.h"

GVariant *
sv_snapshot_read (const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename (directory, "state", NULL);
  g_autoptr (GBytes) bytes = NULL;
  char *content;
  gsize size;
  GVariant *state;

  if (!g_file_get_contents (path, &content, &size, error))
    return NULL;
  bytes = g_bytes_new_take (content, size);
  state = sv_state_unpack (bytes, error);
  if (state == NULL)
    g_prefix_error (error, "'%s': ", path);
  return state;
}
