/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-device.h"
#include "hw/virtio/sv-virtio-device.h"

G_BEGIN_DECLS

/**
 * SvVirtioPci:
 *
 * The transport of VIRTIO 1.2 §4.1 (abstract), without the legacy interface. For each device there
 * is a subclass that carries it (`virtio-blk-pci` carries `virtio-blk-device`): it has the
 * properties of both, and the device is its child `virtio-backend`.
 */
#define SV_TYPE_VIRTIO_PCI (sv_virtio_pci_get_type ())
SV_API
G_DECLARE_DERIVABLE_TYPE (SvVirtioPci, sv_virtio_pci, SV, VIRTIO_PCI, SvPciDevice)

struct _SvVirtioPciClass
{
  SvPciDeviceClass parent_class;

  GType core_type;
  gpointer padding[4];
};

/* Makes the transport class for a device class; sv-virtio-pci-types.c lists them. */
SV_API GType sv_virtio_pci_register_type (const char *name, GType core_type, guint32 class_code);

SV_API SvVirtioDevice *sv_virtio_pci_get_core (SvVirtioPci *self); /* (transfer none) */

G_END_DECLS
