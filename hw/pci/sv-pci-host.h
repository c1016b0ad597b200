/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-bus.h"

G_BEGIN_DECLS

#define SV_PCI_ECAM_BUS_SIZE 0x100000u
#define SV_PCI_CONFIG_ADDRESS 0xcf8u
#define SV_PCI_CONFIG_DATA 0xcfcu

/**
 * SvPciHost:
 *
 * The two ways by which processors reach the configuration space of a root bus and what is below
 * it: a window in memory (ECAM, PCIe 6.0 §7.2.2) and the ports 0xcf8 and 0xcfc (PCI 3.0
 * §3.2.2.3.2).
 */
#define SV_TYPE_PCI_HOST (sv_pci_host_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvPciHost, sv_pci_host, SV, PCI_HOST, GObject)

/* @root is not referenced: it outlives the regions' place in an address space. */
SV_API SvPciHost *sv_pci_host_new (SvPciBus *root, guint n_buses);
SV_API SvMemoryRegion *sv_pci_host_get_ecam (SvPciHost *self); /* (transfer none): @n_buses MiB */
/* Puts the two ports into a port space. */
SV_API void sv_pci_host_map_ports (SvPciHost *self, SvMemoryRegion *io);
SV_API void sv_pci_host_unmap_ports (SvPciHost *self, SvMemoryRegion *io);
/* Byte 1 of the address port, which is a register of its own: the chipset's reset control. */
typedef void (*SvPciHostControlFunc) (gpointer opaque, guint8 value);
SV_API void
sv_pci_host_set_control_func (SvPciHost *self, SvPciHostControlFunc func, gpointer opaque);
SV_API void sv_pci_host_reset (SvPciHost *self);
/* What the two registers of the address port hold. */
SV_API void sv_pci_host_get_ports (SvPciHost *self, guint32 *address, guint8 *control);
SV_API gboolean sv_pci_host_set_ports (SvPciHost *self, guint32 address, guint8 control, GError **error);

G_END_DECLS
