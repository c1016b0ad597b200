/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-schema.h"

#include <stdlib.h>
#include <math.h>
#include <string.h>

#include "qmp/sv-qmp-command.h"
#include "qmp/sv-qmp-error.h"

static int
compare_command (gconstpointer name, gconstpointer command)
{
  return strcmp (name, sv_qmp_schema_string (((const SvQmpCommand *)command)->name));
}

static int
compare_event (gconstpointer name, gconstpointer event)
{
  return strcmp (name, sv_qmp_schema_string (((const SvQmpEvent *)event)->name));
}

const SvQmpCommand *
sv_qmp_command_find (const char *name)
{
  return bsearch (name, sv_qmp_schema_commands, sv_qmp_schema_n_commands,
                  sizeof *sv_qmp_schema_commands, compare_command);
}

const SvQmpEvent *
sv_qmp_schema_find_event (const char *name)
{
  return bsearch (name, sv_qmp_schema_events, sv_qmp_schema_n_events, sizeof *sv_qmp_schema_events,
                  compare_event);
}

/* Where in the arguments the check is; on the stack, the innermost first. */
typedef struct _Place Place;
struct _Place
{
  const Place *outer;
  const char *member; /* or NULL for an element */
  guint index;
};

static gboolean check (const SvQmpType *type, JsonNode *node, const Place *place, GError **error);

static void
append_place (GString *path, const Place *place)
{
  if (place->outer)
    append_place (path, place->outer);
  if (!place->member)
    g_string_append_printf (path, "[%u]", place->index);
  else
    g_string_append_printf (path, "%s%s", path->len > 0 ? "." : "", place->member);
}

/* In @format, $PATH stands for where the error is, $WHAT for @what. */
static gboolean
fail (GError **error, const Place *place, const char *format, const char *what)
{
  g_autoptr (GString) text = g_string_new (NULL);

  while (*format != '\0')
    {
      if (g_str_has_prefix (format, "$PATH"))
        {
          g_autoptr (GString) path = g_string_new (NULL);

          if (place)
            append_place (path, place);
          g_string_append (text, path->len > 0 ? path->str : "arguments");
          format += strlen ("$PATH");
        }
      else if (g_str_has_prefix (format, "$WHAT"))
        {
          g_string_append (text, what);
          format += strlen ("$WHAT");
        }
      else
        g_string_append_c (text, *format++);
    }
  g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, text->str);
  return FALSE;
}

static gboolean
wrong_type (GError **error, const Place *place, const char *expected)
{
  return fail (error, place, "Invalid parameter type for '$PATH', expected: $WHAT", expected);
}

static GType
node_type (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;
}

static const SvQmpMember *
find_member (const SvQmpType *type, const char *name)
{
  const SvQmpMember *members = sv_qmp_schema_members + type->first;

  for (guint i = 0; i < type->n; i++)
    if (strcmp (sv_qmp_schema_string (members[i].name), name) == 0)
      return &members[i];
  return NULL;
}

/* Members that @type lists: they are there unless optional, and valid. Returns how many are there.
 */
static gboolean
check_members (
    const SvQmpType *type, JsonObject *object, const Place *place, guint *n_found, GError **error)
{
  const SvQmpMember *members = sv_qmp_schema_members + type->first;

  for (guint i = 0; i < type->n; i++)
    {
      const char *name = sv_qmp_schema_string (members[i].name);
      JsonNode *node = object ? json_object_get_member (object, name) : NULL;
      Place inner = { place, name, 0 };

      if (node)
        {
          (*n_found)++;
          if (!check (&sv_qmp_schema_types[members[i].type], node, &inner, error))
            return FALSE;
        }
      else if (!members[i].optional)
        return fail (error, &inner, "Parameter '$PATH' is missing", "");
    }
  return TRUE;
}

static gboolean
check_object (const SvQmpType *type, JsonObject *object, const Place *place, GError **error)
{
  const SvQmpType *variant = NULL;
  guint n_found = 0;
  JsonObjectIter iter;
  const char *name;

  if (!check_members (type, object, place, &n_found, error))
    return FALSE;
  if (type->kind == SV_QMP_TYPE_UNION)
    {
      const SvQmpMember *tag = sv_qmp_schema_members + type->first + type->tag;
      const char *value = json_object_get_string_member_with_default (
          object, sv_qmp_schema_string (tag->name), "");
      const SvQmpMember *found = find_member (&sv_qmp_schema_types[type->element], value);

      if (found)
        {
          variant = &sv_qmp_schema_types[found->type];
          if (!check_members (variant, object, place, &n_found, error))
            return FALSE;
        }
    }
  if (type->open || !object || json_object_get_size (object) == n_found)
    return TRUE;

  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, NULL))
    if (!find_member (type, name) && !(variant && find_member (variant, name)))
      {
        Place inner = { place, name, 0 };

        return fail (error, &inner, "Parameter '$PATH' is unexpected", "");
      }
  return TRUE;
}

