/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-value.h"

#include <string.h>

#include "qom/sv-property.h"
#include "qom/sv-type-registry.h"
#include "qom/sv-wide.h"

/*
 * The one converter between GValues and what users and clients write. Nothing is clamped silently:
 * a value that the GParamSpec does not allow is an error that tells what it does allow.
 */

/* What the property accepts, for errors. */
static char *
describe_accepted (GParamSpec *pspec)
{
  GString *text = g_string_new (NULL);
  SvWide min;
  SvWide max;

  if (sv_wide_get_range (pspec, &min, &max))
    {
      g_string_append (text, sv_wide_is_size (pspec) ? "a size from " : "an integer from ");
      sv_wide_append (text, pspec, min);
      g_string_append (text, " to ");
      sv_wide_append (text, pspec, max);
    }
  else if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    g_string_append (text, "'on' or 'off'");
  else if (G_IS_PARAM_SPEC_ENUM (pspec))
    {
      GEnumClass *klass = G_PARAM_SPEC_ENUM (pspec)->enum_class;

      for (guint i = 0; i < klass->n_values; i++)
        g_string_append_printf (text, "%s'%s'",
                                i == 0                    ? ""
                                : i + 1 < klass->n_values ? ", "
                                                          : " or ",
                                klass->values[i].value_nick);
    }
  else if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    g_string_append_printf (text, "a number from %g to %g", G_PARAM_SPEC_DOUBLE (pspec)->minimum,
                            G_PARAM_SPEC_DOUBLE (pspec)->maximum);
  else if (G_IS_PARAM_SPEC_OBJECT (pspec))
    g_string_append_printf (text, "the id or path of an object of type '%s'",
                            sv_type_registry_get_display_name (pspec->value_type));
  else if (pspec->value_type == G_TYPE_STRV)
    g_string_append (text, "a list of strings");
  else
    g_string_append (text, "a string");
  return g_string_free (text, FALSE);
}

static gboolean
fail (GParamSpec *pspec, SvObjectError code, const char *got, GError **error)
{
  g_autofree char *accepted = describe_accepted (pspec);

  g_set_error (error, SV_OBJECT_ERROR, code, "Parameter '%s' expects %s, got '%s'",
               sv_property_get_wire_name (pspec), accepted, got);
  return FALSE;
}

static gboolean
fail_json (GParamSpec *pspec, JsonNode *node, GError **error)
{
  g_autofree char *got = json_to_string (node, FALSE);

  if (strlen (got) > 64)
    strcpy (got + 61, "...");
  return fail (pspec, SV_OBJECT_ERROR_TYPE, got, error);
}

static gboolean
integer_from_string (GValue *value, GParamSpec *pspec, const char *string, GError **error)
{
  gboolean negative = *string == '-' && !sv_wide_is_size (pspec);
  guint64 magnitude;
  gboolean parsed;
  SvWide number;
  SvWide min;
  SvWide max;

  if (sv_wide_is_size (pspec))
    parsed = sv_parse_size (string, pspec->flags & SV_PARAM_SIZE_MIB ? 1024 * 1024 : 1, &magnitude,
                            NULL);
  else
    parsed = sv_parse_uint64 (string + negative, &magnitude, NULL);
  if (!parsed)
    return fail (pspec, SV_OBJECT_ERROR_INVALID, string, error);

  number = negative ? -(SvWide)magnitude : (SvWide)magnitude;
  sv_wide_get_range (pspec, &min, &max);
  if (number < min || number > max)
    return fail (pspec, SV_OBJECT_ERROR_INVALID, string, error);
  sv_wide_set (value, number);
  return TRUE;
}

static gboolean
set_double (GValue *value, GParamSpec *pspec, double number)
{
  GParamSpecDouble *range = G_PARAM_SPEC_DOUBLE (pspec);

  /* Not-a-number fails both comparisons. */
  if (!(number >= range->minimum && number <= range->maximum))
    return FALSE;
  g_value_set_double (value, number);
  return TRUE;
}

