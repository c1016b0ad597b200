/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interrupts of the PCI transport: VIRTIO 1.2 §4.1.4.5, §4.1.5.3, §4.1.5.4. */

#include "hw/virtio/sv-virtio-pci-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/virtio_pci.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PRIV(self) (sv_virtio_pci_priv (self))
#define ISR_QUEUE 0x1
#define ISR_CONFIG 0x2

void
sv_virtio_pci_update_pin (SvVirtioPci *self)
{
  sv_pci_device_set_pin (SV_PCI_DEVICE (self),
                         __atomic_load_n (&PRIV (self)->isr, __ATOMIC_SEQ_CST) != 0
                             && !__atomic_load_n (&PRIV (self)->use_msix, __ATOMIC_SEQ_CST));
}

static void
drain (int fd)
{
  guint64 count;

  if (read (fd, &count, sizeof count) < 0)
    return;
}

static gboolean
on_pin (gint fd, GIOCondition condition, gpointer user_data)
{
  drain (fd);
  sv_virtio_pci_update_pin (user_data);
  return G_SOURCE_CONTINUE;
}

gboolean
sv_virtio_pci_open_irq (SvVirtioPci *self, GError **error)
{
  SvVirtioPciPrivate *priv = PRIV (self);

  if (priv->pin_fd >= 0)
    return TRUE;
  priv->pin_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (priv->pin_fd < 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                   "cannot make an eventfd for the interrupt: %s", g_strerror (code));
      return FALSE;
    }
  priv->pin_source = g_unix_fd_source_new (priv->pin_fd, G_IO_IN);
  g_source_set_callback (priv->pin_source, G_SOURCE_FUNC (on_pin), self, NULL);
  g_source_attach (priv->pin_source, NULL);
  return TRUE;
}

void
sv_virtio_pci_close_irq (SvVirtioPci *self)
{
  SvVirtioPciPrivate *priv = PRIV (self);

  if (priv->pin_fd < 0)
    return;
  g_source_destroy (priv->pin_source);
  g_clear_pointer (&priv->pin_source, g_source_unref);
  close (priv->pin_fd);
  priv->pin_fd = -1;
}

/* The bits first, then the pin: a driver that is interrupted finds them. */
static void
interrupt_by_pin (SvVirtioPci *self, guint8 bits)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  guint64 one = 1;

  __atomic_fetch_or (&priv->isr, bits, __ATOMIC_SEQ_CST);
  if (priv->pin_fd >= 0 && write (priv->pin_fd, &one, sizeof one) < 0)
    return;
}

static void
interrupt (SvVirtioPci *self, guint8 bits, const guint16 *place)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  guint16 vector = __atomic_load_n (place, __ATOMIC_SEQ_CST);

  if (!__atomic_load_n (&priv->use_msix, __ATOMIC_SEQ_CST))
    interrupt_by_pin (self, bits);
  else if (vector != VIRTIO_MSI_NO_VECTOR)
    sv_msix_notify (priv->msix, vector);
}

void
sv_virtio_pci_interrupt_queue (SvVirtioPci *self, guint n)
{
  interrupt (self, ISR_QUEUE, &PRIV (self)->queue_vectors[n]);
}

void
sv_virtio_pci_interrupt_config (SvVirtioPci *self)
{
  interrupt (self, ISR_QUEUE | ISR_CONFIG, &PRIV (self)->config_vector);
}

/* Reading clears (VIRTIO 1.2 §4.1.4.5.1). */
guint8
sv_virtio_pci_take_isr (SvVirtioPci *self)
{
  guint8 bits = __atomic_exchange_n (&PRIV (self)->isr, 0, __ATOMIC_SEQ_CST);

  sv_virtio_pci_update_pin (self);
  return bits;
}

/* --- queues that the kernel works on --- */