static gboolean
check_integer (const SvQmpType *type, JsonNode *node, const Place *place, GError **error)
{
  gint64 value;

  if (node_type (node) == G_TYPE_DOUBLE && fabs (json_node_get_double (node)) >= 0x1p63)
    return fail (error, place, "Parameter '$PATH' expects an integer of 64 bits with a sign", "");
  if (node_type (node) != G_TYPE_INT64)
    return wrong_type (error, place, "integer");
  value = json_node_get_int (node);
  if (value < type->minimum || value > type->maximum)
    return fail (error, place, "Parameter '$PATH' expects $WHAT",
                 sv_qmp_schema_string (type->name));
  return TRUE;
}

static gboolean
check_enum (const SvQmpType *type, JsonNode *node, const Place *place, GError **error)
{
  if (node_type (node) != G_TYPE_STRING)
    return wrong_type (error, place, "string");
  if (!find_member (type, json_node_get_string (node)))
    return fail (error, place, "Parameter '$PATH' does not accept value '$WHAT'",
                 json_node_get_string (node));
  return TRUE;
}

static gboolean
check_array (const SvQmpType *type, JsonNode *node, const Place *place, GError **error)
{
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return wrong_type (error, place, "array");
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      Place inner = { place, NULL, i };

      if (!check (&sv_qmp_schema_types[type->element], json_array_get_element (array, i), &inner,
                  error))
        return FALSE;
    }
  return TRUE;
}

/* Whether a value of this JSON type can be of @type at all; alternates differ in that. */
static gboolean
may_be (const SvQmpType *type, JsonNode *node)
{
  switch ((SvQmpTypeKind)type->kind)
    {
    case SV_QMP_TYPE_STRING:
    case SV_QMP_TYPE_ENUM:
      return node_type (node) == G_TYPE_STRING;
    case SV_QMP_TYPE_INTEGER:
      return node_type (node) == G_TYPE_INT64;
    case SV_QMP_TYPE_NUMBER:
      return node_type (node) == G_TYPE_INT64 || node_type (node) == G_TYPE_DOUBLE;
    case SV_QMP_TYPE_BOOLEAN:
      return node_type (node) == G_TYPE_BOOLEAN;
    case SV_QMP_TYPE_NULL:
      return JSON_NODE_HOLDS_NULL (node);
    case SV_QMP_TYPE_ARRAY:
      return JSON_NODE_HOLDS_ARRAY (node);
    case SV_QMP_TYPE_STRUCT:
    case SV_QMP_TYPE_UNION:
      return JSON_NODE_HOLDS_OBJECT (node);
    case SV_QMP_TYPE_ANY:
    case SV_QMP_TYPE_ALTERNATE:
    default:
      return TRUE;
    }
}

static gboolean
check_alternate (const SvQmpType *type, JsonNode *node, const Place *place, GError **error)
{
  const SvQmpMember *members = sv_qmp_schema_members + type->first;

  for (guint i = 0; i < type->n; i++)
    {
      const SvQmpType *branch = &sv_qmp_schema_types[members[i].type];

      if (may_be (branch, node))
        return check (branch, node, place, error);
    }
  return wrong_type (error, place, sv_qmp_schema_string (type->name));
}

static gboolean
check (const SvQmpType *type, JsonNode *node, const Place *place, GError **error)
{
  switch ((SvQmpTypeKind)type->kind)
    {
    case SV_QMP_TYPE_STRING:
      return may_be (type, node) || wrong_type (error, place, "string");
    case SV_QMP_TYPE_INTEGER:
      return check_integer (type, node, place, error);
    case SV_QMP_TYPE_NUMBER:
      return may_be (type, node) || wrong_type (error, place, "number");
    case SV_QMP_TYPE_BOOLEAN:
      return may_be (type, node) || wrong_type (error, place, "boolean");
    case SV_QMP_TYPE_NULL:
      return may_be (type, node) || wrong_type (error, place, "null");
    case SV_QMP_TYPE_ENUM:
      return check_enum (type, node, place, error);
    case SV_QMP_TYPE_ARRAY:
      return check_array (type, node, place, error);
    case SV_QMP_TYPE_STRUCT:
    case SV_QMP_TYPE_UNION:
      if (!JSON_NODE_HOLDS_OBJECT (node))
        return wrong_type (error, place, "object");
      return check_object (type, json_node_get_object (node), place, error);
    case SV_QMP_TYPE_ALTERNATE:
      return check_alternate (type, node, place, error);
    case SV_QMP_TYPE_ANY:
    default:
      return TRUE;
    }
}

gboolean
sv_qmp_schema_check (guint16 type, JsonNode *node, GError **error)
{
  return check (&sv_qmp_schema_types[type], node, NULL, error);
}

gboolean
sv_qmp_schema_check_object (guint16 type, JsonObject *object, GError **error)
{
  return check_object (&sv_qmp_schema_types[type], object, NULL, error);
}
