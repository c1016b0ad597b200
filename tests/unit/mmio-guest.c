/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mmio-guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void
on_irq (gpointer opaque, guint line, gboolean level)
{
  g_assert_cmpuint (line, ==, MMIO_GSI);
  if (level)
    ((MmioGuest *)opaque)->n_pulses++;
}

static gboolean
on_irqfd (gpointer opaque, guint line, int fd, gboolean connect, GError **error)
{
  MmioGuest *guest = opaque;

  g_assert_cmpuint (line, ==, MMIO_GSI);
  if (guest->refuse_irqfd)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "no irqfd");
      return FALSE;
    }

  g_assert_cmpint (connect, ==, guest->irqfd < 0);
  if (connect)
    guest->irqfd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  else
    {
      close (guest->irqfd);
      guest->irqfd = -1;
    }
  return TRUE;
}

static void
on_ioeventfd_add (
    gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  MmioGuest *guest = opaque;

  g_assert_cmphex (address, ==, MMIO_BASE + VIRTIO_MMIO_QUEUE_NOTIFY);
  g_assert_cmpuint (size, ==, 4);
  g_assert_true (match);
  g_assert_cmpuint (value, <, ECHO_QUEUES);
  g_assert_cmpint (guest->ioeventfds[value], ==, -1);
  guest->ioeventfds[value] = fd;
}

static void
on_ioeventfd_remove (
    gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  MmioGuest *guest = opaque;

  g_assert_cmpint (guest->ioeventfds[value], ==, fd);
  /* Still open: the kernel finds an ioeventfd by it. */
  g_assert_cmpint (fcntl (fd, F_GETFD), !=, -1);
  guest->ioeventfds[value] = -1;
}

static const SvMemoryListener listener = {
  .ioeventfd_add = on_ioeventfd_add,
  .ioeventfd_remove = on_ioeventfd_remove,
};

void
mmio_guest_plug (MmioGuest *guest, GMainContext *context)
{
  g_autoptr (GError) error = NULL;

  guest->echo = g_object_new (ECHO_TYPE_DEVICE, NULL);
  guest->echo->context = context;
  sv_object_add_child (guest->tree, "echo", SV_OBJECT (guest->echo), &error);
  g_assert_no_error (error);
  sv_bus_plug (sv_virtio_mmio_get_bus (guest->mmio), SV_DEVICE (guest->echo), &error);
  g_assert_no_error (error);
  sv_object_complete (SV_OBJECT (guest->echo), &error);
  g_assert_no_error (error);
}

void
mmio_guest_unplug (MmioGuest *guest)
{
  sv_device_unrealize (SV_DEVICE (guest->echo));
  sv_bus_unplug (sv_virtio_mmio_get_bus (guest->mmio), SV_DEVICE (guest->echo));
  sv_object_unparent (SV_OBJECT (guest->echo));
  g_clear_object (&guest->echo);
}

void
mmio_guest_add_transport (MmioGuest *guest)
{
  g_autoptr (GError) error = NULL;

  guest->mmio = sv_virtio_mmio_new (guest->memory.space, MMIO_SLOT, MMIO_BASE, guest->irq);
  sv_object_add_child (guest->tree, "mmio", SV_OBJECT (guest->mmio), &error);
  g_assert_no_error (error);
  sv_object_complete (SV_OBJECT (guest->mmio), &error);
  g_assert_no_error (error);
  if (guest->bank != NULL)
    sv_virtio_mmio_bank_add (guest->bank, guest->mmio);
  else
    sv_memory_region_add (guest->memory.root, MMIO_BASE, sv_virtio_mmio_get_region (guest->mmio),
                          0);
}

void
mmio_guest_remove_transport (MmioGuest *guest)
{
  if (guest->bank == NULL)
    sv_memory_region_remove (guest->memory.root, sv_virtio_mmio_get_region (guest->mmio));
  sv_object_unparent (SV_OBJECT (guest->mmio));
  g_assert_finalize_object (guest->mmio);
}

void
mmio_guest_init (MmioGuest *guest, GMainContext *context, gboolean banked)
{
  *guest = (MmioGuest){ .irqfd = -1, .ioeventfds = { -1, -1, -1 } };
  test_memory_init (&guest->memory);
  guest->tree = sv_object_new_container ();
  guest->irq = sv_irq_new (on_irq, on_irqfd, guest, MMIO_GSI);
  if (banked)
    {
      guest->bank = sv_virtio_mmio_bank_new (4);
      sv_memory_region_add (guest->memory.root, BANK_BASE,
                            sv_virtio_mmio_bank_get_region (guest->bank), 0);
    }
  mmio_guest_add_transport (guest);
  sv_address_space_add_listener (guest->memory.space, &listener, guest);
  mmio_guest_plug (guest, context);
}

