/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

/* Deepest nesting of arrays and objects, and most values, that one message may have. */
#define SV_QMP_JSON_MAX_DEPTH 1024
#define SV_QMP_JSON_MAX_VALUES 65536

/**
 * sv_qmp_json_parse:
 * @text: one JSON value and optional white space; need not end in NUL
 * @length: its length in bytes
 * @error: return location for an error
 *
 * Parses strictly by RFC 8259, except that strings may also stand in single quotes, as QEMU allows.
 * Invalid UTF-8, duplicate keys and the character U+0000 are refused. Numbers without fraction and
 * exponent that fit become integers (gint64), all others doubles.
 *
 * Returns: (transfer full) (nullable): the value; %NULL with an error whose text begins with
 *   "JSON parse error, " and is worded as QEMU words it
 */
JsonNode *sv_qmp_json_parse (const char *text, gsize length, GError **error);

/**
 * sv_qmp_json_parse_at:
 * @text: one JSON value and optional white space; need not end in NUL
 * @length: its length in bytes
 * @where: (out): how far parsing came
 * @error: return location for an error
 *
 * As sv_qmp_json_parse(), for texts that a person wrote.
 */
JsonNode *
sv_qmp_json_parse_at (const char *text, gsize length, gsize *where, GError **error);

/**
 * sv_qmp_json_parse_request:
 * @text: one JSON value and optional white space; need not end in NUL
 * @length: its length in bytes
 * @id: gets the value of the object's member 'id' as it was written, but without white space between tokens;
 *   empty when there is none
 * @error: return location for an error
 *
 * As sv_qmp_json_parse(). Numbers of the id can be larger than those of a #JsonNode.
 */
JsonNode *
sv_qmp_json_parse_request (const char *text, gsize length, GString *id, GError **error);

/**
 * sv_qmp_json_append:
 * @out: where to append
 * @node: any JSON value
 *
 * Appends @node without any white space. Bytes of strings that are not UTF-8 become U+FFFD.
 */
void sv_qmp_json_append (GString *out, JsonNode *node);

/* Appends @string as a JSON string, quotes included. */
void sv_qmp_json_append_string (GString *out, const char *string);

G_END_DECLS
