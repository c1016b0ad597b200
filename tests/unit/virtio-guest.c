/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/unit/virtio-guest.h"

#include <string.h>

#include "src/sv-type-list.h"

#define MMIO_BASE 0x4000000u

static JsonObject *
parse (const char *json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = json_from_string (json ? json : "{}", &error);

  g_assert_no_error (error);
  return json_node_dup_object (node);
}

static void
set_irq (gpointer opaque, guint line, gboolean level)
{
  if (level)
    ((VirtioGuest *)opaque)->n_irqs++;
}

static gboolean
take_irq_fd (gpointer opaque, guint line, int fd, gboolean connect, GError **error)
{
  ((VirtioGuest *)opaque)->irq_fd = connect ? fd : -1;
  return TRUE;
}

static void
init (VirtioGuest *self, gboolean irqfd)
{
  g_autoptr (GError) error = NULL;

  sv_type_list_register ();
  memset (self, 0, sizeof *self);
  self->root = sv_object_new_container ();
  test_memory_init (&self->memory);
  self->irq = sv_irq_new (set_irq, irqfd ? take_irq_fd : NULL, self, 5);
  self->transport = sv_virtio_mmio_new (self->memory.space, 0, MMIO_BASE, self->irq);
  sv_memory_region_add (self->memory.root, MMIO_BASE, sv_virtio_mmio_get_region (self->transport), 0);
  sv_object_add_child (self->root, "transport", SV_OBJECT (self->transport), &error);
  g_assert_no_error (error);
  sv_object_complete (SV_OBJECT (self->transport), &error);
  g_assert_no_error (error);
}

void
virtio_guest_init (VirtioGuest *self)
{
  init (self, FALSE);
}

void
virtio_guest_init_irqfd (VirtioGuest *self)
{
  init (self, TRUE);
}

void
virtio_guest_clear (VirtioGuest *self)
{
  if (self->device)
    virtio_guest_unplug (self);
  sv_memory_region_remove (self->memory.root, sv_virtio_mmio_get_region (self->transport));
  sv_object_unparent (SV_OBJECT (self->transport));
  g_object_unref (self->transport);
  sv_irq_unref (self->irq);
  g_object_unref (self->root);
  test_memory_clear (&self->memory);
}

SvObject *
virtio_guest_add_object (VirtioGuest *self, const char *type, const char *id, const char *json)
{
  g_autoptr (JsonObject) properties = parse (json);
  g_autoptr (GError) error = NULL;
  g_autoptr (SvObject) object
      = sv_object_new_from_json (type, SV_TYPE_OBJECT, properties, self->root, &error);

  g_assert_no_error (error);
  sv_object_add_child (self->root, id, object, &error);
  g_assert_no_error (error);
  sv_object_complete (object, &error);
  g_assert_no_error (error);
  return object;
}

gboolean
virtio_guest_plug (VirtioGuest *self, const char *type, const char *json, GError **error)
{
  SvBus *bus = sv_virtio_mmio_get_bus (self->transport);
  g_autoptr (JsonObject) properties = parse (json);
  g_autoptr (SvObject) device
      = sv_object_new_from_json (type, SV_TYPE_DEVICE, properties, self->root, error);
  gboolean ok;

  if (device == NULL)
    return FALSE;
  ok = sv_object_add_child (self->root, "dev0", device, error);
  g_assert_true (ok);
  ok = sv_bus_plug (bus, SV_DEVICE (device), error);
  g_assert_true (ok);
  if (!sv_object_complete (device, error))
    {
      sv_bus_unplug (bus, SV_DEVICE (device));
      sv_object_unparent (device);
      g_assert_finalize_object (g_steal_pointer (&device));
      return FALSE;
    }
  self->device = SV_VIRTIO_DEVICE (device);
  return TRUE;
}

void
virtio_guest_unplug (VirtioGuest *self)
{
  SvDevice *device = SV_DEVICE (g_steal_pointer (&self->device));

  sv_device_unrealize (device);
  sv_bus_unplug (sv_virtio_mmio_get_bus (self->transport), device);
  g_object_add_weak_pointer (G_OBJECT (device), (gpointer *)&device);
  sv_object_unparent (SV_OBJECT (device));
  g_assert_null (device);
}

guint32
virtio_guest_read (VirtioGuest *self, guint offset)
{
  return sv_address_space_io_read (self->memory.space, MMIO_BASE + offset, 4);
}

void
virtio_guest_write (VirtioGuest *self, guint offset, guint32 value)
{
  sv_address_space_io_write (self->memory.space, MMIO_BASE + offset, value, 4);
}

guint64
virtio_guest_read_config (VirtioGuest *self, guint offset, guint size)
{
  return sv_address_space_io_read (self->memory.space, MMIO_BASE + VIRTIO_MMIO_CONFIG + offset, size);
}

void
virtio_guest_write_config (VirtioGuest *self, guint offset, guint64 value, guint size)
{
  sv_address_space_io_write (self->memory.space, MMIO_BASE + VIRTIO_MMIO_CONFIG + offset, value, size);
}

