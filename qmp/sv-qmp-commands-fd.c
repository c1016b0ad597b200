/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about file descriptors that clients hand over. */

#include <unistd.h>

#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-tree.h"
#include "src/runtime/sv-fd-store.h"

SV_QMP_COMMAND (getfd)
{
  const char *name = json_object_get_string_member (arguments, "fdname");
  int fd = sv_qmp_call_steal_fd (call);

  if (fd < 0)
    {
      g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                           "No file descriptor supplied via SCM_RIGHTS");
      return NULL;
    }
  if (name[0] == '\0' || g_ascii_isdigit (name[0]))
    {
      close (fd);
      g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                           "Parameter 'fdname' expects a name not starting with a digit");
      return NULL;
    }
  sv_fd_store_add (sv_qmp_call_get_root (call), name, fd);
  return NULL;
}

SV_QMP_COMMAND (closefd)
{
  const char *name = json_object_get_string_member (arguments, "fdname");
  int fd = sv_fd_store_steal (sv_qmp_call_get_root (call), name);

  if (fd < 0)
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "File descriptor named '%s' not found",
                 name);
  else
    close (fd);
  return NULL;
}

/* Sets */

static JsonObject *
find_set (JsonArray *sets, guint number)
{
  for (guint i = 0; i < json_array_get_length (sets); i++)
    {
      JsonObject *set = json_array_get_object_element (sets, i);

      if (json_object_get_int_member (set, "fdset-id") == number)
        return set;
    }
  return NULL;
}

SV_QMP_COMMAND (query_fdsets)
{
  const GPtrArray *entries = sv_fd_store_get_sets (sv_qmp_call_get_root (call));
  g_autoptr (JsonArray) sets = json_array_new ();

  for (guint i = 0; i < entries->len; i++)
    {
      const SvFdSetEntry *entry = g_ptr_array_index (entries, i);
      JsonObject *set = find_set (sets, entry->set);
      JsonObject *info = json_object_new ();

      if (set == NULL)
        {
          set = json_object_new ();
          json_object_set_int_member (set, "fdset-id", entry->set);
          json_object_set_array_member (set, "fds", json_array_new ());
          json_array_add_object_element (sets, set);
        }
      json_object_set_int_member (info, "fd", entry->fd);
      if (entry->opaque != NULL)
        json_object_set_string_member (info, "opaque", entry->opaque);
      json_array_add_object_element (json_object_get_array_member (set, "fds"), info);
    }
  return sv_qmp_array_node (sets);
}

static guint
find_free_set (const GPtrArray *entries)
{
  guint number = 0;

  for (guint i = 0; i < entries->len; i++)
    {
      const SvFdSetEntry *entry = g_ptr_array_index (entries, i);

      if (entry->set == number)
        {
          number++;
          i = G_MAXUINT; /* look again from the first */
        }
    }
  return number;
}

static gboolean
check_set_number (gint64 number, GError **error)
{
  if (number >= 0 && number <= G_MAXINT)
    return TRUE;
  g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
               "Parameter 'fdset-id' expects a number from 0 to %d", G_MAXINT);
  return FALSE;
}

SV_QMP_COMMAND (add_fd)
{
  SvObject *root = sv_qmp_call_get_root (call);
  GPtrArray *entries = sv_fd_store_get_sets (root);
  gint64 set = arguments ? json_object_get_int_member_with_default (arguments, "fdset-id", -1) : -1;
  const char *opaque
      = arguments ? json_object_get_string_member_with_default (arguments, "opaque", NULL) : NULL;
  g_autoptr (JsonObject) info = NULL;
  int fd;

  if (arguments && json_object_has_member (arguments, "fdset-id") && !check_set_number (set, error))
    return NULL;
  fd = sv_qmp_call_steal_fd (call);
  if (fd < 0)
    {
      g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                           "No file descriptor supplied via SCM_RIGHTS");
      return NULL;
    }
  if (set < 0)
    set = find_free_set (entries);
  sv_fd_store_add_to_set (root, (guint)set, fd, opaque);
  info = json_object_new ();
  json_object_set_int_member (info, "fdset-id", set);
  json_object_set_int_member (info, "fd", fd);
  return sv_qmp_object_node (info);
}

SV_QMP_COMMAND (remove_fd)
{
  GPtrArray *entries = sv_fd_store_get_sets (sv_qmp_call_get_root (call));
  gint64 set = json_object_get_int_member (arguments, "fdset-id");
  gint64 fd = json_object_get_int_member_with_default (arguments, "fd", -1);
  gboolean one = json_object_has_member (arguments, "fd");
  gboolean found = FALSE;

  for (guint i = entries->len; i-- > 0;)
    {
      const SvFdSetEntry *entry = g_ptr_array_index (entries, i);

      if (entry->set != set || (one && entry->fd != fd))
        continue;
      g_ptr_array_remove_index (entries, i);
      found = TRUE;
    }
  if (found)
    return NULL;
  if (one)
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                 "File descriptor named 'fdset-id:%" G_GINT64_FORMAT ", fd:%" G_GINT64_FORMAT
                 "' not found",
                 set, fd);
  else
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                 "File descriptor named 'fdset-id:%" G_GINT64_FORMAT "' not found", set);
  return NULL;
}