static gboolean
double_from_string (GValue *value, GParamSpec *pspec, const char *string, GError **error)
{
  char *end = NULL;
  double number = 0;

  if (*string == '-' || g_ascii_isdigit (*string))
    number = g_ascii_strtod (string, &end);
  if (end == NULL || *end != '\0' || !set_double (value, pspec, number))
    return fail (pspec, SV_OBJECT_ERROR_INVALID, string, error);
  return TRUE;
}

static gboolean
link_from_string (
    GValue *value, GParamSpec *pspec, const char *string, SvObject *scope, GError **error)
{
  GError *cause = NULL;
  SvObject *target = NULL;

  if (*string == '\0')
    {
      g_value_set_object (value, NULL);
      return TRUE;
    }
  if (scope == NULL)
    return fail (pspec, SV_OBJECT_ERROR_NOT_FOUND, string, error);

  target = sv_object_resolve (scope, string, pspec->value_type, &cause);
  if (target == NULL)
    {
      g_autofree char *accepted = describe_accepted (pspec);

      g_set_error (error, SV_OBJECT_ERROR, cause->code, "Parameter '%s' expects %s, got '%s': %s",
                   sv_property_get_wire_name (pspec), accepted, string, cause->message);
      g_error_free (cause);
      return FALSE;
    }
  g_value_set_object (value, target);
  return TRUE;
}

/**
 * sv_value_from_string:
 * @value: an uninitialised value, or one of the property's type
 * @pspec: the property
 * @string: `on/off/yes/no/true/false`; a decimal, `0x` or octal number; a size with a suffix for
 *   properties that are sizes; the nick of an enum value; the id or path of an object (empty:
 * none); strings separated by `:`
 * @scope: (nullable): an object of the tree in which links are resolved
 * @error: return location
 *
 * Converts a string to a property's value.
 *
 * Returns: %FALSE with an error that names the property, @string and what would be accepted
 */
gboolean
sv_value_from_string (
    GValue *value, GParamSpec *pspec, const char *string, SvObject *scope, GError **error)
{
  GEnumValue *enum_value;
  gboolean flag;
  SvWide min;
  SvWide max;

  g_return_val_if_fail (string != NULL, FALSE);

  if (!G_IS_VALUE (value))
    g_value_init (value, pspec->value_type);

  if (sv_wide_get_range (pspec, &min, &max))
    return integer_from_string (value, pspec, string, error);

  switch (G_TYPE_FUNDAMENTAL (pspec->value_type))
    {
    case G_TYPE_BOOLEAN:
      if (!sv_parse_bool (string, &flag, NULL))
        return fail (pspec, SV_OBJECT_ERROR_INVALID, string, error);
      g_value_set_boolean (value, flag);
      return TRUE;
    case G_TYPE_ENUM:
      enum_value = g_enum_get_value_by_nick (G_PARAM_SPEC_ENUM (pspec)->enum_class, string);
      if (enum_value == NULL)
        return fail (pspec, SV_OBJECT_ERROR_INVALID, string, error);
      g_value_set_enum (value, enum_value->value);
      return TRUE;
    case G_TYPE_DOUBLE:
      return double_from_string (value, pspec, string, error);
    case G_TYPE_STRING:
      g_value_set_string (value, string);
      return TRUE;
    case G_TYPE_OBJECT:
      return link_from_string (value, pspec, string, scope, error);
    case G_TYPE_BOXED:
      if (pspec->value_type == G_TYPE_STRV)
        {
          g_value_take_boxed (value, g_strsplit (string, ":", -1));
          return TRUE;
        }
      break;
    default:
      break;
    }
  return fail (pspec, SV_OBJECT_ERROR_TYPE, string, error);
}

