/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The registers of VIRTIO 1.2 §4.1.4. */

#include "hw/virtio/sv-virtio-pci-private.h"

#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <string.h>

#include "src/runtime/sv-log.h"

#define PRIV(self) (sv_virtio_pci_priv (self))

/* --- common configuration, §4.1.4.3 --- */

static guint64
read_features (SvVirtioPci *self)
{
  SvVirtioPciPrivate *priv = PRIV (self);

  if (priv->device_feature_select > 1)
    return 0;
  return sv_virtio_device_get_features (priv->core) >> (32 * priv->device_feature_select)
         & G_MAXUINT32;
}

static guint64
half (guint64 address, guint offset, guint low)
{
  return offset == low ? address & G_MAXUINT32 : address >> 32;
}

static guint64
read_queue (SvVirtioPci *self, guint offset)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  SvVirtqueue *queue = sv_virtio_device_get_queue (priv->core, priv->queue_select);
  SvVirtqueueLayout layout;

  /* §4.1.4.3.1: size 0 says that there is no such queue. */
  if (queue == NULL)
    return offset == VIRTIO_PCI_COMMON_Q_MSIX ? VIRTIO_MSI_NO_VECTOR : 0;
  sv_virtqueue_get_layout (queue, &layout);
  switch (offset)
    {
    case VIRTIO_PCI_COMMON_Q_SIZE:
      return layout.size;
    case VIRTIO_PCI_COMMON_Q_MSIX:
      return priv->queue_vectors[priv->queue_select];
    case VIRTIO_PCI_COMMON_Q_ENABLE:
      return sv_virtqueue_is_ready (queue);
    case VIRTIO_PCI_COMMON_Q_NOFF:
      return priv->queue_select;
    case VIRTIO_PCI_COMMON_Q_DESCLO:
    case VIRTIO_PCI_COMMON_Q_DESCHI:
      return half (layout.descriptors, offset, VIRTIO_PCI_COMMON_Q_DESCLO);
    case VIRTIO_PCI_COMMON_Q_AVAILLO:
    case VIRTIO_PCI_COMMON_Q_AVAILHI:
      return half (layout.driver, offset, VIRTIO_PCI_COMMON_Q_AVAILLO);
    case VIRTIO_PCI_COMMON_Q_USEDLO:
    case VIRTIO_PCI_COMMON_Q_USEDHI:
      return half (layout.device, offset, VIRTIO_PCI_COMMON_Q_USEDLO);
    default:
      return 0;
    }
}

static guint64
read_common (SvVirtioPci *self, guint offset)
{
  SvVirtioPciPrivate *priv = PRIV (self);

  switch (offset)
    {
    case VIRTIO_PCI_COMMON_DFSELECT:
      return priv->device_feature_select;
    case VIRTIO_PCI_COMMON_DF:
      return read_features (self);
    case VIRTIO_PCI_COMMON_GFSELECT:
      return priv->driver_feature_select;
    case VIRTIO_PCI_COMMON_GF:
      return priv->driver_feature_select < 2 ? priv->driver_features[priv->driver_feature_select]
                                             : 0;
    case VIRTIO_PCI_COMMON_MSIX:
      return priv->config_vector;
    case VIRTIO_PCI_COMMON_NUMQ:
      return priv->n_queues;
    case VIRTIO_PCI_COMMON_STATUS:
      return sv_virtio_device_get_status (priv->core);
    case VIRTIO_PCI_COMMON_CFGGENERATION:
      return sv_virtio_device_get_config_generation (priv->core) & 0xff;
    case VIRTIO_PCI_COMMON_Q_SELECT:
      return priv->queue_select;
    default:
      return read_queue (self, offset);
    }
}

static void
set_address (guint64 *address, gboolean high, guint32 value)
{
  if (high)
    *address = (*address & G_MAXUINT32) | (guint64)value << 32;
  else
    *address = (*address & ~(guint64)G_MAXUINT32) | value;
}

static void
write_layout (SvVirtioPci *self, SvVirtqueue *queue, guint offset, guint32 value)
{
  SvVirtqueueLayout layout;

  sv_virtqueue_get_layout (queue, &layout);
  switch (offset)
    {
    case VIRTIO_PCI_COMMON_Q_SIZE:
      /* 0 is never valid: the queue will not get ready. */
      layout.size = value <= sv_virtqueue_get_max_size (queue) ? value : 0;
      break;
    case VIRTIO_PCI_COMMON_Q_DESCLO:
    case VIRTIO_PCI_COMMON_Q_DESCHI:
      set_address (&layout.descriptors, offset == VIRTIO_PCI_COMMON_Q_DESCHI, value);
      break;
    case VIRTIO_PCI_COMMON_Q_AVAILLO:
    case VIRTIO_PCI_COMMON_Q_AVAILHI:
      set_address (&layout.driver, offset == VIRTIO_PCI_COMMON_Q_AVAILHI, value);
      break;
    case VIRTIO_PCI_COMMON_Q_USEDLO:
    case VIRTIO_PCI_COMMON_Q_USEDHI:
      set_address (&layout.device, offset == VIRTIO_PCI_COMMON_Q_USEDHI, value);
      break;
    default:
      return;
    }

  if (!sv_virtqueue_set_layout (queue, &layout))
    sv_log_guest ("%s: write to register 0x%x of queue %u, which is enabled",
                  sv_pci_device_get_name (SV_PCI_DEVICE (self)), offset, PRIV (self)->queue_select);
}

