/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-mmio-private.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "src/migration/sv-migratable.h"

struct _SvVirtioMmioBus
{
  SvVirtioBus parent_instance;

  SvVirtioMmio *transport; /* the parent in the tree */
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVirtioMmioBus, sv_virtio_mmio_bus, SV_TYPE_VIRTIO_BUS,
                               SV_MIGRATABLE_STATELESS ("what is on it has its own state"))

static inline SvVirtioMmio *
transport_of (SvVirtioBus *bus)
{
  return ((SvVirtioMmioBus *) bus)->transport;
}

static SvAddressSpace *
sv_virtio_mmio_bus_get_memory (SvVirtioBus *bus)
{
  return transport_of (bus)->memory;
}

static gboolean
sv_virtio_mmio_bus_can_plug (SvBus *bus, SvDevice *device, GError **error)
{
  if (transport_of (SV_VIRTIO_BUS (bus)) == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND,
                   "Bus '%s' has lost its transport", sv_object_get_id (SV_OBJECT (bus)));
      return FALSE;
    }
  return SV_BUS_CLASS (sv_virtio_mmio_bus_parent_class)->can_plug (bus, device, error);
}

static gboolean
sv_virtio_mmio_bus_attach (SvVirtioBus *bus, GError **error)
{
  SvVirtioMmio *transport = transport_of (bus);
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (sv_bus_get_device (SV_BUS (bus), 0));

  transport->device = device;
  sv_virtio_mmio_reset_regs (transport);
  return TRUE;
}

static void
sv_virtio_mmio_bus_detach (SvVirtioBus *bus)
{
  SvVirtioMmio *transport = transport_of (bus);

  transport->device = NULL;
  sv_late_writes_forget (transport->late);
  sv_virtio_mmio_close_irq (transport);
  sv_virtio_mmio_reset_regs (transport);
}

static void
disconnect_calls (SvVirtioMmio *transport, guint n_queues)
{
  for (guint i = 0; i < n_queues; i++)
    {
      int fd = sv_virtio_device_get_call_fd (transport->device, i);

      if (fd >= 0)
        sv_irq_disconnect_fd (transport->irq, fd);
    }
  transport->sticky_bits = 0;
}

/* Interrupts that the kernel sends for queues it works on. It cannot set the bit that tells the
 * driver to look at its queues, so that bit stays set. */
static gboolean
connect_calls (SvVirtioMmio *transport, GError **error)
{
  guint n_queues = sv_virtio_device_get_n_queues (transport->device);

  for (guint i = 0; i < n_queues; i++)
    {
      int fd = sv_virtio_device_get_call_fd (transport->device, i);

      if (fd < 0)
        continue;
      if (!sv_irq_connect_fd (transport->irq, fd, error))
        {
          disconnect_calls (transport, i);
          return FALSE;
        }
      transport->sticky_bits = VIRTIO_MMIO_INT_VRING;
    }

  __atomic_fetch_or (&transport->regs[VIRTIO_MMIO_INTERRUPT_STATUS / 4],
                     GUINT32_TO_LE (transport->sticky_bits), __ATOMIC_SEQ_CST);
  return TRUE;
}

static gboolean
sv_virtio_mmio_bus_connect (SvVirtioBus *bus, GError **error)
{
  SvVirtioMmio *transport = transport_of (bus);
  guint n_queues = sv_virtio_device_get_n_queues (transport->device);

  if (!sv_virtio_mmio_open_irq (transport, error) || !connect_calls (transport, error))
    return FALSE;

  sv_memory_transaction_begin ();
  for (guint i = 0; i < n_queues; i++)
    {
      int fd = sv_virtio_device_get_kick_fd (transport->device, i);

      if (fd >= 0)
        sv_memory_region_add_ioeventfd (transport->notify_region,
                                        transport->notify_offset + VIRTIO_MMIO_QUEUE_NOTIFY, 4, TRUE,
                                        i, fd);
    }
  sv_memory_transaction_commit ();

  /* Starting may have changed it: what the driver's features leave out. */
  sv_virtio_mmio_refresh_config (transport);
  return TRUE;
}

