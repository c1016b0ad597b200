/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/unit/blk-driver.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/virtio_mmio.h>
#include <string.h>
#include <unistd.h>

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
  BlkDriver *self = opaque;

  if (level)
    self->n_irqs++;
}

static gboolean
take_irq_fd (gpointer opaque, guint line, int fd, gboolean connect, GError **error)
{
  BlkDriver *self = opaque;

  self->irq_fd = connect ? fd : -1;
  return TRUE;
}

static void
open_image (BlkDriver *self, const BlkDriverOptions *options)
{
  g_autoptr (JsonObject) properties = parse (options->node);
  g_autoptr (SvObject) node = NULL;
  g_autoptr (GError) error = NULL;
  int fd;

  self->path = g_build_filename (g_test_get_dir (G_TEST_BUILT), "virtio-blk-XXXXXX", NULL);
  fd = g_mkstemp (self->path);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (ftruncate (fd, options->size ? options->size : 1024 * 1024), ==, 0);
  close (fd);
  json_object_set_string_member (properties, "filename", self->path);
  node = sv_object_new_from_json ("blockdev-file", SV_TYPE_BLOCK_NODE, properties, self->root,
                                  &error);
  g_assert_no_error (error);
  sv_object_add_child (self->root, "disk0", node, &error);
  g_assert_no_error (error);
  sv_object_complete (node, &error);
  g_assert_no_error (error);
  self->node = SV_BLOCK_NODE (node);
}

SvDevice *
blk_driver_new_device (BlkDriver *self, const char *json, GError **error)
{
  g_autoptr (JsonObject) properties = parse (json);

  if (!json_object_has_member (properties, "drive"))
    json_object_set_string_member (properties, "drive", "disk0");
  if (self->iothread && !json_object_has_member (properties, "iothread"))
    json_object_set_string_member (properties, "iothread", "io0");
  return SV_DEVICE (
      sv_object_new_from_json ("virtio-blk-device", SV_TYPE_DEVICE, properties, self->root, error));
}

gboolean
blk_driver_realize (BlkDriver *self, const char *json, GError **error)
{
  SvBus *bus = sv_virtio_mmio_get_bus (self->transport);
  g_autoptr (SvDevice) device = blk_driver_new_device (self, json, error);
  gboolean ok;

  if (device == NULL)
    return FALSE;
  ok = sv_object_add_child (self->root, "blk0", SV_OBJECT (device), error);
  g_assert_true (ok);
  ok = sv_bus_plug (bus, device, error);
  g_assert_true (ok);
  if (!sv_object_complete (SV_OBJECT (device), error))
    {
      sv_bus_unplug (bus, device);
      sv_object_unparent (SV_OBJECT (device));
      return FALSE;
    }
  self->device = SV_VIRTIO_DEVICE (device);
  return TRUE;
}

void
blk_driver_init (BlkDriver *self, const BlkDriverOptions *options)
{
  g_autoptr (GError) error = NULL;

  sv_type_list_register ();
  memset (self, 0, sizeof *self);
  self->root = sv_object_new_container ();
  self->n_queues = MAX (options->n_queues, 1);
  open_image (self, options);
  if (options->iothread)
    {
      g_autoptr (SvObject) iothread
          = sv_object_new_from_json ("iothread", SV_TYPE_OBJECT, NULL, self->root, &error);

      g_assert_no_error (error);
      sv_object_add_child (self->root, "io0", iothread, &error);
      sv_object_complete (iothread, &error);
      g_assert_no_error (error);
      self->iothread = iothread;
    }

  test_memory_init (&self->memory);
  self->irq = sv_irq_new (set_irq, options->irqfd ? take_irq_fd : NULL, self, 5);
  self->transport = sv_virtio_mmio_new (self->memory.space, 0, MMIO_BASE, self->irq);
  sv_memory_region_add (self->memory.root, MMIO_BASE, sv_virtio_mmio_get_region (self->transport),
                        0);
  sv_object_add_child (self->root, "transport", SV_OBJECT (self->transport), &error);
  g_assert_no_error (error);
  sv_object_complete (SV_OBJECT (self->transport), &error);
  g_assert_no_error (error);

  if (!blk_driver_realize (self, options->device, &error))
    g_error ("%s", error->message);
  blk_driver_start (self, options->without);
}

