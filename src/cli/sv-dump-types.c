/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints what the type registry knows, as JSON, for the generators of the introspection data and of documents:
 * every class with a wire name and its ancestors below SvObject, with their own properties.
 */

#include <stdio.h>
#include <stdlib.h>

#include "hw/core/sv-device.h"
#include "qom/sv-property.h"
#include "qom/sv-type-registry.h"
#include "src/runtime/sv-vm-lock.h"
#include "src/sv-type-list.h"

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

static void
add_flag (JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

static void
add_property (JsonBuilder *builder, GParamSpec *pspec)
{
  g_autofree char *type = sv_property_dup_type_name (pspec);
  JsonNode *value = sv_property_dup_default (pspec);

  json_builder_begin_object (builder);
  add_string (builder, "name", pspec->name);
  add_string (builder, "wire-name", sv_property_get_wire_name (pspec));
  add_string (builder, "type", type);
  add_string (builder, "gtype", g_type_name (pspec->value_type));
  add_string (builder, "description", g_param_spec_get_blurb (pspec));
  add_flag (builder, "readable", (pspec->flags & G_PARAM_READABLE) != 0);
  add_flag (builder, "writable", (pspec->flags & G_PARAM_WRITABLE) != 0);
  add_flag (builder, "wiring", (pspec->flags & SV_PARAM_WIRING) != 0);
  add_flag (builder, "internal", (pspec->flags & SV_PARAM_INTERNAL) != 0);
  if (value != NULL)
    {
      json_builder_set_member_name (builder, "default-value");
      json_builder_add_value (builder, value);
    }
  json_builder_end_object (builder);
}

static void
add_type (JsonBuilder *builder, GHashTable *seen, GType type)
{
  g_autoptr (GTypeClass) klass = NULL;
  g_autofree GParamSpec **pspecs = NULL;
  guint n;

  if (!g_type_is_a (type, SV_TYPE_OBJECT) || !g_hash_table_add (seen, GSIZE_TO_POINTER (type)))
    return;
  add_type (builder, seen, g_type_parent (type));

  klass = g_type_class_ref (type);
  pspecs = g_object_class_list_properties (G_OBJECT_CLASS (klass), &n);
  json_builder_begin_object (builder);
  add_string (builder, "name", g_type_name (type));
  add_string (builder, "parent", g_type_name (g_type_parent (type)));
  add_string (builder, "wire-name", sv_type_registry_get_name (type));
  add_flag (builder, "abstract", G_TYPE_IS_ABSTRACT (type));
  if (SV_IS_DEVICE_CLASS (klass))
    {
      add_string (builder, "description", SV_DEVICE_CLASS (klass)->description);
      add_flag (builder, "user-creatable", SV_DEVICE_CLASS (klass)->user_creatable);
    }
  json_builder_set_member_name (builder, "properties");
  json_builder_begin_array (builder);
  for (guint i = 0; i < n; i++)
    if (pspecs[i]->owner_type == type)
      add_property (builder, pspecs[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

typedef struct
{
  JsonBuilder *builder;
  GHashTable *seen;
} Dump;

static void
add_entry (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  Dump *dump = user_data;

  add_type (dump->builder, dump->seen, type);
}

int
main (void)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;
  Dump dump = { builder, seen };

  sv_type_list_register ();
  sv_vm_lock ();
  json_builder_begin_array (builder);
  sv_type_registry_foreach (SV_TYPE_OBJECT, TRUE, add_entry, &dump);
  json_builder_end_array (builder);
  sv_vm_unlock ();
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  return puts (text) < 0 || fflush (stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
