/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* -global: a property of all devices of a type. */

#include "hw/core/sv-machine-private.h"

#include "qom/sv-type-registry.h"

typedef struct
{
  GType type;
  char *property;
  JsonNode *value;
} SvMachineGlobal;

static void
global_free (gpointer data)
{
  SvMachineGlobal *global = data;

  g_free (global->property);
  json_node_unref (global->value);
  g_free (global);
}

/**
 * sv_machine_set_global: (skip)
 * @self: a machine that is not complete yet
 * @driver: wire name of a type of devices, or of their ancestor
 * @property: wire name of a property
 * @value: its value
 * @error: return location
 *
 * Sets a property of all devices of a type, for those that are not told otherwise. What is said of a type that there is
 * not has no effect, as with QEMU.
 *
 * Returns: %FALSE when the type has no such property, or it cannot have this value
 */
gboolean
sv_machine_set_global (SvMachine *self, const char *driver, const char *property, JsonNode *value, GError **error)
{
  SvMachinePrivate *priv = sv_machine_get_priv (self);
  GType type = sv_type_registry_lookup (driver);
  g_autoptr (GTypeClass) klass = NULL;
  SvMachineGlobal *global;

  if (type == G_TYPE_INVALID || !g_type_is_a (type, SV_TYPE_DEVICE))
    {
      g_warning ("-global %s.%s has no effect: there is no device '%s'", driver, property, driver);
      return TRUE;
    }
  klass = g_type_class_ref (type);
  if (sv_property_find (G_OBJECT_CLASS (klass), property) == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND, "Device '%s' has no property '%s': see '-device "
                   "%s,help'", driver, property, driver);
      return FALSE;
    }
  if (priv->globals == NULL)
    priv->globals = g_ptr_array_new_with_free_func (global_free);
  global = g_new (SvMachineGlobal, 1);
  *global = (SvMachineGlobal){ type, g_strdup (property), json_node_copy (value) };
  g_ptr_array_add (priv->globals, global);
  return TRUE;
}

static gboolean
is_said_of (const SvMachineGlobal *global, SvDeviceClass *klass)
{
  if (g_type_is_a (G_OBJECT_CLASS_TYPE (klass), global->type))
    return TRUE;
  return klass->carries != 0 && g_type_is_a (klass->carries, global->type)
         && sv_property_find (G_OBJECT_CLASS (klass), global->property) != NULL;
}

/* Into what a device is about to be made from */
void
sv_machine_add_globals (SvMachine *self, GType type, JsonObject *properties)
{
  const GPtrArray *globals = sv_machine_get_priv (self)->globals;
  g_autoptr (GTypeClass) klass = g_type_is_a (type, SV_TYPE_DEVICE) ? g_type_class_ref (type) : NULL;

  if (klass == NULL)
    return;
  /* The last one counts. */
  for (guint i = globals != NULL ? globals->len : 0; i-- > 0;)
    {
      const SvMachineGlobal *global = g_ptr_array_index (globals, i);

      if (is_said_of (global, SV_DEVICE_CLASS (klass)) && !json_object_has_member (properties, global->property))
        json_object_set_member (properties, global->property, json_node_copy (global->value));
    }
}

/* To a device that the machine makes for itself */
gboolean
sv_machine_apply_globals (SvMachine *self, SvObject *device, GError **error)
{
  const GPtrArray *globals = sv_machine_get_priv (self)->globals;

  for (guint i = 0; globals != NULL && i < globals->len; i++)
    {
      const SvMachineGlobal *global = g_ptr_array_index (globals, i);

      if (g_type_is_a (G_OBJECT_TYPE (device), global->type)
          && !sv_object_set_property_json (device, global->property, global->value, SV_OBJECT (self), error))
        {
          g_prefix_error (error, "-global: ");
          return FALSE;
        }
    }
  return TRUE;
}