void
blk_driver_clear (BlkDriver *self)
{
  if (self->device)
    {
      SvObject *device = SV_OBJECT (self->device);
      SvBus *bus = sv_device_get_bus (SV_DEVICE (device));

      sv_device_unrealize (SV_DEVICE (device));
      if (sv_device_get_bus (SV_DEVICE (device)))
        sv_bus_unplug (bus, SV_DEVICE (device));
      sv_object_unparent (device);
    }
  sv_memory_region_remove (self->memory.root, sv_virtio_mmio_get_region (self->transport));
  sv_object_unparent (SV_OBJECT (self->transport));
  g_object_unref (self->transport);
  sv_irq_unref (self->irq);
  g_object_unref (self->root);
  test_memory_clear (&self->memory);
  g_unlink (self->path);
  g_free (self->path);
}

guint32
blk_driver_read (BlkDriver *self, guint offset)
{
  return sv_address_space_io_read (self->memory.space, MMIO_BASE + offset, 4);
}

void
blk_driver_write (BlkDriver *self, guint offset, guint32 value)
{
  sv_address_space_io_write (self->memory.space, MMIO_BASE + offset, value, 4);
}

struct virtio_blk_config
blk_driver_get_config (BlkDriver *self)
{
  struct virtio_blk_config config = { 0 };

  for (guint i = 0; i < sizeof config; i++)
    ((guint8 *)&config)[i]
        = sv_address_space_io_read (self->memory.space, MMIO_BASE + VIRTIO_MMIO_CONFIG + i, 1);
  return config;
}

gpointer
blk_driver_at (BlkDriver *self, guint64 address)
{
  return test_memory_at (&self->memory, address);
}

static void
set_up_queue (BlkDriver *self, guint n)
{
  SvVirtqueueLayout *layout = &self->rings[n].layout;
  gboolean event_idx = (self->features & F_EVENT_IDX) != 0;

  blk_driver_write (self, VIRTIO_MMIO_QUEUE_SEL, n);
  g_assert_cmpuint (blk_driver_read (self, VIRTIO_MMIO_QUEUE_NUM_MAX), >=, BLK_RING_SIZE);
  test_ring_init (&self->rings[n], &self->memory, 0x4000 * (n + 1), BLK_RING_SIZE, event_idx);
  self->next_head[n] = 0;
  blk_driver_write (self, VIRTIO_MMIO_QUEUE_NUM, layout->size);
  blk_driver_write (self, VIRTIO_MMIO_QUEUE_DESC_LOW, layout->descriptors);
  blk_driver_write (self, VIRTIO_MMIO_QUEUE_DESC_HIGH, 0);
  blk_driver_write (self, VIRTIO_MMIO_QUEUE_AVAIL_LOW, layout->driver);
  blk_driver_write (self, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0);
  blk_driver_write (self, VIRTIO_MMIO_QUEUE_USED_LOW, layout->device);
  blk_driver_write (self, VIRTIO_MMIO_QUEUE_USED_HIGH, 0);
  blk_driver_write (self, VIRTIO_MMIO_QUEUE_READY, 1);
  g_assert_cmpuint (blk_driver_read (self, VIRTIO_MMIO_QUEUE_READY), ==, 1);
}

