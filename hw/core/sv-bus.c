/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-bus.h"

#include "src/migration/sv-migratable.h"

typedef struct
{
  GPtrArray *devices; /* SvDevice, not owned: the tree owns them */
} SvBusPrivate;

G_DEFINE_TYPE_WITH_CODE (SvBus, sv_bus, SV_TYPE_OBJECT, G_ADD_PRIVATE (SvBus) SV_MIGRATABLE_STATELESS ("what is on it has its own state"))

#define PRIV(self) ((SvBusPrivate *)sv_bus_get_instance_private (self))

static void
sv_bus_dispose (GObject *object)
{
  SvBus *self = SV_BUS (object);

  while (PRIV (self)->devices->len > 0)
    sv_bus_unplug (self, g_ptr_array_index (PRIV (self)->devices, 0));
  G_OBJECT_CLASS (sv_bus_parent_class)->dispose (object);
}

static void
sv_bus_finalize (GObject *object)
{
  g_ptr_array_unref (PRIV (SV_BUS (object))->devices);
  G_OBJECT_CLASS (sv_bus_parent_class)->finalize (object);
}

/* Devices can be named by the bus they are on as well: /machine/pcie.0/net0. */
static SvObject *
sv_bus_get_linked (SvObject *object, guint n)
{
  return (SvObject *)sv_bus_get_device (SV_BUS (object), n);
}

static void
sv_bus_class_init (SvBusClass *klass)
{
  SV_OBJECT_CLASS (klass)->get_linked = sv_bus_get_linked;
  G_OBJECT_CLASS (klass)->dispose = sv_bus_dispose;
  G_OBJECT_CLASS (klass)->finalize = sv_bus_finalize;
}

static void
sv_bus_init (SvBus *self)
{
  PRIV (self)->devices = g_ptr_array_new ();
}

/**
 * sv_bus_get_n_devices:
 * @self: a bus
 *
 * Returns: how many devices are plugged in
 */
guint
sv_bus_get_n_devices (SvBus *self)
{
  return PRIV (self)->devices->len;
}

/**
 * sv_bus_get_device:
 * @self: a bus
 * @n: position, in the order of plugging
 *
 * Returns: (transfer none) (nullable): the device, %NULL when there are not so many
 */
SvDevice *
sv_bus_get_device (SvBus *self, guint n)
{
  return n < PRIV (self)->devices->len ? g_ptr_array_index (PRIV (self)->devices, n) : NULL;
}

/**
 * sv_bus_can_plug:
 * @self: a bus
 * @device: a device that is not plugged in anywhere
 * @error: return location
 *
 * Returns: whether the bus would take @device now
 */
gboolean
sv_bus_can_plug (SvBus *self, SvDevice *device, GError **error)
{
  SvBusClass *klass = SV_BUS_GET_CLASS (self);

  if (!g_type_is_a (G_OBJECT_TYPE (self), SV_DEVICE_GET_CLASS (device)->bus_type))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE,
                   "Bus '%s' does not take devices of type %s", sv_object_get_id (SV_OBJECT (self)),
                   G_OBJECT_TYPE_NAME (device));
      return FALSE;
    }
  return klass->can_plug == NULL || klass->can_plug (self, device, error);
}

/**
 * sv_bus_plug:
 * @self: a bus
 * @device: a device that is not plugged in anywhere
 * @error: return location
 *
 * Gives @device its place on the bus; it is realized afterwards with sv_object_complete().
 *
 * Returns: %FALSE when it does not fit, with nothing changed
 */
gboolean
sv_bus_plug (SvBus *self, SvDevice *device, GError **error)
{
  if (!sv_bus_can_plug (self, device, error))
    return FALSE;
  g_ptr_array_add (PRIV (self)->devices, device);
  sv_device_set_bus (device, self);
  if (SV_BUS_GET_CLASS (self)->plug != NULL)
    SV_BUS_GET_CLASS (self)->plug (self, device);
  return TRUE;
}

/**
 * sv_bus_unplug:
 * @self: a bus
 * @device: a device on it, unrealized
 *
 * Takes @device's place away.
 */
void
sv_bus_unplug (SvBus *self, SvDevice *device)
{
  if (!g_ptr_array_remove (PRIV (self)->devices, device))
    return;
  if (SV_BUS_GET_CLASS (self)->unplug != NULL)
    SV_BUS_GET_CLASS (self)->unplug (self, device);
  sv_device_set_bus (device, NULL);
}
