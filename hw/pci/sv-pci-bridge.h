/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-device.h"

G_BEGIN_DECLS

/**
 * SvPciBridge:
 *
 * A bridge to a secondary bus (abstract; header type 1, PCIe 6.0 §7.5.1.3): bus numbers, windows
 * that forward ports, memory and prefetchable memory, reset of the secondary bus. The secondary bus
 * is its child and has its id.
 */
#define SV_TYPE_PCI_BRIDGE (sv_pci_bridge_get_type ())
SV_API
G_DECLARE_DERIVABLE_TYPE (SvPciBridge, sv_pci_bridge, SV, PCI_BRIDGE, SvPciDevice)

/**
 * SvPciBridgeClass:
 *
 * Subclasses call the functions of this class from their own setup, teardown, reset and
 * config_written.
 */
struct _SvPciBridgeClass
{
  SvPciDeviceClass parent_class;

  gpointer padding[4];
};

SV_API SvPciBus *
sv_pci_bridge_get_secondary (SvPciBridge *self); /* (transfer none) (nullable): while realized */

/* What a bridge forwards, as firmware programs it; a range with limit < base is closed. */
typedef struct
{
  guint8 secondary;
  guint8 subordinate;
  guint64 io_base, io_limit;             /* 4 KiB steps */
  guint64 memory_base, memory_limit;     /* 1 MiB steps, below 4 GiB */
  guint64 prefetch_base, prefetch_limit; /* 1 MiB steps */
} SvPciBridgeWindows;

/* The guest resets what is behind the bridge: at once, or behind its vCPU's back when that has to wait for the host. */
SV_API void sv_pci_bridge_reset_secondary (SvPciBridge *self);
/* For SvPciBus, any thread: something behind the bridge may have settled. */
SV_API void sv_pci_bridge_settled (SvPciBridge *self);
SV_API void sv_pci_bridge_program (SvPciBridge *self, const SvPciBridgeWindows *windows);

G_END_DECLS
