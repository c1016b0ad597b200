/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-bus.h"
#include "hw/core/sv-irq.h"
#include "src/memory/sv-memory-region.h"

G_BEGIN_DECLS

/**
 * SvIsaBus:
 *
 * The ISA (LPC) bus of a PC (`ISA`): 64 KiB of ports and 16 interrupt lines. A device on it maps its
 * registers in realize, with the bus that sv_device_get_bus() gives.
 */
#define SV_TYPE_ISA_BUS (sv_isa_bus_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvIsaBus, sv_isa_bus, SV, ISA_BUS, SvBus)

#define SV_ISA_N_IRQS 16

/* @io: the container for ports; @irqs: 16 lines, referenced. */
SV_API SvIsaBus *sv_isa_bus_new (SvMemoryRegion *io, SvIrq **irqs);
SV_API void sv_isa_bus_map (SvIsaBus *self, guint16 port, SvMemoryRegion *region);
SV_API void sv_isa_bus_map_absent (SvIsaBus *self, guint16 port, guint16 size);
SV_API void sv_isa_bus_unmap (SvIsaBus *self, SvMemoryRegion *region);
SV_API SvIrq *sv_isa_bus_get_irq (SvIsaBus *self, guint irq); /* (transfer none) (nullable): NULL from 16 on */

G_END_DECLS
