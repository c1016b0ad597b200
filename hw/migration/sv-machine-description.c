/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a VM is made of, to tell whether the state of one fits another. */
#include "hw/migration/sv-machine-state.h"

#include "qom/sv-property.h"
#include "qom/sv-type-registry.h"

#if defined(__x86_64__)
#define ARCHITECTURE "x86_64"
#elif defined(__aarch64__)
#define ARCHITECTURE "aarch64"
#else
#error "unknown architecture"
#endif

#define DEVICES "a(ssa{ss})"

/* Properties of the machine that its guest sees */
static const char *const machine_properties[]
    = { "memory-size", "cpus", "max-cpus", "sockets", "dies", "cores", "threads", "cpu", NULL };

/* Properties of devices that only the host knows of: they may differ. Links to back ends may as well. */
static const char *const host_properties[]
    = { "bootindex", "rerror", "werror", "vhostfd", "max-bytes", "period", "host", "guid", NULL };

/* --- making --- */

static char *
dup_value (SvObject *object, GParamSpec *pspec)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, pspec->value_type);
  g_object_get_property (G_OBJECT (object), pspec->name, &value);
  return sv_value_to_string (&value, pspec);
}

static gboolean
is_seen_by_guest (GParamSpec *pspec)
{
  return (pspec->flags & SV_PARAM_WIRING) != 0 && (pspec->flags & G_PARAM_READABLE) != 0
         && !g_type_is_a (pspec->value_type, SV_TYPE_OBJECT)
         && !g_strv_contains (host_properties, sv_property_get_wire_name (pspec));
}

/* "(ssa{ss})": path, class, properties; the bus is one of them. */
static GVariant *
describe_device (SvDevice *device)
{
  SvObject *object = SV_OBJECT (device);
  g_autoptr (GPtrArray) pspecs = sv_property_list (G_OBJECT_GET_CLASS (object));
  g_auto (GVariantBuilder) properties = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));
  SvBus *bus = sv_device_get_bus (device);
  g_autofree char *path = sv_object_dup_path (object);

  if (bus != NULL)
    {
      g_autofree char *bus_path = sv_object_dup_path (SV_OBJECT (bus));

      g_variant_builder_add (&properties, "{ss}", "bus", bus_path);
    }
  for (guint i = 0; i < pspecs->len; i++)
    {
      g_autofree char *value = NULL;

      if (!is_seen_by_guest (pspecs->pdata[i]))
        continue;
      value = dup_value (object, pspecs->pdata[i]);
      g_variant_builder_add (&properties, "{ss}", sv_property_get_wire_name (pspecs->pdata[i]), value != NULL ? value : "");
    }
  return g_variant_new ("(ss@a{ss})", path, G_OBJECT_TYPE_NAME (object), g_variant_builder_end (&properties));
}

static gboolean
add_device (SvObject *object, gpointer user_data)
{
  if (SV_IS_DEVICE (object))
    g_variant_builder_add_value (user_data, describe_device (SV_DEVICE (object)));
  return TRUE;
}

static GVariant *
describe_devices (SvMachine *machine)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE (DEVICES));

  sv_object_walk (SV_OBJECT (machine), add_device, &builder);
  return g_variant_builder_end (&builder);
}

static char *
dup_machine_property (SvMachine *machine, const char *name)
{
  GParamSpec *pspec = sv_property_find (G_OBJECT_GET_CLASS (machine), name);
  char *value = pspec != NULL ? dup_value (SV_OBJECT (machine), pspec) : NULL;

  return value != NULL ? value : g_strdup ("");
}

GVariant *
sv_machine_describe (SvMachine *machine, const char *id)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{sv}"));

  g_variant_builder_add (&builder, "{sv}", "id", g_variant_new_string (id));
  g_variant_builder_add (&builder, "{sv}", "arch", g_variant_new_string (ARCHITECTURE));
  g_variant_builder_add (&builder, "{sv}", "machine", g_variant_new_string (G_OBJECT_TYPE_NAME (machine)));
  for (guint i = 0; machine_properties[i] != NULL; i++)
    g_variant_builder_add (&builder, "{sv}", machine_properties[i],
                           g_variant_new_take_string (dup_machine_property (machine, machine_properties[i])));
  g_variant_builder_add (&builder, "{sv}", "devices", describe_devices (machine));
  return g_variant_builder_end (&builder);
}

