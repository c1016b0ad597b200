/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-dispatch.h"

#include <string.h>

#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-schema.h"

static const SvQmpCommand *
fail (GError **error, SvQmpError klass, const char *format, const char *word)
{
  g_autoptr (GString) text = g_string_new (format);

  g_string_replace (text, "$", word, 1);
  g_set_error_literal (error, SV_QMP_ERROR, (int)klass, text->str);
  return NULL;
}

/* The command, with its arguments checked. */
static const SvQmpCommand *
find_command (JsonNode *request, JsonObject **arguments, GError **error)
{
  const SvQmpCommand *command = NULL;
  const char *name = NULL;
  JsonObjectIter iter;
  const char *key;
  JsonNode *member;

  if (!JSON_NODE_HOLDS_OBJECT (request))
    return fail (error, SV_QMP_ERROR_GENERIC, "QMP input must be a JSON object", "");

  json_object_iter_init_ordered (&iter, json_node_get_object (request));
  while (json_object_iter_next_ordered (&iter, &key, &member))
    {
      if (strcmp (key, "execute") == 0)
        {
          if (!JSON_NODE_HOLDS_VALUE (member) || json_node_get_value_type (member) != G_TYPE_STRING)
            return fail (error, SV_QMP_ERROR_GENERIC, "QMP input member 'execute' must be a string",
                         "");
          name = json_node_get_string (member);
        }
      else if (strcmp (key, "arguments") == 0)
        {
          if (!JSON_NODE_HOLDS_OBJECT (member))
            return fail (error, SV_QMP_ERROR_GENERIC,
                         "QMP input member 'arguments' must be an object", "");
          *arguments = json_node_get_object (member);
        }
      else if (strcmp (key, "id") != 0)
        return fail (error, SV_QMP_ERROR_GENERIC, "QMP input member '$' is unexpected", key);
    }
  if (!name)
    return fail (error, SV_QMP_ERROR_GENERIC, "QMP input lacks member 'execute'", "");

  command = sv_qmp_command_find (name);
  if (!command)
    return fail (error, SV_QMP_ERROR_COMMAND_NOT_FOUND, "The command $ has not been found", name);
  return sv_qmp_schema_check_object (command->arguments, *arguments, error) ? command : NULL;
}

void
sv_qmp_dispatch (SvQmpCall *call, JsonNode *request, GError *error)
{
  const SvQmpCommand *command = NULL;
  JsonObject *arguments = NULL;

  if (request)
    command = find_command (request, &arguments, &error);
  if (command)
    sv_qmp_call_run (call, command->handler, arguments);
  else
    sv_qmp_call_finish (sv_qmp_call_defer (call), NULL, error);
}
