/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-property.h"

#include <string.h>

#include "qom/sv-suggestion.h"
#include "qom/sv-type-registry.h"

/**
 * sv_property_get_wire_name:
 * @pspec: a property
 *
 * Returns: (transfer none): what the command line and QMP call the property: its nick
 */
const char *
sv_property_get_wire_name (GParamSpec *pspec)
{
  return g_param_spec_get_nick (pspec);
}

static gboolean
is_on_wire (GParamSpec *pspec)
{
  return !(pspec->flags & SV_PARAM_INTERNAL) && g_type_is_a (pspec->owner_type, SV_TYPE_OBJECT);
}

/**
 * sv_property_dup_type_name:
 * @pspec: a property
 *
 * Returns: (transfer full): QEMU's name of the type: `bool`, `uint16`, `int64`, `size`, `str`,
 *   `link<iothread>`, `strList`, `number`, `any` or the name of an enum
 */
char *
sv_property_dup_type_name (GParamSpec *pspec)
{
  const char *name;

  if (pspec->flags & (SV_PARAM_SIZE | SV_PARAM_SIZE_MIB))
    return g_strdup ("size");

  switch (G_TYPE_FUNDAMENTAL (pspec->value_type))
    {
    case G_TYPE_BOOLEAN:
      return g_strdup ("bool");
    case G_TYPE_CHAR:
      return g_strdup ("int8");
    case G_TYPE_UCHAR:
      return g_strdup ("uint8");
    case G_TYPE_INT:
      return g_strdup ("int32");
    case G_TYPE_UINT:
      if (G_PARAM_SPEC_UINT (pspec)->maximum <= G_MAXUINT8)
        return g_strdup ("uint8");
      if (G_PARAM_SPEC_UINT (pspec)->maximum <= G_MAXUINT16)
        return g_strdup ("uint16");
      return g_strdup ("uint32");
    case G_TYPE_LONG:
    case G_TYPE_INT64:
      return g_strdup ("int64");
    case G_TYPE_ULONG:
    case G_TYPE_UINT64:
      return g_strdup ("uint64");
    case G_TYPE_DOUBLE:
      return g_strdup ("number");
    case G_TYPE_STRING:
      return g_strdup ("str");
    case G_TYPE_ENUM:
      name = g_type_name (pspec->value_type);
      return g_strdup (g_str_has_prefix (name, "Sv") ? name + 2 : name);
    case G_TYPE_OBJECT:
      return g_strdup_printf ("link<%s>", sv_type_registry_get_display_name (pspec->value_type));
    default:
      return g_strdup (pspec->value_type == G_TYPE_STRV ? "strList" : "any");
    }
}

/**
 * sv_property_dup_default:
 * @pspec: a property
 *
 * Returns: (transfer full) (nullable): the default; %NULL where there is none worth telling
 */
JsonNode *
sv_property_dup_default (GParamSpec *pspec)
{
  const GValue *value = g_param_spec_get_default_value (pspec);

  if (!(pspec->flags & G_PARAM_WRITABLE) || G_IS_PARAM_SPEC_OBJECT (pspec)
      || G_IS_PARAM_SPEC_BOXED (pspec)
      || (G_IS_PARAM_SPEC_STRING (pspec) && g_value_get_string (value) == NULL))
    return NULL;
  return sv_value_to_json (value, pspec);
}

/**
 * sv_property_list:
 * @klass: a class
 *
 * Returns: (transfer container) (element-type GParamSpec): its properties that are on the wire, in
 *   order of declaration, ancestors' first
 */
GPtrArray *
sv_property_list (GObjectClass *klass)
{
  GPtrArray *list = g_ptr_array_new ();
  guint n;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (klass, &n);

  for (guint i = 0; i < n; i++)
    if (is_on_wire (pspecs[i]))
      g_ptr_array_add (list, pspecs[i]);
  return list;
}

/**
 * sv_property_find:
 * @klass: a class
 * @wire_name: a property's wire name, or else its GObject name
 *
 * Returns: (transfer none) (nullable): the property, when it is on the wire
 */
