/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

typedef struct _SvQmpCall SvQmpCall;

/**
 * SvQmpHandler:
 * @call: the command being executed
 * @arguments: (nullable): its arguments, valid by the schema
 * @error: return location for an error; use %SV_QMP_ERROR where the class matters
 *
 * Executes a command, on the main thread under the VM lock.
 *
 * Returns: (transfer full) (nullable): what to return to the client; %NULL for an empty object, or
 * when the handler called sv_qmp_call_defer() or sv_qmp_call_set_text()
 */
typedef JsonNode *SvQmpHandler (SvQmpCall *call, JsonObject *arguments, GError **error);

/**
 * SvQmpCommand:
 * @name: offset in sv_qmp_schema_strings
 * @arguments: type of the arguments (a struct)
 * @returns: type of the return value
 * @handler: executes it
 */
typedef struct
{
  guint16 name;
  guint16 arguments;
  guint16 returns;
  SvQmpHandler *handler;
} SvQmpCommand;

extern const SvQmpCommand sv_qmp_schema_commands[];
extern const guint sv_qmp_schema_n_commands;

/**
 * SV_QMP_COMMAND:
 * @name: the command's name with underscores for hyphens
 *
 * Begins the definition of a command's handler. The build fails unless each command of
 * data/qmp-schema has exactly one.
 */
#define SV_QMP_COMMAND(name)                                                                       \
  SvQmpHandler sv_qmp_command_##name;                                                              \
  JsonNode *sv_qmp_command_##name (SvQmpCall *call, JsonObject *arguments, GError **error)

/* The command of this name; %NULL when there is none. */
const SvQmpCommand *sv_qmp_command_find (const char *name);

G_END_DECLS
