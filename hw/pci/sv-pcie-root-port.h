/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-bridge.h"
#include "hw/pci/sv-pcie-slot.h"

G_BEGIN_DECLS

/**
 * SvPcieRootPort:
 *
 * A root port with one slot (`pcie-root-port`), in which devices come and go as PCIe 6.0 §6.7.3 has
 * it. Properties: `port`, `chassis`, `slot`, `hotplug`. Its bus has its id.
 */
#define SV_TYPE_PCIE_ROOT_PORT (sv_pcie_root_port_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvPcieRootPort, sv_pcie_root_port, SV, PCIE_ROOT_PORT, SvPciBridge)

SV_API SvPcieSlot *sv_pcie_root_port_get_slot (SvPcieRootPort *self); /* (transfer none) */

G_END_DECLS
