/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-tree.h"

#include <string.h>

#include "qmp/sv-qmp-error.h"

SvObject *
sv_qmp_resolve (SvQmpCall *call, const char *path, GType type, GError **error)
{
  g_autoptr (GError) local = NULL;
  SvObject *root = sv_qmp_call_get_root (call);
  SvObject *object = NULL;

  /* An id is that of a device, whatever else is so called: on microvm a disk has its image's name. */
  if (path[0] != '\0' && strchr (path, '/') == NULL)
    {
      g_autofree char *device = g_strconcat ("/machine/peripheral/", path, NULL);

      object = sv_object_resolve (root, device, type, NULL);
    }
  if (!object)
    object = sv_object_resolve (root, path, type, &local);
  if (object)
    return object;
  if (g_error_matches (local, SV_OBJECT_ERROR, SV_OBJECT_ERROR_AMBIGUOUS))
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", path);
  return NULL;
}

GPtrArray *
sv_qmp_collect (SvObject *root, GType type)
{
  return sv_object_collect (root, type);
}

SvObject *
sv_qmp_add_object (SvQmpCall *call,
                   const char *container,
                   const char *id,
                   const char *type,
                   GType ancestor,
                   JsonObject *properties,
                   GError **error)
{
  SvObject *root = sv_qmp_call_get_root (call);
  SvObject *parent = sv_object_ensure_container (root, container);
  g_autoptr (SvObject) object = NULL;

  if (!sv_object_check_id (id, error))
    return NULL;
  object = sv_object_new_from_json (type, ancestor, properties, root, error);
  if (!object || !sv_object_add_child (parent, id, object, error))
    return NULL;
  if (!sv_object_complete (object, error))
    {
      sv_object_unparent (object);
      return NULL;
    }
  return object;
}

static JsonNode *
get_property (SvObject *object, const char *name)
{
  return sv_object_get_property_json (object, name, NULL);
}

gint64
sv_qmp_get_int (SvObject *object, const char *name, gint64 fallback)
{
  g_autoptr (JsonNode) node = get_property (object, name);

  return node && json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node)
                                                                 : fallback;
}

gboolean
sv_qmp_get_bool (SvObject *object, const char *name, gboolean fallback)
{
  g_autoptr (JsonNode) node = get_property (object, name);

  return node && json_node_get_value_type (node) == G_TYPE_BOOLEAN ? json_node_get_boolean (node)
                                                                   : fallback;
}

char *
sv_qmp_dup_string (SvObject *object, const char *name)
{
  g_autoptr (JsonNode) node = get_property (object, name);

  return node && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_dup_string (node)
                                                                  : NULL;
}

void
sv_qmp_copy_property (JsonObject *target, const char *name, SvObject *object, const char *property)
{
  JsonNode *node = get_property (object, property);

  if (node)
    json_object_set_member (target, name, node);
}

void
sv_qmp_set_path (JsonObject *target, const char *name, SvObject *object)
{
  g_autofree char *path = sv_object_dup_path (object);

  json_object_set_string_member (target, name, path);
}

JsonNode *
sv_qmp_object_node (JsonObject *object)
{
  return json_node_init_object (json_node_alloc (), object);
}

JsonNode *
sv_qmp_array_node (JsonArray *array)
{
  return json_node_init_array (json_node_alloc (), array);
}
