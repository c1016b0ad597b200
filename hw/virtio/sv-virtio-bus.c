/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-bus.h"

#include "hw/virtio/sv-virtio-device.h"

G_DEFINE_ABSTRACT_TYPE (SvVirtioBus, sv_virtio_bus, SV_TYPE_BUS)

static gboolean
sv_virtio_bus_can_plug (SvBus *self, SvDevice *device, GError **error)
{
  if (!SV_IS_VIRTIO_DEVICE (device))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE,
                   "Bus '%s' takes virtio devices, not a %s", sv_object_get_id (SV_OBJECT (self)),
                   G_OBJECT_TYPE_NAME (device));
      return FALSE;
    }
  if (sv_bus_get_n_devices (self) > 0)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY,
                   "Bus '%s' has room for one device, and '%s' is on it",
                   sv_object_get_id (SV_OBJECT (self)),
                   sv_object_get_id (SV_OBJECT (sv_bus_get_device (self, 0))));
      return FALSE;
    }
  return TRUE;
}

static void
sv_virtio_bus_class_init (SvVirtioBusClass *klass)
{
  SV_BUS_CLASS (klass)->can_plug = sv_virtio_bus_can_plug;
}

static void
sv_virtio_bus_init (SvVirtioBus *self)
{
}

/**
 * sv_virtio_bus_get_memory:
 * @self: a bus
 *
 * Returns: (transfer none): the memory that guest addresses in queues mean
 */
SvAddressSpace *
sv_virtio_bus_get_memory (SvVirtioBus *self)
{
  return SV_VIRTIO_BUS_GET_CLASS (self)->get_memory (self);
}
