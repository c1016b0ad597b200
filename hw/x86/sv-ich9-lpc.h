/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-isa-bus.h"
#include "hw/pci/sv-pci-device.h"
#include "hw/pci/sv-pci-host.h"

G_BEGIN_DECLS

/**
 * SvIch9Lpc:
 *
 * The LPC bridge of an ICH9 (`ICH9-LPC`), at 1f.0 of q35's root bus: power management registers,
 * reset control (port 0xcf9), routing of the PCI pins to the interrupt controllers.
 */
#define SV_TYPE_ICH9_LPC (sv_ich9_lpc_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvIch9Lpc, sv_ich9_lpc, SV, ICH9_LPC, SvPciDevice)

/* @sci: system control interrupt; @pins: lines of the IOAPIC for the root bus' pins. All are
 * referenced. */
SV_API SvIch9Lpc *
sv_ich9_lpc_new (SvPciHost *host, SvIsaBus *isa, SvIrq *sci, SvIrq *pins[SV_PCI_N_PINS]);
/* The line for pin @n of the root bus. (transfer full) */
SV_API SvIrq *sv_ich9_lpc_dup_pin (SvIch9Lpc *self, guint n);
/* Programs the bridge as firmware would. */
SV_API void sv_ich9_lpc_program (SvIch9Lpc *self, guint16 pm_base);
/* Where the power management registers are; 0: nowhere */
SV_API guint16 sv_ich9_lpc_get_pm_base (SvIch9Lpc *self);

G_END_DECLS
