/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client/sv-client-value.h"

#include "client/sv-remote-object.h"

static GVariant *
from_array (JsonArray *array)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autoptr (GVariant) item = sv_client_value_from_json (json_array_get_element (array, i));

      g_variant_builder_add (&builder, "v", item);
    }
  return g_variant_builder_end (&builder);
}

static GVariant *
from_object (JsonObject *object)
{
  GVariantBuilder builder;
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &member))
    {
      g_autoptr (GVariant) item = sv_client_value_from_json (member);

      g_variant_builder_add (&builder, "{sv}", name, item);
    }
  return g_variant_builder_end (&builder);
}

GVariant *
sv_client_value_from_json (JsonNode *node)
{
  GVariant *variant;

  switch (json_node_get_node_type (node))
    {
    case JSON_NODE_OBJECT:
      variant = from_object (json_node_get_object (node));
      break;
    case JSON_NODE_ARRAY:
      variant = from_array (json_node_get_array (node));
      break;
    case JSON_NODE_VALUE:
      if (json_node_get_value_type (node) == G_TYPE_BOOLEAN)
        variant = g_variant_new_boolean (json_node_get_boolean (node));
      else if (json_node_get_value_type (node) == G_TYPE_INT64)
        variant = g_variant_new_int64 (json_node_get_int (node));
      else if (json_node_get_value_type (node) == G_TYPE_DOUBLE)
        variant = g_variant_new_double (json_node_get_double (node));
      else
        variant = g_variant_new_string (json_node_get_string (node));
      break;
    case JSON_NODE_NULL:
    default:
      variant = g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL);
      break;
    }
  return g_variant_ref_sink (variant);
}

JsonNode *
sv_client_value_to_json (GVariant *variant)
{
  return json_gvariant_serialize (variant);
}

void
sv_client_value_init (GValue *value, JsonNode *node)
{
  if (JSON_NODE_HOLDS_VALUE (node))
    json_node_get_value (node, value);
  else
    {
      g_value_init (value, G_TYPE_VARIANT);
      g_value_take_variant (value, sv_client_value_from_json (node));
    }
}

static JsonNode *
dup_strings (const char *const *strings)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; strings != NULL && strings[i] != NULL; i++)
    json_array_add_string_element (array, strings[i]);
  return json_node_init_array (json_node_alloc (), array);
}

JsonNode *
sv_client_value_dup_json (const GValue *value, GError **error)
{
  g_auto (GValue) number = G_VALUE_INIT;

  if (G_VALUE_HOLDS (value, JSON_TYPE_NODE) && g_value_get_boxed (value) != NULL)
    return g_value_dup_boxed (value);
  if (G_VALUE_HOLDS_VARIANT (value) && g_value_get_variant (value) != NULL)
    return sv_client_value_to_json (g_value_get_variant (value));
  if (G_VALUE_HOLDS_STRING (value))
    return json_node_init_string (json_node_alloc (), g_value_get_string (value));
  if (G_VALUE_HOLDS (value, G_TYPE_STRV))
    return dup_strings (g_value_get_boxed (value));
  if (G_VALUE_HOLDS_BOOLEAN (value))
    return json_node_init_boolean (json_node_alloc (), g_value_get_boolean (value));
  if (G_VALUE_HOLDS_DOUBLE (value) || G_VALUE_HOLDS_FLOAT (value))
    {
      g_value_init (&number, G_TYPE_DOUBLE);
      g_value_transform (value, &number);
      return json_node_init_double (json_node_alloc (), g_value_get_double (&number));
    }
  if (G_VALUE_HOLDS (value, SV_TYPE_REMOTE_OBJECT))
    return json_node_init_string (
        json_node_alloc (),
        g_value_get_object (value) != NULL ? sv_remote_object_get_path (g_value_get_object (value)) : "");
  if (G_VALUE_HOLDS_ENUM (value))
    {
      g_autoptr (GEnumClass) klass = g_type_class_ref (G_VALUE_TYPE (value));
      const GEnumValue *entry = g_enum_get_value (klass, g_value_get_enum (value));

      return json_node_init_string (json_node_alloc (), entry != NULL ? entry->value_nick : "");
    }
  if (G_VALUE_HOLDS_UINT64 (value) && g_value_get_uint64 (value) > G_MAXINT64)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "A number above %" G_GINT64_FORMAT " cannot be sent",
                   G_MAXINT64);
      return NULL;
    }
  g_value_init (&number, G_TYPE_INT64);
  if (g_value_type_transformable (G_VALUE_TYPE (value), G_TYPE_INT64) && g_value_transform (value, &number))
    return json_node_init_int (json_node_alloc (), g_value_get_int64 (&number));
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "A value of type %s cannot be sent; use a boolean, number, string, object of this VM or GVariant",
               G_VALUE_TYPE_NAME (value));
  return NULL;
}

gboolean
sv_client_value_set_members (JsonObject *object, GHashTable *values, GError **error)
{
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  if (values == NULL)
    return TRUE;
  g_hash_table_iter_init (&iter, values);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      JsonNode *node = sv_client_value_dup_json (value, error);

      if (node == NULL)
        {
          g_prefix_error (error, "%s: ", (const char *)name);
          return FALSE;
        }
      json_object_set_member (object, name, node);
    }
  return TRUE;
}