gpointer
virtio_guest_at (VirtioGuest *self, guint64 address)
{
  return test_memory_at (&self->memory, address);
}

static void
set_up_queue (VirtioGuest *self, guint n)
{
  SvVirtqueueLayout *layout = &self->rings[n].layout;
  gboolean event_idx = (self->features & F_EVENT_IDX) != 0;
  guint size;

  virtio_guest_write (self, VIRTIO_MMIO_QUEUE_SEL, n);
  size = MIN (virtio_guest_read (self, VIRTIO_MMIO_QUEUE_NUM_MAX), GUEST_RING_SIZE);
  g_assert_cmpuint (size, >, 0);
  test_ring_init (&self->rings[n], &self->memory, 0x4000 * (n + 1), size, event_idx);
  self->next_desc[n] = 0;
  virtio_guest_write (self, VIRTIO_MMIO_QUEUE_NUM, layout->size);
  virtio_guest_write (self, VIRTIO_MMIO_QUEUE_DESC_LOW, layout->descriptors);
  virtio_guest_write (self, VIRTIO_MMIO_QUEUE_DESC_HIGH, 0);
  virtio_guest_write (self, VIRTIO_MMIO_QUEUE_AVAIL_LOW, layout->driver);
  virtio_guest_write (self, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0);
  virtio_guest_write (self, VIRTIO_MMIO_QUEUE_USED_LOW, layout->device);
  virtio_guest_write (self, VIRTIO_MMIO_QUEUE_USED_HIGH, 0);
  virtio_guest_write (self, VIRTIO_MMIO_QUEUE_READY, 1);
  g_assert_cmpuint (virtio_guest_read (self, VIRTIO_MMIO_QUEUE_READY), ==, 1);
}

void
virtio_guest_start (VirtioGuest *self, guint n_queues, guint64 without)
{
  const guint up = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

  virtio_guest_write (self, VIRTIO_MMIO_STATUS, 0);
  virtio_guest_write (self, VIRTIO_MMIO_STATUS, up);
  self->n_queues = n_queues;
  self->features = 0;
  for (guint word = 0; word < 2; word++)
    {
      virtio_guest_write (self, VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
      self->features |= (guint64)virtio_guest_read (self, VIRTIO_MMIO_DEVICE_FEATURES) << (32 * word);
    }
  self->features &= ~without;
  for (guint word = 0; word < 2; word++)
    {
      virtio_guest_write (self, VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
      virtio_guest_write (self, VIRTIO_MMIO_DRIVER_FEATURES, self->features >> (32 * word));
    }
  virtio_guest_write (self, VIRTIO_MMIO_STATUS, up | VIRTIO_CONFIG_S_FEATURES_OK);
  g_assert_cmpuint (virtio_guest_read (self, VIRTIO_MMIO_STATUS), ==,
                    up | VIRTIO_CONFIG_S_FEATURES_OK);
  for (guint i = 0; i < n_queues; i++)
    set_up_queue (self, i);
  virtio_guest_write (self, VIRTIO_MMIO_STATUS,
                      up | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
  g_assert_false (virtio_guest_is_broken (self));
}

gboolean
virtio_guest_is_broken (VirtioGuest *self)
{
  return (virtio_guest_read (self, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET) != 0;
}

guint16
virtio_guest_add (
    VirtioGuest *self, guint queue, guint64 out, guint32 out_size, guint64 in, guint32 in_size)
{
  TestRing *ring = &self->rings[queue];
  guint16 head = self->next_desc[queue];

  self->next_desc[queue] = (head + 2) % ring->size;
  if (out_size > 0 && in_size > 0)
    {
      test_ring_desc (ring, head, out, out_size, VRING_DESC_F_NEXT, head + 1);
      test_ring_desc (ring, head + 1, in, in_size, VRING_DESC_F_WRITE, 0);
    }
  else if (in_size > 0)
    test_ring_desc (ring, head, in, in_size, VRING_DESC_F_WRITE, 0);
  else
    test_ring_desc (ring, head, out, out_size, 0, 0);
  test_ring_add (ring, head);
  return head;
}

void
virtio_guest_kick (VirtioGuest *self, guint queue)
{
  virtio_guest_write (self, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

void
virtio_guest_settle (VirtioGuest *self)
{
  while (g_main_context_iteration (NULL, FALSE))
    continue;
}

guint16
virtio_guest_wait (VirtioGuest *self, guint queue, guint32 *written)
{
  TestRing *ring = &self->rings[queue];
  guint32 id, length;

  while (!test_ring_take (ring, &id, &length))
    {
      g_assert_false (virtio_guest_is_broken (self));
      g_main_context_iteration (NULL, TRUE);
    }
  if (written)
    *written = length;
  return id;
}

guint32
virtio_guest_run (
    VirtioGuest *self, guint queue, guint64 out, guint32 out_size, guint64 in, guint32 in_size)
{
  guint16 head = virtio_guest_add (self, queue, out, out_size, in, in_size);
  guint32 written;

  virtio_guest_kick (self, queue);
  g_assert_cmpuint (virtio_guest_wait (self, queue, &written), ==, head);
  return written;
}
