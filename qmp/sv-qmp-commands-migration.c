/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about migration. */

#include "qmp/sv-qmp-tree.h"

/* What is chosen is a datum of the tree's root, under the capability's name. */
static const char *const capabilities[] = { "events" };

SV_QMP_COMMAND (query_migrate_capabilities)
{
  SvObject *root = sv_qmp_call_get_root (call);
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (capabilities); i++)
    {
      JsonObject *info = json_object_new ();

      json_object_set_string_member (info, "capability", capabilities[i]);
      json_object_set_boolean_member (info, "state", g_object_get_data (G_OBJECT (root), capabilities[i]) != NULL);
      json_array_add_object_element (array, info);
    }
  return sv_qmp_array_node (array);
}

SV_QMP_COMMAND (migrate_set_capabilities)
{
  JsonArray *wanted = json_object_get_array_member (arguments, "capabilities");

  for (guint i = 0; i < json_array_get_length (wanted); i++)
    {
      JsonObject *info = json_array_get_object_element (wanted, i);
      gboolean state = json_object_get_boolean_member (info, "state");

      g_object_set_data (G_OBJECT (sv_qmp_call_get_root (call)), json_object_get_string_member (info, "capability"),
                         GINT_TO_POINTER (state));
    }
  return NULL;
}
