/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands that look at the object tree and its properties. */

#include <string.h>

#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-tree.h"
#include "qom/sv-type-registry.h"
#include "qom/sv-value.h"

static JsonObject *
new_info (const char *name, const char *type)
{
  JsonObject *info = json_object_new ();

  json_object_set_string_member (info, "name", name);
  json_object_set_string_member (info, "type", type);
  return info;
}

static JsonObject *
describe_property (GParamSpec *pspec, gboolean details)
{
  g_autofree char *type = sv_property_dup_type_name (pspec);
  JsonObject *info = new_info (sv_property_get_wire_name (pspec), type);
  const char *blurb = g_param_spec_get_blurb (pspec);
  JsonNode *value = details ? sv_property_dup_default (pspec) : NULL;

  if (details && blurb && blurb[0] != '\0')
    json_object_set_string_member (info, "description", blurb);
  if (value)
    json_object_set_member (info, "default-value", value);
  return info;
}

static void
add_reference (JsonArray *array, const char *kind, SvObject *object, gboolean value)
{
  g_autofree char *type = g_strdup_printf (
      "%s<%s>", kind, sv_type_registry_get_display_name (G_OBJECT_TYPE (object)));
  JsonObject *info = new_info (sv_object_get_id (object), type);

  if (value)
    sv_qmp_set_path (info, "value", object);
  json_array_add_object_element (array, info);
}

/* What qom-list and qom-list-get say of an object: its type, the objects below it, its properties. */
static JsonArray *
describe_object (SvObject *object, gboolean values)
{
  JsonArray *array = json_array_new ();
  JsonObject *info = new_info ("type", "string");
  SvObject *linked;
  g_autoptr (GPtrArray) list = sv_property_list (G_OBJECT_GET_CLASS (object));

  if (values)
    json_object_set_string_member (
        info, "value", sv_type_registry_get_display_name (G_OBJECT_TYPE (object)));
  json_array_add_object_element (array, info);
  for (guint i = 0; i < sv_object_get_n_children (object); i++)
    add_reference (array, "child", sv_object_get_nth_child (object, i), values);
  for (guint i = 0; (linked = sv_object_get_nth_linked (object, i)) != NULL; i++)
    add_reference (array, "link", linked, values);
  for (guint i = 0; i < list->len; i++)
    {
      GParamSpec *pspec = g_ptr_array_index (list, i);

      info = describe_property (pspec, FALSE);
      if (values && (pspec->flags & G_PARAM_READABLE))
        sv_qmp_copy_property (info, "value", object, sv_property_get_wire_name (pspec));
      json_array_add_object_element (array, info);
    }
  return array;
}

SV_QMP_COMMAND (qom_list)
{
  SvObject *object = sv_qmp_resolve (call, json_object_get_string_member (arguments, "path"),
                                     SV_TYPE_OBJECT, error);
  g_autoptr (JsonArray) array = NULL;

  if (!object)
    return NULL;
  array = describe_object (object, FALSE);
  return sv_qmp_array_node (array);
}

static JsonObject *
new_entry (SvObject *object)
{
  JsonObject *entry = json_object_new ();

  json_object_set_array_member (entry, "properties", describe_object (object, TRUE));
  return entry;
}

static gboolean
add_entry (SvObject *object, gpointer user_data)
{
  JsonObject *entry = new_entry (object);

  sv_qmp_set_path (entry, "path", object);
  json_array_add_object_element (user_data, entry);
  return TRUE;
}

SV_QMP_COMMAND (qom_list_get)
{
  JsonArray *paths = json_object_get_array_member (arguments, "paths");
  gboolean recursive = json_object_get_boolean_member_with_default (arguments, "recursive", FALSE);
  g_autoptr (JsonArray) result = json_array_new ();

  for (guint i = 0; i < json_array_get_length (paths); i++)
    {
      SvObject *object
          = sv_qmp_resolve (call, json_array_get_string_element (paths, i), SV_TYPE_OBJECT, error);

      if (!object)
        return NULL;
      if (recursive)
        sv_object_walk (object, add_entry, result);
      else
        json_array_add_object_element (result, new_entry (object));
    }
  return sv_qmp_array_node (result);
}

static JsonNode *
fail_property (SvObject *object, const char *name, const char *what, GError **error)
{
  g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "Property '%s.%s' %s",
               sv_type_registry_get_display_name (G_OBJECT_TYPE (object)), name, what);
  return NULL;
}

SV_QMP_COMMAND (qom_get)
{
  const char *name = json_object_get_string_member (arguments, "property");
  SvObject *object = sv_qmp_resolve (call, json_object_get_string_member (arguments, "path"),
                                     SV_TYPE_OBJECT, error);
  SvObject *child;

  if (!object)
    return NULL;
  if (sv_property_find (G_OBJECT_GET_CLASS (object), name))
    return sv_object_get_property_json (object, name, error);
  if (strcmp (name, "type") == 0)
    return json_node_init_string (json_node_alloc (),
                                  sv_type_registry_get_display_name (G_OBJECT_TYPE (object)));
  child = sv_object_get_below (object, name);
  if (child)
    {
      g_autofree char *path = sv_object_dup_path (child);

      return json_node_init_string (json_node_alloc (), path);
    }
  return fail_property (object, name, "not found", error);
}

SV_QMP_COMMAND (qom_set)
{
  const char *name = json_object_get_string_member (arguments, "property");
  SvObject *object = sv_qmp_resolve (call, json_object_get_string_member (arguments, "path"),
                                     SV_TYPE_OBJECT, error);
  JsonNode *value = json_object_get_member (arguments, "value");
  GParamSpec *pspec;

  if (!object)
    return NULL;
  pspec = sv_property_find (G_OBJECT_GET_CLASS (object), name);
  if ((!pspec && (strcmp (name, "type") == 0 || sv_object_get_below (object, name)))
      || (pspec && !(pspec->flags & G_PARAM_WRITABLE)))
    return fail_property (object, name, "is not writable", error);
  if (!pspec)
    return fail_property (object, name, "not found", error);
  if (sv_value_check_json_type (pspec, value, error))
    sv_object_set_property_json (object, name, value, NULL, error);
  return NULL;
}