GParamSpec *
sv_property_find (GObjectClass *klass, const char *wire_name)
{
  GParamSpec *by_name = g_object_class_find_property (klass, wire_name);
  g_autoptr (GPtrArray) list = NULL;

  if (by_name != NULL && !is_on_wire (by_name))
    by_name = NULL;
  if (by_name != NULL && strcmp (sv_property_get_wire_name (by_name), wire_name) == 0)
    return by_name;

  list = sv_property_list (klass);
  for (guint i = 0; i < list->len; i++)
    if (strcmp (sv_property_get_wire_name (g_ptr_array_index (list, i)), wire_name) == 0)
      return g_ptr_array_index (list, i);
  return by_name;
}

static gboolean
fail_unknown_property (GObjectClass *klass, const char *name, GError **error)
{
  g_autoptr (GPtrArray) list = sv_property_list (klass);
  g_autofree char *hint = NULL;
  SvSuggestion suggestion;

  sv_suggestion_init (&suggestion, name);
  for (guint i = 0; i < list->len; i++)
    sv_suggestion_consider (&suggestion, sv_property_get_wire_name (g_ptr_array_index (list, i)));
  hint = sv_suggestion_dup_hint (&suggestion);
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND, "Property '%s' not found%s", name,
               hint);
  return FALSE;
}

/* Puts the object in front of an error about one of its properties. */
static gboolean
fail_with_label (SvObject *self, GError *cause, GError **error)
{
  const char *id = sv_object_get_id (self);

  if (id != NULL)
    g_prefix_error (&cause, "%s '%s': ", sv_type_registry_get_display_name (G_OBJECT_TYPE (self)),
                    id);
  else
    g_prefix_error (&cause, "%s: ", sv_type_registry_get_display_name (G_OBJECT_TYPE (self)));
  g_propagate_error (error, cause);
  return FALSE;
}

static GParamSpec *
find_writable (SvObject *self, const char *name, GError **error)
{
  GParamSpec *pspec = sv_property_find (G_OBJECT_GET_CLASS (self), name);

  if (pspec == NULL)
    {
      fail_unknown_property (G_OBJECT_GET_CLASS (self), name, error);
      return NULL;
    }
  if (!(pspec->flags & G_PARAM_WRITABLE) || (pspec->flags & G_PARAM_CONSTRUCT_ONLY))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_READ_ONLY, "Property '%s' cannot be set",
                   name);
      return NULL;
    }
  return sv_object_can_change (self, pspec, error) ? pspec : NULL;
}

/* Who watches the object is told once of what changed, also when its class does not tell. */
static void
set_and_notify (SvObject *self, GParamSpec *pspec, const GValue *value)
{
  g_auto (GValue) before = G_VALUE_INIT;
  g_auto (GValue) after = G_VALUE_INIT;

  if (!(pspec->flags & G_PARAM_READABLE))
    {
      g_object_set_property (G_OBJECT (self), pspec->name, value);
      return;
    }
  g_object_freeze_notify (G_OBJECT (self));
  g_object_get_property (G_OBJECT (self), pspec->name, &before);
  g_object_set_property (G_OBJECT (self), pspec->name, value);
  g_object_get_property (G_OBJECT (self), pspec->name, &after);
  if (g_param_values_cmp (pspec, &before, &after) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), pspec);
  g_object_thaw_notify (G_OBJECT (self));
}

/**
 * sv_object_set_property_json:
 * @self: an object
 * @name: wire name of a property
 * @node: the new value
 * @scope: (nullable): an object of the tree in which links are resolved; %NULL: @self's own
 * @error: return location
 *
 * Sets a property on behalf of the outside (command line, QMP): asks can_change, converts, sets.
 *
 * Returns: %FALSE with an error that names @self and the property
 */
gboolean
sv_object_set_property_json (
    SvObject *self, const char *name, JsonNode *node, SvObject *scope, GError **error)
{
  GError *cause = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  GParamSpec *pspec;

  g_return_val_if_fail (SV_IS_OBJECT (self), FALSE);

  pspec = find_writable (self, name, &cause);
  if (pspec == NULL || !sv_value_from_json (&value, pspec, node, scope ? scope : self, &cause))
    return fail_with_label (self, cause, error);
  set_and_notify (self, pspec, &value);
  return TRUE;
}

/* A number, however the language at the other end holds it. NULL: none, or one that is too large. */
static JsonNode *
number_to_json (const GValue *value)
{
  g_auto (GValue) number = G_VALUE_INIT;

  g_value_init (&number, G_TYPE_INT64);
  if (G_VALUE_HOLDS_BOOLEAN (value) || G_VALUE_HOLDS_ENUM (value) || !g_value_transform (value, &number)
      || (G_VALUE_HOLDS_UINT64 (value) && g_value_get_int64 (&number) < 0)
      || (G_VALUE_HOLDS_DOUBLE (value) && g_value_get_double (value) != (double)g_value_get_int64 (&number)))
    return NULL;
  return json_node_init_int (json_node_alloc (), g_value_get_int64 (&number));
}

