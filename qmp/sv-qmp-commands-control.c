/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about the connection and the program. */

#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-schema.h"
#include "qmp/sv-qmp-server.h"
#include "qmp/sv-qmp-tree.h"
#include "qmp/sv-qmp-version.h"

SV_QMP_COMMAND (qmp_capabilities)
{
  JsonArray *enable = NULL;

  if (arguments && json_object_has_member (arguments, "enable"))
    enable = json_object_get_array_member (arguments, "enable");
  if (enable && json_array_get_length (enable) > 0)
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "Capability %s not available",
                 json_array_get_string_element (enable, 0));
  return NULL;
}

SV_QMP_COMMAND (query_version)
{
  sv_qmp_call_set_text (call, SV_QMP_VERSION_JSON);
  return NULL;
}

static void
append_name (JsonArray *array, guint16 name)
{
  JsonObject *info = json_object_new ();

  json_object_set_string_member (info, "name", sv_qmp_schema_string (name));
  json_array_add_object_element (array, info);
}

SV_QMP_COMMAND (query_commands)
{
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; i < sv_qmp_schema_n_commands; i++)
    append_name (array, sv_qmp_schema_commands[i].name);
  return sv_qmp_array_node (array);
}

SV_QMP_COMMAND (query_events)
{
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; i < sv_qmp_schema_n_events; i++)
    append_name (array, sv_qmp_schema_events[i].name);
  return sv_qmp_array_node (array);
}

SV_QMP_COMMAND (query_qmp_schema)
{
  sv_qmp_call_set_text (call, sv_qmp_schema_json);
  return NULL;
}

SV_QMP_COMMAND (query_command_line_options)
{
  const char *wanted
      = arguments ? json_object_get_string_member_with_default (arguments, "option", NULL) : NULL;
  g_autoptr (JsonNode) all = sv_qmp_server_list_options (sv_qmp_call_get_root (call));
  JsonArray *options = json_node_get_array (all);
  g_autoptr (JsonArray) found = NULL;

  if (wanted == NULL)
    return g_steal_pointer (&all);
  found = json_array_new ();
  for (guint i = 0; i < json_array_get_length (options); i++)
    {
      JsonNode *option = json_array_get_element (options, i);

      if (g_str_equal (json_object_get_string_member (json_node_get_object (option), "option"),
                       wanted))
        json_array_add_element (found, json_node_copy (option));
    }
  if (json_array_get_length (found) > 0)
    return sv_qmp_array_node (found);
  g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "invalid option name: '%s'", wanted);
  return NULL;
}

SV_QMP_COMMAND (query_jobs)
{
  sv_qmp_call_set_text (call, "[]");
  return NULL;
}

SV_QMP_COMMAND (query_name)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, NULL);
  g_autoptr (JsonObject) info = json_object_new ();
  g_autofree char *name = machine ? sv_qmp_dup_string (SV_OBJECT (machine), "name") : NULL;

  if (name && name[0] != '\0')
    json_object_set_string_member (info, "name", name);
  return sv_qmp_object_node (info);
}

SV_QMP_COMMAND (query_uuid)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, NULL);
  g_autoptr (JsonObject) info = json_object_new ();
  g_autofree char *uuid = machine ? sv_qmp_dup_string (SV_OBJECT (machine), "uuid") : NULL;

  json_object_set_string_member (
      info, "UUID", uuid && uuid[0] != '\0' ? uuid : "00000000-0000-0000-0000-000000000000");
  return sv_qmp_object_node (info);
}
