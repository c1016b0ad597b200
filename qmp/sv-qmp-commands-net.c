/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about networks. */

#include <string.h>

#include "hw/core/sv-device.h"
#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-tree.h"
#include "qom/sv-type-registry.h"
#include "src/net/sv-netdev.h"

/* QEMU's lists of strings are lists of {"str": ...}. */
static JsonNode *
unwrap_strings (JsonNode *node)
{
  JsonNode *result;
  JsonArray *wrapped, *plain;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return json_node_copy (node);
  wrapped = json_node_get_array (node);
  plain = json_array_new ();
  for (guint i = 0; i < json_array_get_length (wrapped); i++)
    {
      JsonNode *element = json_array_get_element (wrapped, i);
      JsonNode *string = JSON_NODE_HOLDS_OBJECT (element)
                             ? json_object_get_member (json_node_get_object (element), "str")
                             : NULL;

      json_array_add_element (plain, json_node_copy (string ? string : element));
    }
  result = json_node_new (JSON_NODE_ARRAY);
  json_node_take_array (result, plain);
  return result;
}

SV_QMP_COMMAND (netdev_add)
{
  const char *id = json_object_get_string_member (arguments, "id");
  const char *type = json_object_get_string_member_with_default (arguments, "type", "tap");
  g_autofree char *wire_type = g_strconcat ("netdev-", type, NULL);
  SvObject *netdevs = sv_object_ensure_container (sv_qmp_call_get_root (call), "netdevs");
  g_autoptr (JsonObject) properties = json_object_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (sv_object_get_child (netdevs, id))
    {
      g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "Netdev with id '%s' already exists",
                   id);
      return NULL;
    }
  if (!g_type_is_a (sv_type_registry_lookup (wire_type), SV_TYPE_NETDEV))
    {
      g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                   "Parameter 'type' does not accept value '%s'", type);
      return NULL;
    }
  json_object_iter_init_ordered (&iter, arguments);
  while (json_object_iter_next_ordered (&iter, &name, &node))
    if (strcmp (name, "id") != 0 && strcmp (name, "type") != 0)
      json_object_set_member (properties, name, unwrap_strings (node));
  sv_qmp_add_object (call, "netdevs", id, wire_type, SV_TYPE_NETDEV, properties, error);
  return NULL;
}

SV_QMP_COMMAND (netdev_del)
{
  const char *id = json_object_get_string_member (arguments, "id");
  SvObject *netdevs = sv_object_ensure_container (sv_qmp_call_get_root (call), "netdevs");
  SvObject *netdev = sv_object_get_child (netdevs, id);

  if (!netdev)
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", id);
  else
    sv_object_remove (netdev, error);
  return NULL;
}

SV_QMP_COMMAND (set_link)
{
  const char *name = json_object_get_string_member (arguments, "name");
  SvObject *netdevs = sv_object_ensure_container (sv_qmp_call_get_root (call), "netdevs");
  SvObject *card = sv_object_get_child (netdevs, name);

  if (card)
    card = sv_object_get_user (card);
  else
    {
      card = sv_qmp_resolve (call, name, SV_TYPE_DEVICE, error);
      if (!card)
        return NULL;
    }
  if (!card || !sv_property_find (G_OBJECT_GET_CLASS (card), "link"))
    {
      g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                   "'%s' is no network card and no back end of one", name);
      return NULL;
    }
  sv_object_set_property_json (card, "link", json_object_get_member (arguments, "up"), NULL, error);
  return NULL;
}

static gboolean
has_filter (SvObject *object)
{
  return object != NULL && sv_property_find (G_OBJECT_GET_CLASS (object), "rx-filter") != NULL;
}

SV_QMP_COMMAND (query_rx_filter)
{
  g_autoptr (GPtrArray) devices = sv_qmp_collect (sv_qmp_call_get_root (call), SV_TYPE_DEVICE);
  g_autoptr (JsonArray) array = json_array_new ();
  const char *wanted
      = arguments ? json_object_get_string_member_with_default (arguments, "name", NULL) : NULL;

  for (guint i = 0; i < devices->len; i++)
    {
      SvObject *card = g_ptr_array_index (devices, i);
      g_autoptr (JsonNode) node = NULL;
      g_autofree char *path = NULL;
      const char *name = sv_object_get_id (card);

      /* A transport has the properties of what it carries, and its name. */
      if (!has_filter (card) || has_filter (sv_object_get_parent (card)))
        continue;
      path = sv_object_dup_path (card);
      if (wanted != NULL && strcmp (wanted, name) != 0 && strcmp (wanted, path) != 0)
        continue;
      node = sv_object_get_property_json (card, "rx-filter", error);
      if (node == NULL)
        return NULL;
      json_object_set_string_member (json_node_get_object (node), "name", name);
      json_array_add_element (array, g_steal_pointer (&node));
    }
  if (wanted == NULL || json_array_get_length (array) > 0)
    return sv_qmp_array_node (array);
  g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
               "'%s' is no network card with a filter", wanted);
  return NULL;
}
