/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"
#include "hw/core/sv-isa-bus.h"

G_BEGIN_DECLS

/**
 * SvIsaDevice:
 *
 * A device on a PC's ISA bus: registers at fixed ports and at most one interrupt line. It maps and connects
 * in its realize; what it mapped and connected goes when it is unrealized. Without a bus, as in a test,
 * nothing is mapped.
 */
#define SV_TYPE_ISA_DEVICE (sv_isa_device_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvIsaDevice, sv_isa_device, SV, ISA_DEVICE, SvDevice)

struct _SvIsaDeviceClass
{
  SvDeviceClass parent_class;
};

#define SV_ISA_DEVICE_MAX_REGIONS 2

SV_API void sv_isa_device_map (SvIsaDevice *self, guint16 port, SvMemoryRegion *region);
SV_API gboolean sv_isa_device_connect_irq (SvIsaDevice *self, guint number, GError **error);
SV_API gboolean sv_isa_device_has_irq (SvIsaDevice *self);
SV_API void sv_isa_device_set_level (SvIsaDevice *self, gboolean level);

G_END_DECLS
