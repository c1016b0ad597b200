/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

typedef enum
{
  SV_QMP_TYPE_STRING,
  SV_QMP_TYPE_INTEGER,
  SV_QMP_TYPE_NUMBER,
  SV_QMP_TYPE_BOOLEAN,
  SV_QMP_TYPE_NULL,
  SV_QMP_TYPE_ANY,
  SV_QMP_TYPE_ENUM,
  SV_QMP_TYPE_ARRAY,
  SV_QMP_TYPE_STRUCT,
  SV_QMP_TYPE_UNION,
  SV_QMP_TYPE_ALTERNATE,
} SvQmpTypeKind;

/**
 * SvQmpType:
 * @name: offset in sv_qmp_schema_strings
 * @kind: a #SvQmpTypeKind
 * @open: of a struct: members that are not listed are welcome (properties of a device ...)
 * @first: index in sv_qmp_schema_members of the first member, or enum value
 * @n: how many members
 * @element: of an array: type of the elements; of a union: a struct with one member per variant
 * @tag: of a union: which member selects the variant
 * @minimum: of an integer
 * @maximum: of an integer
 *
 * One type of the schema. The tables are made from data/qmp-schema when the program is built.
 */
typedef struct
{
  guint16 name;
  guint8 kind;
  guint8 open;
  guint16 first;
  guint16 n;
  guint16 element;
  guint16 tag;
  gint64 minimum;
  gint64 maximum;
} SvQmpType;

typedef struct
{
  guint16 name;
  guint16 type;
  guint16 optional;
} SvQmpMember;

typedef struct
{
  guint16 name;
  guint16 data;
} SvQmpEvent;

extern const char sv_qmp_schema_strings[];
extern const SvQmpType sv_qmp_schema_types[];
extern const SvQmpMember sv_qmp_schema_members[];
extern const SvQmpEvent sv_qmp_schema_events[];
extern const guint sv_qmp_schema_n_events;

/* The whole schema as query-qmp-schema returns it. */
extern const char sv_qmp_schema_json[];

static inline const char *
sv_qmp_schema_string (guint16 offset)
{
  return sv_qmp_schema_strings + offset;
}

/**
 * sv_qmp_schema_find_event:
 * @name: name of an event
 *
 * Returns: (transfer none) (nullable): its entry
 */
const SvQmpEvent *sv_qmp_schema_find_event (const char *name);

/**
 * sv_qmp_schema_check:
 * @type: index of a type
 * @node: a value
 * @error: return location for an error
 *
 * Checks a value against a type of the schema: types, ranges, enum values, mandatory and unknown
 * members, at every depth. Errors name the member by its path (`cache.direct`, `keys[0]`) and are
 * worded as QEMU words them.
 *
 * Returns: whether @node fits
 */
gboolean sv_qmp_schema_check (guint16 type, JsonNode *node, GError **error);

/* The same for the arguments of a command; %NULL stands for no arguments. */
gboolean sv_qmp_schema_check_object (guint16 type, JsonObject *object, GError **error);

G_END_DECLS
