/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-device.h"
#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

typedef struct
{
  SvMemoryRegion *region; /* NULL: no such register */
  guint64 size;
  guint flags;
  gboolean mapped;
  guint64 address; /* while mapped */
} SvPciBar;

typedef struct
{
  char *addr; /* as given; canonical once the device is on a bus */
  gint devfn; /* -1: none */
  gboolean multifunction;
  guint rombar;
  char *romfile;
  gboolean pin_asserted; /* towards the bus */
  gboolean pin_level;    /* what the device wants */
  SvPciConfig config;
  guint8 *initial; /* the bytes after setup */
  SvPciBar bars[SV_PCI_N_BARS];
} SvPciDevicePrivate;

SvPciDevicePrivate *sv_pci_device_priv (SvPciDevice *self);
/* Maps regions as the registers say now. */
void sv_pci_device_update_bars (SvPciDevice *self);
void sv_pci_device_unmap_bars (SvPciDevice *self);
void sv_pci_device_clear_bars (SvPciDevice *self);
/* Drives the pin as the command register allows now. */
void sv_pci_device_update_pin (SvPciDevice *self);

/* sv-pci-device-state.c */
extern const SvMigratableState sv_pci_device_migration;

G_END_DECLS