/**
 * sv_object_set_value:
 * @self: an object
 * @property: name of a property
 * @value: the new value: of the property's type, or a string as on the command line
 * @error: return location
 *
 * Sets a property as [method@GObject.Object.set_property] does, and tells why where that cannot be done: properties that
 * say what an object is made of are settled once it is in use, numbers have a range.
 *
 * Returns: %FALSE with an error that names @self and the property
 */
gboolean
sv_object_set_value (SvObject *self, const char *property, const GValue *value, GError **error)
{
  g_auto (GValue) converted = G_VALUE_INIT;
  g_autoptr (JsonNode) number = NULL;
  g_autofree char *text = NULL;
  GError *cause = NULL;
  GParamSpec *pspec;

  g_return_val_if_fail (SV_IS_OBJECT (self), FALSE);
  g_return_val_if_fail (property != NULL, FALSE);
  g_return_val_if_fail (G_IS_VALUE (value), FALSE);

  pspec = find_writable (self, property, &cause);
  if (pspec == NULL)
    return fail_with_label (self, cause, error);
  number = number_to_json (value);
  if (number != NULL)
    return sv_object_set_property_json (self, property, number, NULL, error);
  if (G_VALUE_HOLDS_STRING (value) && g_value_get_string (value) != NULL)
    return sv_object_set_property_string (self, property, g_value_get_string (value), NULL, error);
  g_value_init (&converted, pspec->value_type);
  /* Half a processor is none. */
  if ((!G_VALUE_HOLDS_DOUBLE (value) || G_IS_PARAM_SPEC_DOUBLE (pspec)) && g_value_transform (value, &converted) && !g_param_value_validate (pspec, &converted))
    {
      set_and_notify (self, pspec, &converted);
      return TRUE;
    }
  /* As a string it is refused as well, with what would be accepted. */
  text = g_strdup_value_contents (value);
  return sv_object_set_property_string (self, property, text, NULL, error);
}

/**
 * sv_object_set_property_string:
 * @self: an object
 * @name: wire name of a property
 * @string: the new value, as [func@value_from_string] reads it
 * @scope: (nullable): an object of the tree in which links are resolved; %NULL: @self's own
 * @error: return location
 *
 * As [method@Object.set_property_json], from a string.
 *
 * Returns: %FALSE with an error that names @self and the property
 */
gboolean
sv_object_set_property_string (
    SvObject *self, const char *name, const char *string, SvObject *scope, GError **error)
{
  GError *cause = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  GParamSpec *pspec;

  g_return_val_if_fail (SV_IS_OBJECT (self), FALSE);

  pspec = find_writable (self, name, &cause);
  if (pspec == NULL || !sv_value_from_string (&value, pspec, string, scope ? scope : self, &cause))
    return fail_with_label (self, cause, error);
  set_and_notify (self, pspec, &value);
  return TRUE;
}

/**
 * sv_object_get_property_json:
 * @self: an object
 * @name: wire name of a property
 * @error: return location
 *
 * Returns: (transfer full): the value; %NULL with an error when there is no such property, or it
 *   cannot be read
 */
JsonNode *
sv_object_get_property_json (SvObject *self, const char *name, GError **error)
{
  GError *cause = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  GParamSpec *pspec;

  g_return_val_if_fail (SV_IS_OBJECT (self), NULL);

  pspec = sv_property_find (G_OBJECT_GET_CLASS (self), name);
  if (pspec == NULL)
    fail_unknown_property (G_OBJECT_GET_CLASS (self), name, &cause);
  else if (!(pspec->flags & G_PARAM_READABLE))
    g_set_error (&cause, SV_OBJECT_ERROR, SV_OBJECT_ERROR_READ_ONLY, "Property '%s' cannot be read",
                 name);
  if (cause != NULL)
    {
      fail_with_label (self, cause, error);
      return NULL;
    }

  g_value_init (&value, pspec->value_type);
  g_object_get_property (G_OBJECT (self), pspec->name, &value);
  return sv_value_to_json (&value, pspec);
}