static void
write_queue (SvVirtioPci *self, guint offset, guint32 value)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  SvVirtqueue *queue = sv_virtio_device_get_queue (priv->core, priv->queue_select);

  if (queue == NULL)
    return;
  if (offset == VIRTIO_PCI_COMMON_Q_MSIX)
    sv_virtio_pci_set_vector (self, &priv->queue_vectors[priv->queue_select], (guint16)value);
  else if (offset != VIRTIO_PCI_COMMON_Q_ENABLE)
    write_layout (self, queue, offset, value);
  /* §4.1.4.3.2: the driver does not write 0. */
  else if (value == 1 && !sv_virtio_device_set_queue_ready (priv->core, priv->queue_select, TRUE))
    sv_log_guest ("%s: queue %u cannot be used as it was set up",
                  sv_pci_device_get_name (SV_PCI_DEVICE (self)), priv->queue_select);
}

static void
write_common (SvVirtioPci *self, guint offset, guint32 value)
{
  SvVirtioPciPrivate *priv = PRIV (self);

  switch (offset)
    {
    case VIRTIO_PCI_COMMON_DFSELECT:
      priv->device_feature_select = value;
      break;
    case VIRTIO_PCI_COMMON_GFSELECT:
      priv->driver_feature_select = value;
      break;
    case VIRTIO_PCI_COMMON_GF:
      if (priv->driver_feature_select < 2)
        priv->driver_features[priv->driver_feature_select] = value;
      sv_virtio_device_set_driver_features (priv->core, (guint64)priv->driver_features[1] << 32
                                                            | priv->driver_features[0]);
      break;
    case VIRTIO_PCI_COMMON_MSIX:
      sv_virtio_pci_set_vector (self, &priv->config_vector, (guint16)value);
      break;
    case VIRTIO_PCI_COMMON_STATUS:
      /* Resetting the device resets the registers by way of the bus. */
      sv_virtio_device_set_status (priv->core, (guint8)value);
      break;
    case VIRTIO_PCI_COMMON_Q_SELECT:
      priv->queue_select = (guint16)value;
      break;
    default:
      write_queue (self, offset, value);
      break;
    }
}

/* Width of the common register at @offset; 0: none starts there. */
static guint
common_width (guint offset)
{
  if (offset < VIRTIO_PCI_COMMON_MSIX
      || (offset >= VIRTIO_PCI_COMMON_Q_DESCLO && offset <= VIRTIO_PCI_COMMON_Q_USEDHI))
    return offset % 4 == 0 ? 4 : 0;
  if (offset == VIRTIO_PCI_COMMON_STATUS || offset == VIRTIO_PCI_COMMON_CFGGENERATION)
    return 1;
  return offset < VIRTIO_PCI_COMMON_Q_DESCLO && offset % 2 == 0 ? 2 : 0;
}

/* --- by page --- */

/* A serial device gets queues as ports are plugged in, until its driver counts them. */
void
sv_virtio_pci_update_queues (SvVirtioPci *self)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  guint n_queues = sv_virtio_device_get_n_queues (priv->core);

  if (n_queues <= priv->n_queues)
    return;
  priv->queue_vectors = g_renew (guint16, priv->queue_vectors, n_queues);
  for (guint i = priv->n_queues; i < n_queues; i++)
    priv->queue_vectors[i] = VIRTIO_MSI_NO_VECTOR;
  priv->n_queues = n_queues;
}

static guint64
common_read (gpointer opaque, guint64 offset, guint size)
{
  guint width = common_width ((guint)MIN (offset, SV_VIRTIO_PCI_PAGE));

  if (width == 0)
    return 0;
  sv_virtio_pci_update_queues (opaque);
  if (size >= width)
    {
      guint64 value = read_common (opaque, (guint)offset);

      /* §4.1.3.1: drivers use the width of the field; 64-bit fields may be read whole. */
      if (size == 8 && width == 4)
        value |= read_common (opaque, (guint)offset + 4) << 32;
      return value;
    }
  return read_common (opaque, (guint)offset) & ((1u << 8 * size) - 1);
}

