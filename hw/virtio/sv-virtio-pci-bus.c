/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-pci-private.h"

#include <linux/virtio_config.h>

#include "src/migration/sv-migratable.h"

struct _SvVirtioPciBus
{
  SvVirtioBus parent_instance;

  SvVirtioPci *transport; /* the parent in the tree */
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVirtioPciBus, sv_virtio_pci_bus, SV_TYPE_VIRTIO_BUS,
                               SV_MIGRATABLE_STATELESS ("what is on it has its own state"))

static inline SvVirtioPci *
transport_of (SvVirtioBus *bus)
{
  return ((SvVirtioPciBus *)bus)->transport;
}

static SvAddressSpace *
sv_virtio_pci_bus_get_memory (SvVirtioBus *bus)
{
  return sv_pci_bus_get_guest_memory (sv_pci_device_get_bus (SV_PCI_DEVICE (transport_of (bus))));
}

static gboolean
sv_virtio_pci_bus_attach (SvVirtioBus *bus, GError **error)
{
  sv_virtio_pci_priv (transport_of (bus))->attached = TRUE;
  return TRUE;
}

static void
sv_virtio_pci_bus_detach (SvVirtioBus *bus)
{
  SvVirtioPci *transport = transport_of (bus);

  sv_virtio_pci_priv (transport)->attached = FALSE;
  sv_virtio_pci_close_irq (transport);
}

/* Each queue has an address of its own, so that the value need not be looked at. */
static void
change_ioeventfds (SvVirtioPci *transport,
                   void (*change) (SvMemoryRegion *, guint64, guint, gboolean, guint64, int))
{
  SvVirtioPciPrivate *priv = sv_virtio_pci_priv (transport);

  sv_memory_transaction_begin ();
  for (guint i = 0; i < priv->n_queues; i++)
    {
      int fd = sv_virtio_device_get_kick_fd (priv->core, i);

      if (fd >= 0)
        change (priv->pages[3], i * SV_VIRTIO_PCI_NOTIFY_MULTIPLIER, 0, FALSE, 0, fd);
    }
  sv_memory_transaction_commit ();
}

static gboolean
sv_virtio_pci_bus_connect (SvVirtioBus *bus, GError **error)
{
  SvVirtioPci *transport = transport_of (bus);

  if (!sv_virtio_pci_open_irq (transport, error) || !sv_virtio_pci_connect_calls (transport, error))
    return FALSE;
  change_ioeventfds (transport, sv_memory_region_add_ioeventfd);
  return TRUE;
}

static void
sv_virtio_pci_bus_disconnect (SvVirtioBus *bus)
{
  SvVirtioPci *transport = transport_of (bus);

  change_ioeventfds (transport, sv_memory_region_remove_ioeventfd);
  sv_virtio_pci_disconnect_calls (transport);
}

static void
sv_virtio_pci_bus_reset (SvVirtioBus *bus)
{
  sv_virtio_pci_reset_registers (transport_of (bus));
}

static void
sv_virtio_pci_bus_notify_queue (SvVirtioBus *bus, guint n)
{
  sv_virtio_pci_interrupt_queue (transport_of (bus), n);
}

static void
sv_virtio_pci_bus_notify_config (SvVirtioBus *bus)
{
  SvVirtioPci *transport = transport_of (bus);

  if (sv_virtio_device_is_started (sv_virtio_pci_priv (transport)->core))
    sv_virtio_pci_interrupt_config (transport);
}

/* VIRTIO 1.2 §2.1.2: with DRIVER_OK set, a configuration change notification follows. */
static void
sv_virtio_pci_bus_notify_broken (SvVirtioBus *bus)
{
  SvVirtioPci *transport = transport_of (bus);

  if ((sv_virtio_device_get_status (sv_virtio_pci_priv (transport)->core)
       & VIRTIO_CONFIG_S_DRIVER_OK)
      != 0)
    sv_virtio_pci_interrupt_config (transport);
}

static void
sv_virtio_pci_bus_settled (SvVirtioBus *bus)
{
  sv_late_writes_schedule (sv_virtio_pci_priv (transport_of (bus))->late);
  sv_pci_device_settled (SV_PCI_DEVICE (transport_of (bus)));
}

static void
sv_virtio_pci_bus_class_init (SvVirtioPciBusClass *klass)
{
  SvVirtioBusClass *bus_class = SV_VIRTIO_BUS_CLASS (klass);

  bus_class->get_memory = sv_virtio_pci_bus_get_memory;
  bus_class->attach = sv_virtio_pci_bus_attach;
  bus_class->detach = sv_virtio_pci_bus_detach;
  bus_class->connect = sv_virtio_pci_bus_connect;
  bus_class->disconnect = sv_virtio_pci_bus_disconnect;
  bus_class->reset = sv_virtio_pci_bus_reset;
  bus_class->notify_queue = sv_virtio_pci_bus_notify_queue;
  bus_class->notify_config = sv_virtio_pci_bus_notify_config;
  bus_class->settled = sv_virtio_pci_bus_settled;
  bus_class->notify_broken = sv_virtio_pci_bus_notify_broken;
}

static void
sv_virtio_pci_bus_init (SvVirtioPciBus *self)
{
}

SvBus *
sv_virtio_pci_bus_new (SvVirtioPci *transport)
{
  SvVirtioPciBus *self = g_object_new (SV_TYPE_VIRTIO_PCI_BUS, NULL);

  self->transport = transport;
  return SV_BUS (self);
}
