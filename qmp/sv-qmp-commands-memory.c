/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about guest memory. */

#include "qmp/sv-qmp-tree.h"
#include "src/memory/sv-memory-backend.h"
#include "src/memory/sv-memory-policy.h"

static JsonNode *
describe (SvObject *backend)
{
  static const char *const names[] = { "size", "merge", "dump", "prealloc", "share", "reserve", "policy" };
  g_autoptr (JsonObject) info = json_object_new ();
  g_autoptr (JsonArray) nodes = json_array_new ();
  g_auto (GStrv) words = NULL;

  if (sv_object_get_id (backend) != NULL)
    json_object_set_string_member (info, "id", sv_object_get_id (backend));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    sv_qmp_copy_property (info, names[i], backend, names[i]);
  g_object_get (backend, "host-nodes", &words, NULL);
  for (guint node = 0; node < SV_MEMORY_POLICY_MAX_NODES; node++)
    if (sv_memory_policy_has_node ((const char *const *)words, node))
      json_array_add_int_element (nodes, node);
  json_object_set_array_member (info, "host-nodes", g_steal_pointer (&nodes));
  return sv_qmp_object_node (info);
}

SV_QMP_COMMAND (query_memdev)
{
  g_autoptr (GPtrArray) found = sv_qmp_collect (sv_qmp_call_get_root (call), SV_TYPE_MEMORY_BACKEND);
  g_autoptr (JsonArray) list = json_array_new ();

  for (guint i = 0; i < found->len; i++)
    json_array_add_element (list, describe (g_ptr_array_index (found, i)));
  return sv_qmp_array_node (list);
}
