/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-msix.h"
#include "hw/core/sv-late-writes.h"
#include "hw/virtio/sv-virtio-bus.h"
#include "hw/virtio/sv-virtio-pci.h"
#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

/* Base address register 4: four pages */
#define SV_VIRTIO_PCI_PAGE 0x1000u
#define SV_VIRTIO_PCI_COMMON (0 * SV_VIRTIO_PCI_PAGE)
#define SV_VIRTIO_PCI_ISR (1 * SV_VIRTIO_PCI_PAGE)
#define SV_VIRTIO_PCI_DEVICE (2 * SV_VIRTIO_PCI_PAGE)
#define SV_VIRTIO_PCI_NOTIFY (3 * SV_VIRTIO_PCI_PAGE)
#define SV_VIRTIO_PCI_SIZE (4 * SV_VIRTIO_PCI_PAGE)
#define SV_VIRTIO_PCI_BAR 4u
#define SV_VIRTIO_PCI_MSIX_BAR 1u
#define SV_VIRTIO_PCI_NOTIFY_MULTIPLIER 4u

typedef struct
{
  SvVirtioDevice *core; /* a child */
  SvBus *bus;           /* a child; the core is on it while this is realized */
  gboolean attached;    /* the core is set up */
  gint n_vectors_asked; /* property; -1: as many as the device can use */

  SvMemoryRegion *bar;
  SvMemoryRegion *pages[4];
  SvMemoryRegion *msix_bar;
  SvMsix *msix;
  guint cfg_capability; /* VIRTIO 1.2 §4.1.4.9 */

  /* Registers that belong to the transport */
  guint32 device_feature_select;
  guint32 driver_feature_select;
  guint32 driver_features[2];
  guint16 queue_select;
  guint16 config_vector;  /* atomic */
  guint16 *queue_vectors; /* each atomic */
  guint n_queues;
  guint8 isr; /* atomic */
  SvLateWrites *late; /* to the common configuration, behind a reset that waits for the host */

  /* Without MSI-X, threads that do not hold the VM lock interrupt through this */
  gboolean use_msix; /* atomic */
  int pin_fd;        /* -1: not open */
  GSource *pin_source;
  GPtrArray *call_sources; /* GSource: interrupts of the kernel's, without MSI-X */
} SvVirtioPciPrivate;

SvVirtioPciPrivate *sv_virtio_pci_priv (SvVirtioPci *self);
void sv_virtio_pci_map_registers (SvVirtioPci *self);
void sv_virtio_pci_write_late (gpointer opaque, guint64 offset, guint64 value, guint size);
gboolean sv_virtio_pci_is_settled (gpointer opaque);
/* A register of base address register 4, by offset */
guint64 sv_virtio_pci_read (SvVirtioPci *self, guint64 offset, guint size);
void sv_virtio_pci_write (SvVirtioPci *self, guint64 offset, guint64 value, guint size);
void sv_virtio_pci_reset_registers (SvVirtioPci *self);
/* Looks how many queues the device has by now. */
void sv_virtio_pci_update_queues (SvVirtioPci *self);
/* Interrupts go by MSI-X or by the pin, as configuration space says. */
void sv_virtio_pci_update_msix (SvVirtioPci *self);
void sv_virtio_pci_update_pin (SvVirtioPci *self);
/* sv-virtio-pci-state.c */
extern const SvMigratableState sv_virtio_pci_migration;

/* Interrupts, sv-virtio-pci-irq.c. Any thread: */
void sv_virtio_pci_interrupt_queue (SvVirtioPci *self, guint n);
void sv_virtio_pci_interrupt_config (SvVirtioPci *self);
/* VM lock held: */
gboolean sv_virtio_pci_open_irq (SvVirtioPci *self, GError **error);
void sv_virtio_pci_close_irq (SvVirtioPci *self);
gboolean sv_virtio_pci_connect_calls (SvVirtioPci *self, GError **error);
void sv_virtio_pci_disconnect_calls (SvVirtioPci *self);
guint8 sv_virtio_pci_take_isr (SvVirtioPci *self);
/* The driver wants another vector for the configuration or a queue; waits for no request. */
void sv_virtio_pci_set_vector (SvVirtioPci *self, guint16 *place, guint16 vector);

/**
 * SvVirtioPciBus:
 *
 * The socket of [class@VirtioPci].
 */
#define SV_TYPE_VIRTIO_PCI_BUS (sv_virtio_pci_bus_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvVirtioPciBus, sv_virtio_pci_bus, SV, VIRTIO_PCI_BUS, SvVirtioBus)

SvBus *sv_virtio_pci_bus_new (SvVirtioPci *transport);

/* Properties of the device, sv-virtio-pci-types.c */
void sv_virtio_pci_install_properties (SvVirtioPciClass *klass);

G_END_DECLS
