/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-bus.h"
#include "hw/core/sv-irq.h"
#include "src/accel/sv-accel.h"
#include "src/memory/sv-address-space.h"

G_BEGIN_DECLS

typedef struct _SvPciDevice SvPciDevice;

#define SV_PCI_N_FUNCTIONS 256u /* on a bus: 32 slots of 8 functions */
#define SV_PCI_DEVFN(slot, function) ((guint8)((slot) << 3 | (function)))
#define SV_PCI_SLOT(devfn) ((devfn) >> 3)
#define SV_PCI_FUNCTION(devfn) ((devfn)&7u)
#define SV_PCI_N_PINS 4u

/**
 * SvPciBus:
 *
 * A PCI Express bus (`PCIE`): 32 slots with 8 functions each, the two address spaces that base
 * address registers are relative to, and four interrupt pins. The root bus belongs to its machine;
 * every other one is the secondary bus of a bridge. A bus behind a root port has slot 0 only.
 */
#define SV_TYPE_PCI_BUS (sv_pci_bus_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvPciBus, sv_pci_bus, SV, PCI_BUS, SvBus)

    /**
     * SvPciBusFuncs:
     * @device_added: @device is realized and can be found by the guest
     * @device_gone: @device is about to be unrealized
     * @unplug_request: asks the guest to give @device up
     * @settled: a device on the bus that was asked to settle may be asked again
     *
     * What the provider of a bus wants to hear; each may be %NULL.
     */
    typedef struct
{
  void (*device_added) (gpointer opaque, SvPciDevice *device);
  void (*device_gone) (gpointer opaque, SvPciDevice *device);
  gboolean (*unplug_request) (gpointer opaque, SvPciDevice *device, GError **error);
  void (*settled) (gpointer opaque);
} SvPciBusFuncs;

/*
 * @memory, @io: containers in which base address registers are placed. @guest_memory: what
 * addresses in devices' requests mean. @accel: takes message-signalled interrupts; may be NULL.
 */
SV_API SvPciBus *sv_pci_bus_new_root (SvMemoryRegion *memory,
                                      SvMemoryRegion *io,
                                      SvAddressSpace *guest_memory,
                                      SvAccel *accel);
/* @bridge: not referenced; it owns the bus. One slot. */
SV_API SvPciBus *
sv_pci_bus_new_secondary (SvPciDevice *bridge, SvMemoryRegion *memory, SvMemoryRegion *io);
SV_API void sv_pci_bus_set_funcs (SvPciBus *self, const SvPciBusFuncs *funcs, gpointer opaque);
/* Root bus: level-triggered line of pin n of slot s is @irqs[(s + n) % 4], n from 0 for INTA.
 * Referenced. */
SV_API void sv_pci_bus_set_irqs (SvPciBus *self, SvIrq *irqs[SV_PCI_N_PINS]);

SV_API SvPciBus *sv_pci_bus_get_root (SvPciBus *self); /* (transfer none) */
SV_API SvPciDevice *
sv_pci_bus_get_bridge (SvPciBus *self); /* (transfer none) (nullable): NULL for a root bus */
SV_API guint sv_pci_bus_get_number (SvPciBus *self); /* as the bridge is programmed */
SV_API SvMemoryRegion *sv_pci_bus_get_memory (SvPciBus *self);
SV_API SvMemoryRegion *sv_pci_bus_get_io (SvPciBus *self);
SV_API SvAddressSpace *sv_pci_bus_get_guest_memory (SvPciBus *self);
SV_API SvAccel *sv_pci_bus_get_accel (SvPciBus *self); /* (nullable) */

/* The function at this place, when it is realized and reachable; NULL otherwise. */
SV_API SvPciDevice *sv_pci_bus_get_function (SvPciBus *self, guint8 devfn);
/* From the root: what a configuration request to this bus number finds. */
SV_API SvPciDevice *sv_pci_bus_find_function (SvPciBus *self, guint8 bus, guint8 devfn);
/* Whether the guest can reach what is on the bus (slot power); on by default. */
SV_API void sv_pci_bus_set_powered (SvPciBus *self, gboolean powered);
/* Whether devices may come and go while the guest runs; off by default. */
SV_API void sv_pci_bus_set_hotplug (SvPciBus *self, gboolean hotplug);
SV_API gboolean sv_pci_bus_is_powered (SvPciBus *self);
/* Puts the functions on the bus, and below, into their state after realize. */
SV_API void sv_pci_bus_reset (SvPciBus *self);
/* sv_pci_device_settle() of all of them; what waits for that is told by settled, in any thread. */
SV_API gboolean sv_pci_bus_settle (SvPciBus *self);
SV_API void sv_pci_bus_settled (SvPciBus *self);

/* For SvPciDevice: a pin of a function changes. */
SV_API void sv_pci_bus_change_pin (SvPciBus *self, guint8 devfn, guint pin, gboolean level);
SV_API void sv_pci_bus_device_added (SvPciBus *self, SvPciDevice *device);
SV_API void sv_pci_bus_device_gone (SvPciBus *self, SvPciDevice *device);

G_END_DECLS