static gboolean
strv_from_json (GValue *value, GParamSpec *pspec, JsonNode *node, GError **error)
{
  JsonArray *array = json_node_get_array (node);
  guint n = json_array_get_length (array);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < n; i++)
    {
      JsonNode *element = json_array_get_element (array, i);

      if (json_node_get_value_type (element) == G_TYPE_INT64)
        {
          g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (element));

          g_strv_builder_add (builder, number);
          continue;
        }
      if (json_node_get_value_type (element) != G_TYPE_STRING)
        return fail_json (pspec, node, error);
      g_strv_builder_add (builder, json_node_get_string (element));
    }
  g_value_take_boxed (value, g_strv_builder_end (builder));
  return TRUE;
}

/**
 * sv_value_check_json_type:
 * @pspec: the property
 * @node: a value
 * @error: return location
 *
 * Clients that know JSON say `true` and `1`; a string that would be converted is refused here.
 *
 * Returns: %FALSE with an error that names the property, @node and what would be accepted
 */
gboolean
sv_value_check_json_type (GParamSpec *pspec, JsonNode *node, GError **error)
{
  g_autofree char *got = NULL;

  if (json_node_get_value_type (node) != G_TYPE_STRING
      && !(G_IS_PARAM_SPEC_BOOLEAN (pspec) && json_node_get_value_type (node) != G_TYPE_BOOLEAN))
    return TRUE;
  switch (G_TYPE_FUNDAMENTAL (pspec->value_type))
    {
    case G_TYPE_STRING:
    case G_TYPE_ENUM:
    case G_TYPE_OBJECT:
      return TRUE;
    case G_TYPE_BOOLEAN:
      got = json_to_string (node, FALSE);
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE,
                   "Parameter '%s' expects true or false, got '%.64s'",
                   sv_property_get_wire_name (pspec), got);
      return FALSE;
    default:
      return pspec->value_type == JSON_TYPE_NODE || fail_json (pspec, node, error);
    }
}

/**
 * sv_value_from_json:
 * @value: an uninitialised value, or one of the property's type
 * @pspec: the property
 * @node: a number, boolean or list for properties of that type; `null` for a link to nothing; or a
 *   string, which is converted by [func@value_from_string]
 * @scope: (nullable): an object of the tree in which links are resolved
 * @error: return location
 *
 * Converts a JSON value to a property's value. A number for a size counts bytes.
 *
 * Returns: %FALSE with an error that names the property, @node and what would be accepted
 */
gboolean
sv_value_from_json (
    GValue *value, GParamSpec *pspec, JsonNode *node, SvObject *scope, GError **error)
{
  GType json_type = json_node_get_value_type (node);
  SvWide number;
  SvWide min;
  SvWide max;

  if (!G_IS_VALUE (value))
    g_value_init (value, pspec->value_type);

  if (pspec->value_type == JSON_TYPE_NODE)
    g_value_set_boxed (value, node);
  else if (json_type == G_TYPE_STRING)
    return sv_value_from_string (value, pspec, json_node_get_string (node), scope, error);
  else if (json_type == G_TYPE_INT64 && sv_wide_get_range (pspec, &min, &max))
    {
      number = json_node_get_int (node);
      if (number < min || number > max)
        {
          g_autofree char *got = g_strdup_printf ("%" G_GINT64_FORMAT, (gint64)number);

          return fail (pspec, SV_OBJECT_ERROR_INVALID, got, error);
        }
      sv_wide_set (value, number);
    }
  else if (json_type == G_TYPE_BOOLEAN && G_IS_PARAM_SPEC_BOOLEAN (pspec))
    g_value_set_boolean (value, json_node_get_boolean (node));
  else if ((json_type == G_TYPE_DOUBLE || json_type == G_TYPE_INT64)
           && G_IS_PARAM_SPEC_DOUBLE (pspec))
    return set_double (value, pspec, json_node_get_double (node)) || fail_json (pspec, node, error);
  else if (JSON_NODE_HOLDS_ARRAY (node) && pspec->value_type == G_TYPE_STRV)
    return strv_from_json (value, pspec, node, error);
  else if (JSON_NODE_HOLDS_NULL (node) && G_IS_PARAM_SPEC_OBJECT (pspec))
    g_value_set_object (value, NULL);
  else
    return fail_json (pspec, node, error);
  return TRUE;
}
