/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about models of processors. */

#include "hw/core/sv-cpu.h"
#include "qmp/sv-qmp-tree.h"
#include "qom/sv-type-registry.h"
#include "src/accel/sv-kvm-cpuid.h"
#include "src/accel/sv-x86-cpu-model.h"

SV_QMP_COMMAND (query_cpu_definitions)
{
  g_autoptr (JsonArray) array = json_array_new ();
  const char *name;

  for (guint i = 0; (name = sv_x86_cpu_model_get_name (i)) != NULL; i++)
    {
      JsonObject *info = json_object_new ();

      json_object_set_string_member (info, "name", name);
      json_object_set_string_member (info, "typename", sv_type_registry_get_display_name (SV_TYPE_CPU));
      json_object_set_boolean_member (info, "static", FALSE);
      json_object_set_boolean_member (info, "deprecated", FALSE);
      json_object_set_array_member (info, "unavailable-features", json_array_new ());
      json_array_add_object_element (array, info);
    }
  return sv_qmp_array_node (array);
}

/* What -cpu would say; what has no switch is no feature, such as the signature of an earlier answer. */
static char *
dup_words (JsonObject *model)
{
  GString *words = g_string_new (json_object_get_string_member (model, "name"));
  JsonObject *properties = NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (json_object_has_member (model, "props"))
    properties = json_object_get_object_member (model, "props");
  if (properties == NULL)
    return g_string_free (words, FALSE);
  json_object_iter_init_ordered (&iter, properties);
  while (json_object_iter_next_ordered (&iter, &name, &node))
    if (json_node_get_value_type (node) == G_TYPE_BOOLEAN)
      g_string_append_printf (words, ",%s=%s", name, json_node_get_boolean (node) ? "on" : "off");
  return g_string_free (words, FALSE);
}

SV_QMP_COMMAND (query_cpu_model_expansion)
{
  JsonObject *model = json_object_get_object_member (arguments, "model");
  g_autofree char *words = dup_words (model);
  JsonObject *properties = sv_kvm_cpuid_expand (words, error);
  g_autoptr (JsonObject) result = NULL;
  JsonObject *expanded;

  if (properties == NULL)
    return NULL;
  expanded = json_object_new ();
  json_object_set_string_member (expanded, "name", json_object_get_string_member (model, "name"));
  json_object_set_object_member (expanded, "props", properties);
  result = json_object_new ();
  json_object_set_object_member (result, "model", expanded);
  return sv_qmp_object_node (result);
}
