/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"

G_BEGIN_DECLS

/**
 * SvBus:
 *
 * Where devices plug in (derivable). A bus is a child of the device that provides it; the devices on it
 * live below /machine/peripheral, peripheral-anon or unattached and are linked from the bus.
 */
#define SV_TYPE_BUS (sv_bus_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvBus, sv_bus, SV, BUS, SvObject)

/**
 * SvBusClass:
 * @can_plug: whether @device fits now (free slot, address); names what is wrong
 * @plug: @device, about to be realized, takes its place
 * @unplug: @device, unrealized, leaves
 * @unplug_request: asks the guest to give @device up; %NULL: the machine knows how
 * @get_firmware_name: what firmware calls the bus, when it is a part of the path to its devices; %NULL: it is none
 */
struct _SvBusClass
{
  SvObjectClass parent_class;

  gboolean (*can_plug) (SvBus *self, SvDevice *device, GError **error);
  void (*plug) (SvBus *self, SvDevice *device);
  void (*unplug) (SvBus *self, SvDevice *device);
  gboolean (*unplug_request) (SvBus *self, SvDevice *device, GError **error);
  const char *(*get_firmware_name) (SvBus *self);
  gpointer padding[4];
};

SV_PUBLIC guint sv_bus_get_n_devices (SvBus *self);
SV_PUBLIC SvDevice *sv_bus_get_device (SvBus *self, guint n); /* (transfer none) */
SV_API gboolean sv_bus_can_plug (SvBus *self, SvDevice *device, GError **error);
/* Sets the device's bus; call before sv_object_complete() on the device. */
SV_API gboolean sv_bus_plug (SvBus *self, SvDevice *device, GError **error);
SV_API void sv_bus_unplug (SvBus *self, SvDevice *device);

G_END_DECLS