void
sv_virtio_pci_write_late (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  guint width = common_width ((guint)MIN (offset, SV_VIRTIO_PCI_PAGE));

  if (width == 0 || size < width)
    return;
  sv_virtio_pci_update_queues (opaque);
  write_common (opaque, (guint)offset,
                (guint32)(width == 4 ? value : value & ((1u << 8 * width) - 1)));
  if (size == 8 && width == 4)
    write_common (opaque, (guint)offset + 4, (guint32)(value >> 32));
}

gboolean
sv_virtio_pci_is_settled (gpointer opaque)
{
  return sv_virtio_device_settle (PRIV (opaque)->core);
}

/* A driver that resets the device is not to stop the main loop until the host's disks are done. */
static void
common_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvLateWrites *late = PRIV (opaque)->late;
  gboolean resets = offset == VIRTIO_PCI_COMMON_STATUS && (value & 0xff) == 0;

  if ((sv_late_writes_is_pending (late) || (resets && !sv_virtio_pci_is_settled (opaque)))
      && sv_late_writes_defer (late, offset, value, size))
    return;
  sv_virtio_pci_write_late (opaque, offset, value, size);
}

static guint64
isr_read (gpointer opaque, guint64 offset, guint size)
{
  return offset == 0 ? sv_virtio_pci_take_isr (opaque) : 0;
}

static void
isr_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
}

static guint64
device_read (gpointer opaque, guint64 offset, guint size)
{
  SvVirtioPciPrivate *priv = PRIV (opaque);
  guint length = sv_virtio_device_get_config_size (priv->core);
  guint64 value = 0;

  if (offset >= length)
    return 0;
  memcpy (&value, (const guint8 *)sv_virtio_device_get_config (priv->core) + offset,
          MIN (size, length - offset));
  return GUINT64_FROM_LE (value);
}

static void
device_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  sv_virtio_device_write_config (PRIV (opaque)->core, (guint)offset, value, size);
}

static guint64
notify_read (gpointer opaque, guint64 offset, guint size)
{
  return 0;
}

/* Comes here where the accelerator has no ioeventfd, and for queues that do not run. */
static void
notify_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvVirtioPciPrivate *priv = PRIV (opaque);
  guint n = (guint)offset / SV_VIRTIO_PCI_NOTIFY_MULTIPLIER;

  if (sv_virtio_device_get_kick_fd (priv->core, n) >= 0)
    sv_virtio_device_kick (priv->core, n);
}

static const SvMemoryRegionOps page_ops[] = {
  { .read = common_read, .write = common_write, .min_access = 1, .max_access = 8 },
  { .read = isr_read, .write = isr_write, .min_access = 1, .max_access = 4 },
  { .read = device_read, .write = device_write, .min_access = 1, .max_access = 8 },
  { .read = notify_read, .write = notify_write, .min_access = 1, .max_access = 4 },
};

void
sv_virtio_pci_map_registers (SvVirtioPci *self)
{
  static const char *const names[]
      = { "virtio-pci-common", "virtio-pci-isr", "virtio-pci-device", "virtio-pci-notify" };
  SvVirtioPciPrivate *priv = PRIV (self);

  priv->bar = sv_memory_region_new_container ("virtio-pci", SV_VIRTIO_PCI_SIZE);
  for (guint i = 0; i < G_N_ELEMENTS (page_ops); i++)
    {
      priv->pages[i] = sv_memory_region_new_io (names[i], SV_VIRTIO_PCI_PAGE, &page_ops[i], self);
      sv_memory_region_add (priv->bar, i * SV_VIRTIO_PCI_PAGE, priv->pages[i], 0);
    }
}

guint64
sv_virtio_pci_read (SvVirtioPci *self, guint64 offset, guint size)
{
  if (offset >= SV_VIRTIO_PCI_SIZE || size > SV_VIRTIO_PCI_SIZE - offset)
    return 0;
  return page_ops[offset / SV_VIRTIO_PCI_PAGE].read (self, offset % SV_VIRTIO_PCI_PAGE, size);
}

void
sv_virtio_pci_write (SvVirtioPci *self, guint64 offset, guint64 value, guint size)
{
  if (offset < SV_VIRTIO_PCI_SIZE && size <= SV_VIRTIO_PCI_SIZE - offset)
    page_ops[offset / SV_VIRTIO_PCI_PAGE].write (self, offset % SV_VIRTIO_PCI_PAGE, value, size);
}

void
sv_virtio_pci_reset_registers (SvVirtioPci *self)
{
  SvVirtioPciPrivate *priv = PRIV (self);

  priv->device_feature_select = priv->driver_feature_select = 0;
  priv->driver_features[0] = priv->driver_features[1] = 0;
  priv->queue_select = 0;
  sv_virtio_pci_set_vector (self, &priv->config_vector, VIRTIO_MSI_NO_VECTOR);
  for (guint i = 0; i < priv->n_queues; i++)
    sv_virtio_pci_set_vector (self, &priv->queue_vectors[i], VIRTIO_MSI_NO_VECTOR);
  sv_virtio_pci_take_isr (self);
}
