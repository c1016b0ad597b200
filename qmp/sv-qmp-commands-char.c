/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about character devices. */

#include <string.h>
#include <unistd.h>

#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-tree.h"
#include "qom/sv-type-registry.h"
#include "src/chardev/sv-chardev.h"
#include "src/runtime/sv-fd-store.h"

/* Longest that a peer may take to accept a connection; a client that may take longer has `reconnect`. */
#define CONNECT_TIMEOUT_MS 1000

SV_QMP_COMMAND (query_chardev)
{
  g_autoptr (GPtrArray) chardevs = sv_qmp_collect (sv_qmp_call_get_root (call), SV_TYPE_CHARDEV);
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; i < chardevs->len; i++)
    {
      SvChardev *chardev = g_ptr_array_index (chardevs, i);
      g_autofree char *filename = sv_chardev_dup_filename (chardev);
      JsonObject *info = json_object_new ();

      json_object_set_string_member (info, "label", sv_object_get_id (SV_OBJECT (chardev)));
      json_object_set_string_member (info, "filename", filename);
      json_object_set_boolean_member (info, "frontend-open", sv_chardev_is_attached (chardev));
      json_array_add_object_element (array, info);
    }
  return sv_qmp_array_node (array);
}

static void
copy_member (JsonObject *object, const char *name, JsonNode *node, gpointer target)
{
  json_object_set_member (target, name, json_node_copy (node));
}

/* A descriptor by number, or by the name that getfd gave it, which it then loses: @taken is it, or -1. */
static gboolean
set_fd (SvQmpCall *call, JsonObject *properties, const char *name, int *taken, GError **error)
{
  int fd;

  if (!name)
    {
      g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                           "Parameter 'backend.data.addr.data.str' is missing");
      return FALSE;
    }
  if (g_ascii_isdigit (name[0]))
    {
      json_object_set_string_member (properties, "fd", name);
      return TRUE;
    }
  fd = sv_fd_store_steal (sv_qmp_call_get_root (call), name);
  if (fd < 0)
    {
      g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                   "File descriptor named '%s' not found", name);
      return FALSE;
    }
  *taken = fd;
  json_object_set_int_member (properties, "fd", fd);
  return TRUE;
}

/* {"addr": {"type": "unix", "data": {"path": ...}}, ...} to properties {"path": ..., ...} */
static gboolean
flatten (SvQmpCall *call, JsonObject *data, JsonObject *properties, int *taken, GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init_ordered (&iter, data);
  while (json_object_iter_next_ordered (&iter, &name, &node))
    {
      JsonObject *address;
      JsonNode *inner;

      if (strcmp (name, "addr") != 0)
        {
          copy_member (data, strcmp (name, "out") == 0 ? "path" : name, node, properties);
          continue;
        }
      address = json_node_get_object (node);
      inner = json_object_get_member (address, "data");
      if (!JSON_NODE_HOLDS_OBJECT (inner))
        {
          g_set_error_literal (
              error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
              "Invalid parameter type for 'backend.data.addr.data', expected: object");
          return FALSE;
        }
      if (strcmp (json_object_get_string_member (address, "type"), "fd") != 0)
        json_object_foreach_member (json_node_get_object (inner), copy_member, properties);
      else if (!set_fd (call, properties,
                        json_object_get_string_member_with_default (json_node_get_object (inner),
                                                                    "str", NULL),
                        taken, error))
        return FALSE;
    }
  return TRUE;
}

/*
 * A server on the command line waits for its first peer unless told not to. Here that would keep the
 * monitor and, before long, the guest waiting as well.
 */
static gboolean
check_waiting (JsonObject *properties, GError **error)
{
  /* Nor may a peer that does not answer hold up the guest for long. */
  JsonNode *timeout = json_object_get_member (properties, "connect-timeout");

  JsonNode *wait = json_object_get_member (properties, "wait");

  if (!timeout)
    json_object_set_int_member (properties, "connect-timeout", CONNECT_TIMEOUT_MS);
  else if (json_node_get_value_type (timeout) != G_TYPE_INT64
           || json_node_get_int (timeout) < 1 || json_node_get_int (timeout) > CONNECT_TIMEOUT_MS)
    {
      g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                   "Parameter 'backend.data.connect-timeout' expects an integer from 1 to %d: the VM stands "
                   "still meanwhile",
                   CONNECT_TIMEOUT_MS);
      return FALSE;
    }
  if (wait && (json_node_get_value_type (wait) != G_TYPE_BOOLEAN || json_node_get_boolean (wait)))
    {
      g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                           "Parameter 'backend.data.wait' can only be false: the VM would stand still "
                           "until somebody connects");
      return FALSE;
    }
  json_object_set_boolean_member (properties, "wait", FALSE);
  return TRUE;
}

static SvObject *
add_chardev (SvQmpCall *call, const char *id, const char *type, JsonObject *backend, GError **error)
{
  g_autoptr (JsonObject) properties = json_object_new ();
  SvObject *chardev = NULL;
  int taken = -1;

  if ((!json_object_has_member (backend, "data")
       || flatten (call, json_object_get_object_member (backend, "data"), properties, &taken, error))
      && (strcmp (type, "chardev-socket") != 0 || check_waiting (properties, error)))
    chardev = sv_qmp_add_object (call, "chardevs", id, type, SV_TYPE_CHARDEV, properties, error);
  /* A device that came about has it now. */
  if (chardev == NULL && taken >= 0)
    close (taken);
  return chardev;
}

SV_QMP_COMMAND (chardev_add)
{
  const char *id = json_object_get_string_member (arguments, "id");
  JsonObject *backend = json_object_get_object_member (arguments, "backend");
  g_autofree char *type
      = g_strconcat ("chardev-", json_object_get_string_member (backend, "type"), NULL);
  SvObject *chardevs = sv_object_ensure_container (sv_qmp_call_get_root (call), "chardevs");
  g_autoptr (JsonObject) info = json_object_new ();
  g_autofree char *filename = NULL;
  SvObject *chardev;

  if (sv_object_get_child (chardevs, id))
    {
      g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "Chardev with id '%s' already exists",
                   id);
      return NULL;
    }
  if (sv_type_registry_lookup (type) == G_TYPE_INVALID)
    {
      g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                   "Parameter 'backend.type' does not accept value '%s'",
                   json_object_get_string_member (backend, "type"));
      return NULL;
    }
  chardev = add_chardev (call, id, type, backend, error);
  if (!chardev)
    return NULL;
  filename = sv_chardev_dup_filename (SV_CHARDEV (chardev));
  if (g_str_has_prefix (filename, "pty:"))
    json_object_set_string_member (info, "pty", filename + strlen ("pty:"));
  return sv_qmp_object_node (info);
}

SV_QMP_COMMAND (chardev_remove)
{
  const char *id = json_object_get_string_member (arguments, "id");
  SvObject *chardevs = sv_object_ensure_container (sv_qmp_call_get_root (call), "chardevs");
  SvObject *chardev = sv_object_get_child (chardevs, id);

  if (!chardev)
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "Chardev '%s' not found", id);
  else
    sv_object_remove (chardev, error);
  return NULL;
}
