/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-boot-order.h"

#include "hw/core/sv-bus.h"

#define PROPERTY "bootindex"

static gboolean
has_index (SvObject *object)
{
  return object != NULL && SV_IS_DEVICE (object)
         && g_object_class_find_property (G_OBJECT_GET_CLASS (object), PROPERTY) != NULL;
}

/* -1: none. A transport has the property of the device that it carries, its child: it counts once. */
static gint
get_index (SvObject *object)
{
  gint index;

  if (!has_index (object) || has_index (sv_object_get_parent (object)))
    return -1;
  g_object_get (object, PROPERTY, &index, NULL);
  return index;
}

static SvDevice *
get_carried (SvDevice *device)
{
  for (guint i = 0; i < sv_object_get_n_children (SV_OBJECT (device)); i++)
    {
      SvObject *child = sv_object_get_nth_child (SV_OBJECT (device), i);

      if (has_index (child))
        return SV_DEVICE (child);
    }
  return device;
}

char *
sv_boot_order_dup_path (SvDevice *device)
{
  g_autoptr (GString) path = g_string_new (NULL);
  SvBus *bus;

  device = get_carried (device);
  while (device != NULL)
    {
      SvDeviceClass *klass = SV_DEVICE_GET_CLASS (device);
      g_autofree char *name
          = klass->dup_firmware_name != NULL ? klass->dup_firmware_name (device) : NULL;
      SvObject *owner;

      if (name == NULL)
        return NULL;
      g_string_prepend (path, name);
      g_string_prepend_c (path, '/');
      bus = sv_device_get_bus (device);
      owner = bus != NULL ? sv_object_get_parent (SV_OBJECT (bus)) : NULL;
      if (bus != NULL && SV_BUS_GET_CLASS (bus)->get_firmware_name != NULL
          && SV_BUS_GET_CLASS (bus)->get_firmware_name (bus) != NULL)
        {
          g_string_prepend (path, SV_BUS_GET_CLASS (bus)->get_firmware_name (bus));
          g_string_prepend_c (path, '/');
        }
      device = owner != NULL && SV_IS_DEVICE (owner) ? SV_DEVICE (owner) : NULL;
    }
  return g_string_free (g_steal_pointer (&path), FALSE);
}

static gboolean
collect (SvObject *object, gpointer user_data)
{
  if (get_index (object) >= 0)
    g_ptr_array_add (user_data, object);
  return TRUE;
}

static gboolean
collect_any (SvObject *object, gpointer user_data)
{
  if (has_index (object) && !has_index (sv_object_get_parent (object)))
    g_ptr_array_add (user_data, object);
  return TRUE;
}

/* As the letters of a PC's drives go, so far as there are such devices */
static const char *
get_category (char kind)
{
  switch (kind)
    {
    case 'c':
      return "storage";
    case 'n':
      return "network";
    default:
      return NULL;
    }
}

static void
collect_kinds (SvObject *root, const char *kinds, GPtrArray *devices)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();

  sv_object_walk (root, collect_any, all);
  for (const char *kind = kinds; *kind != '\0'; kind++)
    for (guint i = 0; get_category (*kind) != NULL && i < all->len; i++)
      {
        SvDevice *device = g_ptr_array_index (all, i);

        if (g_strcmp0 (SV_DEVICE_GET_CLASS (device)->category, get_category (*kind)) == 0)
          g_ptr_array_add (devices, device);
      }
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  return get_index (*(SvObject *const *)a) - get_index (*(SvObject *const *)b);
}

char *
sv_boot_order_dup_list (SvObject *root, const char *kinds)
{
  g_autoptr (GPtrArray) devices = g_ptr_array_new ();
  g_autoptr (GString) list = g_string_new (NULL);

  sv_object_walk (root, collect, devices);
  g_ptr_array_sort (devices, compare);
  if (devices->len == 0 && kinds != NULL)
    collect_kinds (root, kinds, devices);
  for (guint i = 0; i < devices->len; i++)
    {
      g_autofree char *path = sv_boot_order_dup_path (g_ptr_array_index (devices, i));

      if (path != NULL)
        g_string_append_printf (list, "%s%s", list->len > 0 ? "\n" : "", path);
    }
  return g_string_free (g_steal_pointer (&list), FALSE);
}

gboolean
sv_boot_order_check (SvObject *root, SvDevice *device, GError **error)
{
  g_autoptr (GPtrArray) devices = g_ptr_array_new ();
  SvObject *mine = SV_OBJECT (device);
  gint index = get_index (mine);

  if (index < 0)
    return TRUE;
  sv_object_walk (root, collect, devices);
  for (guint i = 0; i < devices->len; i++)
    {
      SvObject *other = g_ptr_array_index (devices, i);
      g_autofree char *label = NULL;

      if (other == mine || get_index (other) != index)
        continue;
      label = sv_object_dup_label (other);
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_EXISTS,
                   "The bootindex %d has already been used, by '%s'", index, label);
      return FALSE;
    }
  return TRUE;
}