void
mmio_guest_clear (MmioGuest *guest)
{
  if (guest->echo != NULL)
    mmio_guest_unplug (guest);
  g_assert_cmpint (guest->irqfd, ==, -1);
  for (guint i = 0; i < ECHO_QUEUES; i++)
    g_assert_cmpint (guest->ioeventfds[i], ==, -1);

  sv_address_space_remove_listener (guest->memory.space, &listener, guest);
  mmio_guest_remove_transport (guest);
  if (guest->bank != NULL)
    {
      sv_memory_region_remove (guest->memory.root, sv_virtio_mmio_bank_get_region (guest->bank));
      g_assert_finalize_object (guest->bank);
    }
  g_clear_object (&guest->tree);
  sv_irq_unref (guest->irq);
  test_memory_clear (&guest->memory);
}

guint64
mmio_read_sized (MmioGuest *guest, guint offset, guint size)
{
  return sv_address_space_io_read (guest->memory.space, MMIO_BASE + offset, size);
}

void
mmio_write_sized (MmioGuest *guest, guint offset, guint64 value, guint size)
{
  sv_address_space_io_write (guest->memory.space, MMIO_BASE + offset, value, size);
}

guint32
mmio_read (MmioGuest *guest, guint offset)
{
  return mmio_read_sized (guest, offset, 4);
}

void
mmio_write (MmioGuest *guest, guint offset, guint32 value)
{
  mmio_write_sized (guest, offset, value, 4);
}

guint64
mmio_read_features (MmioGuest *guest)
{
  guint64 features;

  mmio_write (guest, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
  features = (guint64)mmio_read (guest, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
  mmio_write (guest, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
  return features | mmio_read (guest, VIRTIO_MMIO_DEVICE_FEATURES);
}

void
mmio_write_features (MmioGuest *guest, guint64 features)
{
  mmio_write (guest, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
  mmio_write (guest, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
  mmio_write (guest, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
  mmio_write (guest, VIRTIO_MMIO_DRIVER_FEATURES, features);
}

gboolean
mmio_negotiate (MmioGuest *guest, guint64 features)
{
  mmio_write (guest, VIRTIO_MMIO_STATUS, S_ACKNOWLEDGE);
  mmio_write (guest, VIRTIO_MMIO_STATUS, S_ACKNOWLEDGE | S_DRIVER);
  mmio_write_features (guest, features);
  mmio_write (guest, VIRTIO_MMIO_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
  return (mmio_read (guest, VIRTIO_MMIO_STATUS) & S_FEATURES_OK) != 0;
}

void
mmio_set_up_queue (MmioGuest *guest, guint n, guint size, gboolean event_idx)
{
  TestRing *ring = &guest->rings[n];

  test_ring_init (ring, &guest->memory, 0x10000 * (n + 1), size, event_idx);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_SEL, n);
  g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_QUEUE_READY), ==, 0);
  g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_QUEUE_NUM_MAX), ==, ECHO_QUEUE_SIZE);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_NUM, size);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_DESC_LOW, ring->layout.descriptors);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_DESC_HIGH, ring->layout.descriptors >> 32);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_AVAIL_LOW, ring->layout.driver);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, ring->layout.driver >> 32);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_USED_LOW, ring->layout.device);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_USED_HIGH, ring->layout.device >> 32);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_READY, 1);
}

void
mmio_handshake (MmioGuest *guest, guint64 features)
{
  guint8 status = S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK;

  g_assert_true (mmio_negotiate (guest, F_VERSION_1 | features));
  for (guint i = 0; i < ECHO_QUEUES; i++)
    {
      mmio_set_up_queue (guest, i, 16, (features & F_EVENT_IDX) != 0);
      g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_QUEUE_READY), ==, 1);
    }
  mmio_write (guest, VIRTIO_MMIO_STATUS, status);
  g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, status);
}

void
mmio_send (MmioGuest *guest, guint queue, guint slot, guint32 number)
{
  TestRing *ring = &guest->rings[queue];
  guint64 address = DATA + 0x4000 * queue + 0x100 * slot;

  *(guint32 *)test_memory_at (&guest->memory, address) = number;
  *(guint32 *)test_memory_at (&guest->memory, address + 0x80) = 0;
  test_ring_desc (ring, 2 * slot, address, 4, VRING_DESC_F_NEXT, 2 * slot + 1);
  test_ring_desc (ring, 2 * slot + 1, address + 0x80, 16, VRING_DESC_F_WRITE, 0);
  if (test_ring_add (ring, 2 * slot))
    mmio_write (guest, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

void
mmio_expect_echo (MmioGuest *guest, guint queue, guint slot, guint32 number)
{
  guint64 address = DATA + 0x4000 * queue + 0x100 * slot;
  guint32 id, length;

  while (!test_ring_take (&guest->rings[queue], &id, &length))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (id, ==, 2 * slot);
  g_assert_cmpuint (length, ==, 4);
  g_assert_cmpuint (*(guint32 *)test_memory_at (&guest->memory, address + 0x80), ==, number);
}

guint64
mmio_take_irqs (MmioGuest *guest)
{
  guint64 count = 0;

  if (guest->irqfd >= 0 && read (guest->irqfd, &count, sizeof count) < 0)
    g_assert_cmpint (errno, ==, EAGAIN);
  return count;
}

void
mmio_settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}