void
blk_driver_start (BlkDriver *self, guint64 without)
{
  const guint up = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

  blk_driver_write (self, VIRTIO_MMIO_STATUS, 0);
  blk_driver_write (self, VIRTIO_MMIO_STATUS, up);
  self->features = 0;
  for (guint word = 0; word < 2; word++)
    {
      blk_driver_write (self, VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
      self->features |= (guint64)blk_driver_read (self, VIRTIO_MMIO_DEVICE_FEATURES) << (32 * word);
    }
  self->features &= ~without;
  for (guint word = 0; word < 2; word++)
    {
      blk_driver_write (self, VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
      blk_driver_write (self, VIRTIO_MMIO_DRIVER_FEATURES, self->features >> (32 * word));
    }
  blk_driver_write (self, VIRTIO_MMIO_STATUS, up | VIRTIO_CONFIG_S_FEATURES_OK);
  g_assert_cmpuint (blk_driver_read (self, VIRTIO_MMIO_STATUS), ==,
                    up | VIRTIO_CONFIG_S_FEATURES_OK);
  for (guint i = 0; i < self->n_queues; i++)
    set_up_queue (self, i);
  blk_driver_write (self, VIRTIO_MMIO_STATUS,
                    up | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
  g_assert_false (blk_driver_is_broken (self));
}

gboolean
blk_driver_is_broken (BlkDriver *self)
{
  return (blk_driver_read (self, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET) != 0;
}

/* 64 bytes for each head: header, then status. */
void
blk_driver_prepare (BlkDriver *self,
                    guint queue,
                    guint16 head,
                    guint32 type,
                    guint64 sector,
                    guint64 *header,
                    guint64 *status)
{
  guint64 at = BLK_HEADERS + (queue * BLK_RING_SIZE + head) * 64;
  struct virtio_blk_outhdr *outhdr = blk_driver_at (self, at);

  outhdr->type = GUINT32_TO_LE (type);
  outhdr->ioprio = 0;
  outhdr->sector = GUINT64_TO_LE (sector);
  *(guint8 *)blk_driver_at (self, at + 32) = 0xff;
  *header = at;
  *status = at + 32;
}

static gboolean
is_from_device (guint32 type)
{
  return type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
}

guint16
blk_driver_add (
    BlkDriver *self, guint queue, guint32 type, guint64 sector, guint64 address, guint32 length)
{
  TestRing *ring = &self->rings[queue];
  guint16 head = self->next_head[queue];
  guint16 i = head;
  guint64 header, status;

  self->next_head[queue] = (head + 3) % (BLK_RING_SIZE - 2);
  blk_driver_prepare (self, queue, head, type, sector, &header, &status);
  test_ring_desc (ring, i, header, sizeof (struct virtio_blk_outhdr), VRING_DESC_F_NEXT, i + 1);
  i++;
  if (length > 0)
    {
      test_ring_desc (ring, i, address, length,
                      VRING_DESC_F_NEXT | (is_from_device (type) ? VRING_DESC_F_WRITE : 0), i + 1);
      i++;
    }
  test_ring_desc (ring, i, status, 1, VRING_DESC_F_WRITE, 0);
  test_ring_add (ring, head);
  return head;
}

void
blk_driver_kick (BlkDriver *self, guint queue)
{
  blk_driver_write (self, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

guint8
blk_driver_get_status (BlkDriver *self, guint queue, guint16 head)
{
  return *(guint8 *)blk_driver_at (self, BLK_HEADERS + (queue * BLK_RING_SIZE + head) * 64 + 32);
}

guint8
blk_driver_wait (BlkDriver *self, guint queue, guint16 *head, guint32 *written)
{
  TestRing *ring = &self->rings[queue];
  guint32 id, length;

  while (!test_ring_take (ring, &id, &length))
    {
      g_assert_false (blk_driver_is_broken (self));
      if (!ring->event_idx || !test_ring_arm (ring))
        g_main_context_iteration (NULL, TRUE);
    }
  if (head)
    *head = id;
  if (written)
    *written = length;
  return blk_driver_get_status (self, queue, id);
}

guint8
blk_driver_run (
    BlkDriver *self, guint queue, guint32 type, guint64 sector, guint64 address, guint32 length)
{
  guint16 head = blk_driver_add (self, queue, type, sector, address, length);
  guint16 used;
  guint8 status;

  blk_driver_kick (self, queue);
  status = blk_driver_wait (self, queue, &used, NULL);
  g_assert_cmpuint (used, ==, head);
  return status;
}

void
blk_driver_fill (BlkDriver *driver, guint64 address, gsize length, guint seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  guint8 *at = blk_driver_at (driver, address);

  for (gsize i = 0; i < length; i++)
    at[i] = g_rand_int (rand);
}

void
blk_driver_assert_image (BlkDriver *driver, guint64 offset, gconstpointer expected, gsize length)
{
  g_autofree guint8 *data = g_malloc (length);
  int fd = open (driver->path, O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (pread (fd, data, length, offset), ==, length);
  close (fd);
  g_assert_cmpmem (data, length, expected, length);
}