static gboolean
on_call (gint fd, GIOCondition condition, gpointer user_data)
{
  SvVirtioPci *self = user_data;

  drain (fd);
  __atomic_fetch_or (&PRIV (self)->isr, ISR_QUEUE, __ATOMIC_SEQ_CST);
  sv_virtio_pci_update_pin (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
connect_call (SvVirtioPci *self, guint n, int fd, GError **error)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  GSource *source;

  if (priv->use_msix)
    return priv->queue_vectors[n] == VIRTIO_MSI_NO_VECTOR
           || sv_msix_connect_fd (priv->msix, priv->queue_vectors[n], fd, error);

  source = g_unix_fd_source_new (fd, G_IO_IN);
  g_source_set_callback (source, G_SOURCE_FUNC (on_call), self, NULL);
  g_source_attach (source, NULL);
  g_ptr_array_add (priv->call_sources, source);
  return TRUE;
}

gboolean
sv_virtio_pci_connect_calls (SvVirtioPci *self, GError **error)
{
  SvVirtioPciPrivate *priv = PRIV (self);

  for (guint i = 0; i < priv->n_queues; i++)
    {
      int fd = sv_virtio_device_get_call_fd (priv->core, i);

      if (fd >= 0 && !connect_call (self, i, fd, error))
        {
          sv_virtio_pci_disconnect_calls (self);
          return FALSE;
        }
    }
  return TRUE;
}

void
sv_virtio_pci_disconnect_calls (SvVirtioPci *self)
{
  SvVirtioPciPrivate *priv = PRIV (self);

  g_ptr_array_set_size (priv->call_sources, 0);
  for (guint i = 0; i < priv->n_queues; i++)
    {
      int fd = sv_virtio_device_get_call_fd (priv->core, i);

      if (fd >= 0 && priv->queue_vectors[i] != VIRTIO_MSI_NO_VECTOR)
        sv_msix_disconnect_fd (priv->msix, priv->queue_vectors[i], fd);
    }
}

/* --- changes by the driver --- */

/* VIRTIO 1.2 §4.1.5.1.2.1: the driver reads back whether it got the vector. */
static guint16
use_vector (SvVirtioPci *self, guint16 vector)
{
  SvVirtioPciPrivate *priv = PRIV (self);

  if (vector != VIRTIO_MSI_NO_VECTOR && priv->msix != NULL && vector < sv_msix_get_n_vectors (priv->msix)
      && sv_msix_use (priv->msix, vector, NULL) >= 0)
    return vector;
  return VIRTIO_MSI_NO_VECTOR;
}

/* Queues work on, and one may be interrupting by its old vector at this moment: that goes when none does any more. */
void
sv_virtio_pci_set_vector (SvVirtioPci *self, guint16 *place, guint16 vector)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  gboolean started = sv_virtio_device_is_started (priv->core);
  guint16 before = *place;

  if (vector == before)
    return;
  vector = use_vector (self, vector);
  if (started)
    sv_virtio_pci_disconnect_calls (self);
  __atomic_store_n (place, vector, __ATOMIC_SEQ_CST);
  if (started)
    {
      sv_virtio_pci_connect_calls (self, NULL);
      sv_virtio_device_sync_queues (priv->core);
    }
  if (before != VIRTIO_MSI_NO_VECTOR)
    sv_msix_release (priv->msix, before);
}

/* What the kernel's eventfds count meanwhile interrupts as soon as they are connected again. */
void
sv_virtio_pci_update_msix (SvVirtioPci *self)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  gboolean use = priv->msix != NULL && sv_msix_is_enabled (priv->msix);
  gboolean started = sv_virtio_device_is_started (priv->core);

  if (use == priv->use_msix)
    return;
  if (started)
    sv_virtio_pci_disconnect_calls (self);
  __atomic_store_n (&priv->use_msix, use, __ATOMIC_SEQ_CST);
  sv_virtio_pci_update_pin (self);
  if (started)
    sv_virtio_pci_connect_calls (self, NULL);
}
