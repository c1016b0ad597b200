/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-device.h"

G_BEGIN_DECLS

/**
 * SvPvpanicPci:
 *
 * A register by which a guest tells that its kernel panicked (`pvpanic-pci`; Linux drivers/misc/pvpanic,
 * QEMU docs/specs/pvpanic). Properties: `events`, those that the guest is offered.
 */
#define SV_TYPE_PVPANIC_PCI (sv_pvpanic_pci_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvPvpanicPci, sv_pvpanic_pci, SV, PVPANIC_PCI, SvPciDevice)

G_END_DECLS