/* --- comparing --- */

static gboolean
check_string (GVariant *description, const char *key, const char *here, GError **error)
{
  const char *there;

  if (!g_variant_lookup (description, key, "&s", &there))
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "it does not tell '%s'", key);
      return FALSE;
    }
  if (g_str_equal (there, here))
    return TRUE;
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "/machine: '%s' is '%s' there and '%s' here", key, there,
               here);
  return FALSE;
}

static gboolean
check_property (const char *path, const char *name, GVariant *there, const char *here, GError **error)
{
  const char *value = NULL;

  if (!g_variant_lookup (there, name, "&s", &value))
    value = NULL;
  if (g_strcmp0 (value, here) == 0)
    return TRUE;
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "%s: '%s' is '%s' there and '%s' here", path, name,
               value != NULL ? value : "not known", here);
  return FALSE;
}

/* A property that this version does not know is none to compare; one that only this version knows must have a value there. */
static gboolean
check_device (GVariant *there, GVariant *here, GError **error)
{
  const char *path, *class_there, *class_here, *name, *value;
  g_autoptr (GVariant) properties_there = NULL;
  g_autoptr (GVariantIter) properties_here = NULL;

  g_variant_get (there, "(&s&s@a{ss})", &path, &class_there, &properties_there);
  g_variant_get (here, "(&s&sa{ss})", NULL, &class_here, &properties_here);
  if (!g_str_equal (class_there, class_here))
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "%s: it is a %s there and a %s here", path,
                   class_there, class_here);
      return FALSE;
    }
  while (g_variant_iter_next (properties_here, "{&s&s}", &name, &value))
    if (!check_property (path, name, properties_there, value, error))
      return FALSE;
  return TRUE;
}

/* By path; a path that comes twice counts once, and the other way round it is missed. */
static GHashTable *
index_devices (GVariant *devices)
{
  GHashTable *index = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);

  for (gsize i = 0; i < g_variant_n_children (devices); i++)
    {
      GVariant *device = g_variant_get_child_value (devices, i);
      char *path;

      g_variant_get_child (device, 0, "s", &path);
      g_hash_table_replace (index, path, device);
    }
  return index;
}

static gboolean
refuse_device (GVariant *device, const char *what, GError **error)
{
  const char *path, *class_name;

  g_variant_get (device, "(&s&s@a{ss})", &path, &class_name, NULL);
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "%s (%s): %s", path, class_name, what);
  return FALSE;
}

static gboolean
check_devices (SvMachine *machine, GVariant *description, GError **error)
{
  g_autoptr (GVariant) there = g_variant_lookup_value (description, "devices", G_VARIANT_TYPE (DEVICES));
  g_autoptr (GVariant) here = g_variant_ref_sink (describe_devices (machine));
  g_autoptr (GHashTable) index = NULL;
  g_autoptr (GHashTable) own = index_devices (here);

  if (there == NULL)
    {
      g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "it does not tell its devices");
      return FALSE;
    }
  index = index_devices (there);
  for (gsize i = 0; i < g_variant_n_children (there); i++)
    {
      g_autoptr (GVariant) device = g_variant_get_child_value (there, i);
      const char *path;

      g_variant_get_child (device, 0, "&s", &path);
      if (g_hash_table_lookup (own, path) == NULL)
        return refuse_device (device, "it is missing here", error);
      if (!check_device (device, g_hash_table_lookup (own, path), error))
        return FALSE;
    }
  for (gsize i = 0; i < g_variant_n_children (here); i++)
    {
      g_autoptr (GVariant) device = g_variant_get_child_value (here, i);
      const char *path;

      g_variant_get_child (device, 0, "&s", &path);
      if (g_hash_table_lookup (index, path) == NULL)
        return refuse_device (device, "it is missing there", error);
    }
  return TRUE;
}

gboolean
sv_machine_description_fits (SvMachine *machine, GVariant *description, GError **error)
{
  if (!check_string (description, "arch", ARCHITECTURE, error)
      || !check_string (description, "machine", G_OBJECT_TYPE_NAME (machine), error))
    return FALSE;
  for (guint i = 0; machine_properties[i] != NULL; i++)
    {
      g_autofree char *here = dup_machine_property (machine, machine_properties[i]);

      if (!check_string (description, machine_properties[i], here, error))
        return FALSE;
    }
  return check_devices (machine, description, error);
}
