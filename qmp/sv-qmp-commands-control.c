/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about the connection and the program. */

#include <unistd.h>

#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-schema.h"
#include "qmp/sv-qmp-tree.h"
#include "qmp/sv-qmp-version.h"
#include "src/runtime/sv-fd-store.h"

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
  sv_qmp_call_set_text (call, "[]");
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