static void
sv_virtio_mmio_bus_disconnect (SvVirtioBus *bus)
{
  SvVirtioMmio *transport = transport_of (bus);
  guint n_queues = sv_virtio_device_get_n_queues (transport->device);

  sv_memory_transaction_begin ();
  for (guint i = 0; i < n_queues; i++)
    {
      int fd = sv_virtio_device_get_kick_fd (transport->device, i);

      if (fd >= 0)
        sv_memory_region_remove_ioeventfd (transport->notify_region,
                                           transport->notify_offset + VIRTIO_MMIO_QUEUE_NOTIFY, 4,
                                           TRUE, i, fd);
    }
  sv_memory_transaction_commit ();
  disconnect_calls (transport, n_queues);
}

static void
sv_virtio_mmio_bus_reset (SvVirtioBus *bus)
{
  sv_virtio_mmio_reset_regs (transport_of (bus));
}

static void
sv_virtio_mmio_bus_notify_queue (SvVirtioBus *bus, guint n)
{
  sv_virtio_mmio_interrupt (transport_of (bus), VIRTIO_MMIO_INT_VRING);
}

static void
sv_virtio_mmio_bus_notify_config (SvVirtioBus *bus)
{
  SvVirtioMmio *transport = transport_of (bus);

  sv_virtio_mmio_change_config (transport);
  if (sv_virtio_device_is_started (transport->device))
    sv_virtio_mmio_interrupt (transport, VIRTIO_MMIO_INT_CONFIG);
}

/* VIRTIO 1.2 §2.1.2: with DRIVER_OK set, a configuration change notification follows. */
static void
sv_virtio_mmio_bus_notify_broken (SvVirtioBus *bus)
{
  SvVirtioMmio *transport = transport_of (bus);

  sv_virtio_mmio_show_broken (transport);
  if ((sv_virtio_device_get_status (transport->device) & VIRTIO_CONFIG_S_DRIVER_OK) != 0)
    sv_virtio_mmio_interrupt (transport, VIRTIO_MMIO_INT_CONFIG);
}

static void
sv_virtio_mmio_bus_hold (SvVirtioBus *bus, gboolean hold)
{
  SvVirtioMmio *transport = transport_of (bus);

  if (transport == NULL)
    return;
  if (hold)
    sv_virtio_mmio_hold_regs (transport);
  else
    sv_virtio_mmio_show_regs (transport);
}

static void
sv_virtio_mmio_bus_settled (SvVirtioBus *bus)
{
  sv_late_writes_schedule (transport_of (bus)->late);
}

static void
sv_virtio_mmio_bus_class_init (SvVirtioMmioBusClass *klass)
{
  SvVirtioBusClass *bus_class = SV_VIRTIO_BUS_CLASS (klass);

  SV_BUS_CLASS (klass)->can_plug = sv_virtio_mmio_bus_can_plug;
  bus_class->get_memory = sv_virtio_mmio_bus_get_memory;
  bus_class->attach = sv_virtio_mmio_bus_attach;
  bus_class->detach = sv_virtio_mmio_bus_detach;
  bus_class->connect = sv_virtio_mmio_bus_connect;
  bus_class->disconnect = sv_virtio_mmio_bus_disconnect;
  bus_class->reset = sv_virtio_mmio_bus_reset;
  bus_class->notify_queue = sv_virtio_mmio_bus_notify_queue;
  bus_class->notify_config = sv_virtio_mmio_bus_notify_config;
  bus_class->notify_broken = sv_virtio_mmio_bus_notify_broken;
  bus_class->hold = sv_virtio_mmio_bus_hold;
  bus_class->settled = sv_virtio_mmio_bus_settled;
}

static void
sv_virtio_mmio_bus_init (SvVirtioMmioBus *self)
{
}

SvBus *
sv_virtio_mmio_bus_new (SvVirtioMmio *transport)
{
  SvVirtioMmioBus *self = g_object_new (SV_TYPE_VIRTIO_MMIO_BUS, NULL);

  self->transport = transport;
  return SV_BUS (self);
}

void
sv_virtio_mmio_bus_vacate (SvBus *bus)
{
  SvDevice *device = sv_bus_get_device (bus, 0);

  if (device != NULL)
    sv_device_unrealize (device);
}

void
sv_virtio_mmio_bus_forget (SvBus *bus)
{
  sv_virtio_mmio_bus_vacate (bus);
  SV_VIRTIO_MMIO_BUS (bus)->transport = NULL;
}