typedef struct
{
  GObjectClass *klass;
  SvObject *scope;
  GPtrArray *names;
  GArray *values;
} Builder;

static gboolean
collect_properties (Builder *builder, JsonObject *properties, const char *prefix, GError **error)
{
  JsonObjectIter iter;
  const char *member;
  JsonNode *node;

  json_object_iter_init_ordered (&iter, properties);
  while (json_object_iter_next_ordered (&iter, &member, &node))
    {
      static const char *const not_ours[] = { "bus", "driver", "id", "qom-type", NULL };
      g_autofree char *name = g_strconcat (prefix, member, NULL);
      GValue value = G_VALUE_INIT;
      GParamSpec *pspec;

      if (*prefix == '\0' && g_strv_contains (not_ours, member))
        continue;

      pspec = sv_property_find (builder->klass, name);
      if (pspec == NULL && JSON_NODE_HOLDS_OBJECT (node) && *prefix == '\0')
        {
          /* {"cache": {"direct": true}} is the property cache.direct. */
          g_autofree char *inner = g_strconcat (member, ".", NULL);

          if (!collect_properties (builder, json_node_get_object (node), inner, error))
            return FALSE;
          continue;
        }
      if (pspec == NULL)
        return fail_unknown_property (builder->klass, name, error);
      if (!(pspec->flags & G_PARAM_WRITABLE))
        {
          g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_READ_ONLY,
                       "Property '%s' cannot be set", name);
          return FALSE;
        }
      if (g_ptr_array_find (builder->names, pspec->name, NULL))
        {
          g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                       "Parameter '%s' is given twice", sv_property_get_wire_name (pspec));
          return FALSE;
        }
      if (!sv_value_from_json (&value, pspec, node, builder->scope, error))
        {
          if (G_IS_VALUE (&value))
            g_value_unset (&value);
          return FALSE;
        }
      g_ptr_array_add (builder->names, (gpointer)pspec->name);
      g_array_append_val (builder->values, value);
    }
  return TRUE;
}

static GType
lookup_type (const char *name, GType ancestor, GError **error)
{
  GType type = sv_type_registry_lookup (name);

  if (type == G_TYPE_INVALID)
    {
      g_autofree char *hint = sv_type_registry_dup_suggestion (name, ancestor);

      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND, "Type '%s' not found%s", name,
                   hint);
      return G_TYPE_INVALID;
    }
  if (!g_type_is_a (type, ancestor))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE, "Type '%s' is not a kind of '%s'",
                   name, sv_type_registry_get_display_name (ancestor));
      return G_TYPE_INVALID;
    }
  if (G_TYPE_IS_ABSTRACT (type))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE,
                   "Type '%s' is abstract: name one of the types below it", name);
      return G_TYPE_INVALID;
    }
  return type;
}

/**
 * sv_object_new_from_json:
 * @type: wire name of a type
 * @ancestor: what the type must be, or be below of
 * @properties: (nullable): wire names and values; members `id`, `driver`, `qom-type` and `bus` are
 *   the caller's and are skipped; a member `a` that is an object `{"b": ...}` means property `a.b`
 * @scope: (nullable): an object of the tree in which links are resolved
 * @error: return location
 *
 * Makes an object and sets its properties. It is neither placed in the tree nor completed.
 *
 * Returns: (transfer full): the object; %NULL with an error that names the type or the property
 */
SvObject *
sv_object_new_from_json (
    const char *type, GType ancestor, JsonObject *properties, SvObject *scope, GError **error)
{
  GType gtype;
  g_autoptr (GTypeClass) klass = NULL;
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GArray) values = NULL;
  Builder builder;

  g_return_val_if_fail (type != NULL, NULL);

  gtype = lookup_type (type, ancestor, error);
  if (gtype == G_TYPE_INVALID)
    return NULL;

  klass = g_type_class_ref (gtype);
  names = g_ptr_array_new ();
  values = g_array_new (FALSE, FALSE, sizeof (GValue));
  g_array_set_clear_func (values, (GDestroyNotify)g_value_unset);
  builder = (Builder){ G_OBJECT_CLASS (klass), scope, names, values };
  if (properties != NULL && !collect_properties (&builder, properties, "", error))
    {
      g_prefix_error (error, "%s: ", type);
      return NULL;
    }
  return SV_OBJECT (g_object_new_with_properties (gtype, names->len, (const char **)names->pdata,
                                                  (const GValue *)values->data));
}
