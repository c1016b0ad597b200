/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about types, and those that make objects and devices of them. */

#include <string.h>

#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-tree.h"
#include "qom/sv-type-registry.h"
#include "qom/sv-value.h"

typedef struct
{
  JsonArray *array;
  const char *implements;
} TypeList;

/* Also by the name of a class that has no entry of its own, as `device`. */
static gboolean
derives_from (GType type, const char *ancestor)
{
  if (strcmp (ancestor, "object") == 0)
    return TRUE;
  for (; type != SV_TYPE_OBJECT; type = g_type_parent (type))
    if (strcmp (sv_type_registry_get_display_name (type), ancestor) == 0)
      return TRUE;
  return FALSE;
}

static void
append_type (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  TypeList *list = user_data;
  const char *parent = alias_of;
  JsonObject *info;

  if (list->implements && !derives_from (type, list->implements))
    return;
  if (!parent)
    {
      parent = "object";
      if (type != SV_TYPE_OBJECT && g_type_parent (type) != SV_TYPE_OBJECT)
        parent = sv_type_registry_get_display_name (g_type_parent (type));
    }
  info = json_object_new ();
  json_object_set_string_member (info, "name", name);
  if (G_TYPE_IS_ABSTRACT (type))
    json_object_set_boolean_member (info, "abstract", TRUE);
  json_object_set_string_member (info, "parent", parent);
  json_array_add_object_element (list->array, info);
}

SV_QMP_COMMAND (qom_list_types)
{
  g_autoptr (JsonArray) array = json_array_new ();
  TypeList list = { array, NULL };
  gboolean abstract = FALSE;

  if (arguments)
    {
      list.implements = json_object_get_string_member_with_default (arguments, "implements", NULL);
      abstract = json_object_get_boolean_member_with_default (arguments, "abstract", FALSE);
    }
  sv_type_registry_foreach (SV_TYPE_OBJECT, abstract, append_type, &list);
  return sv_qmp_array_node (array);
}

static JsonNode *
list_properties (GType type, GType stop_at)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);
  g_autoptr (GPtrArray) list = sv_property_list (G_OBJECT_CLASS (klass));
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; i < list->len; i++)
    {
      GParamSpec *pspec = g_ptr_array_index (list, i);
      g_autofree char *type_name = NULL;
      const char *blurb = g_param_spec_get_blurb (pspec);
      JsonNode *value;
      JsonObject *info;

      /* Of a device, only what -device takes. */
      if (stop_at != G_TYPE_INVALID
          && (g_type_is_a (stop_at, pspec->owner_type) || !(pspec->flags & G_PARAM_WRITABLE)))
        continue;
      type_name = sv_property_dup_type_name (pspec);
      value = sv_property_dup_default (pspec);
      info = json_object_new ();
      json_object_set_string_member (info, "name", sv_property_get_wire_name (pspec));
      json_object_set_string_member (info, "type", type_name);
      if (blurb && blurb[0] != '\0')
        json_object_set_string_member (info, "description", blurb);
      if (value)
        json_object_set_member (info, "default-value", value);
      json_array_add_object_element (array, info);
    }
  return sv_qmp_array_node (array);
}

SV_QMP_COMMAND (qom_list_properties)
{
  GType type = sv_type_registry_lookup (json_object_get_string_member (arguments, "typename"));

  if (type != G_TYPE_INVALID && g_type_is_a (type, SV_TYPE_OBJECT))
    return list_properties (type, G_TYPE_INVALID);
  /* libvirt asks about types that QEMU has, and does not survive an error. */
  sv_qmp_call_set_text (call, "[]");
  return NULL;
}

SV_QMP_COMMAND (device_list_properties)
{
  const char *name = json_object_get_string_member (arguments, "typename");
  GType type = sv_type_registry_lookup (name);

  if (type == G_TYPE_INVALID)
    {
      g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_DEVICE_NOT_FOUND, "Device '%s' not found",
                   name);
      return NULL;
    }
  if (!g_type_is_a (type, SV_TYPE_DEVICE) || G_TYPE_IS_ABSTRACT (type))
    {
      g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                           "Parameter 'typename' expects a non-abstract device type");
      return NULL;
    }
  return list_properties (type, SV_TYPE_DEVICE);
}

/* Objects */

static gboolean
check_back_end (const char *name, GError **error)
{
  GType type = sv_type_registry_lookup (name);
  g_autoptr (GTypeClass) klass = NULL;

  if (type != G_TYPE_INVALID && g_type_is_a (type, SV_TYPE_OBJECT) && !G_TYPE_IS_ABSTRACT (type))
    klass = g_type_class_ref (type);
  if (klass && g_strcmp0 (SV_OBJECT_CLASS (klass)->container, "objects") == 0)
    return TRUE;
  g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
               "Parameter 'qom-type' does not accept value '%s'", name);
  return FALSE;
}

/* As QEMU's: what is a number or boolean is not said in a string. */
static gboolean
check_json_types (const char *name, JsonObject *properties, GError **error)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (sv_type_registry_lookup (name));
  JsonObjectIter iter;
  const char *member;
  JsonNode *node;

  json_object_iter_init_ordered (&iter, properties);
  while (json_object_iter_next_ordered (&iter, &member, &node))
    {
      GParamSpec *pspec = sv_property_find (G_OBJECT_CLASS (klass), member);

      if (pspec && !sv_value_check_json_type (pspec, node, error))
        return FALSE;
    }
  return TRUE;
}

SV_QMP_COMMAND (object_add)
{
  const char *type = json_object_get_string_member (arguments, "qom-type");
  const char *id = json_object_get_string_member (arguments, "id");

  if (check_back_end (type, error) && check_json_types (type, arguments, error))
    sv_qmp_add_object (call, "objects", id, type, SV_TYPE_OBJECT, arguments, error);
  return NULL;
}

SV_QMP_COMMAND (object_del)
{
  const char *id = json_object_get_string_member (arguments, "id");
  SvObject *objects = sv_object_ensure_container (sv_qmp_call_get_root (call), "objects");
  SvObject *object = sv_object_get_child (objects, id);

  if (!object)
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "object '%s' not found", id);
  else
    sv_object_remove (object, error);
  return NULL;
}

/* Devices */

SV_QMP_COMMAND (device_add)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, error);

  if (machine)
    sv_machine_add_device (machine, arguments, error);
  return NULL;
}

SV_QMP_COMMAND (device_del)
{
  const char *id = json_object_get_string_member (arguments, "id");
  SvMachine *machine = sv_qmp_call_get_machine (call, error);
  SvObject *device;

  if (!machine)
    return NULL;
  device = sv_qmp_resolve (call, id, SV_TYPE_DEVICE, error);
  if (device)
    sv_machine_request_unplug (machine, SV_DEVICE (device), error);
  return NULL;
}
