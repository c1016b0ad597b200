/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-blk-private.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <string.h>

#include "src/runtime/sv-iothread.h"

/* Up to and with the fields of write-zeroes. */
#define CONFIG_SIZE 60
#define FEATURE(bit) (G_GUINT64_CONSTANT (1) << (bit))

G_STATIC_ASSERT (offsetof (struct virtio_blk_config, write_zeroes_may_unmap) == 56);

G_DEFINE_TYPE_WITH_CODE (SvVirtioBlk, sv_virtio_blk, SV_TYPE_VIRTIO_DEVICE, SV_MIGRATABLE_STATE (&sv_virtio_blk_migration))

static gboolean
is_power_of_two (guint n)
{
  return n != 0 && (n & (n - 1)) == 0;
}

static gboolean
check_properties (SvVirtioBlk *self, GError **error)
{
  if (self->drive == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s' needs a drive: drive=ID of a -drive or -blockdev", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)));
      return FALSE;
    }
  if (self->errors.rerror == SV_BLOCKDEV_ON_ERROR_ENOSPC)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s': rerror=enospc: a read can be 'report', 'ignore' or 'stop'",
                   sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)));
      return FALSE;
    }
  if (!is_power_of_two (self->queue_size) || self->queue_size < SV_VIRTIO_BLK_MIN_QUEUE_SIZE
      || self->queue_size > SV_VIRTQUEUE_MAX_SIZE)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s': queue-size=%u must be a power of two from %d to %d", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)),
                   self->queue_size, SV_VIRTIO_BLK_MIN_QUEUE_SIZE, SV_VIRTQUEUE_MAX_SIZE);
      return FALSE;
    }
  if (!is_power_of_two (self->logical_block_size) || self->logical_block_size < 512
      || self->logical_block_size > SV_VIRTIO_BLK_MAX_BLOCK_SIZE || !is_power_of_two (self->physical_block_size)
      || self->physical_block_size < self->logical_block_size
      || self->physical_block_size > SV_VIRTIO_BLK_MAX_BLOCK_SIZE)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s': logical_block_size=%u and physical_block_size=%u must be powers of two "
                   "from 512 to %d, "
                   "the logical one not larger than the physical one",
                   sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), self->logical_block_size, self->physical_block_size,
                   SV_VIRTIO_BLK_MAX_BLOCK_SIZE);
      return FALSE;
    }
  return TRUE;
}

/* --- configuration space, VIRTIO 1.2 §5.2.4 --- */

static gboolean
update_capacity (SvVirtioBlk *self)
{
  struct virtio_blk_config *config = sv_virtio_device_get_config (SV_VIRTIO_DEVICE (self));
  /* Whole logical blocks only. */
  guint64 size = sv_block_node_get_size (self->disk.node) & ~(guint64)(self->disk.block_size - 1);
  guint64 capacity = GUINT64_TO_LE (size >> 9);

  if (config->capacity == capacity)
    return FALSE;
  config->capacity = capacity;
  return TRUE;
}

void
sv_virtio_blk_set_writeback (SvVirtioBlk *self, gboolean writeback)
{
  struct virtio_blk_config *config = sv_virtio_device_get_config (SV_VIRTIO_DEVICE (self));

  config->wce = writeback;
  __atomic_store_n (&self->disk.writeback, writeback, __ATOMIC_RELAXED);
}

static void
fill_config (SvVirtioBlk *self)
{
  struct virtio_blk_config *config = sv_virtio_device_get_config (SV_VIRTIO_DEVICE (self));

  update_capacity (self);
  sv_virtio_blk_set_writeback (self, self->write_cache);
  /* A request also has a header and a status. */
  config->seg_max = GUINT32_TO_LE (self->queue_size - 2);
  config->blk_size = GUINT32_TO_LE (self->logical_block_size);
  config->physical_block_exp
      = g_bit_nth_lsf (self->physical_block_size / self->logical_block_size, -1);
  config->min_io_size = GUINT16_TO_LE (1);
  config->num_queues = GUINT16_TO_LE (self->num_queues);
  if (self->disk.discard)
    {
      config->max_discard_sectors = GUINT32_TO_LE (SV_VIRTIO_BLK_MAX_RANGE);
      config->max_discard_seg = GUINT32_TO_LE (SV_VIRTIO_BLK_MAX_RANGES);
      config->discard_sector_alignment = GUINT32_TO_LE (self->logical_block_size >> 9);
    }
  if (self->disk.write_zeroes)
    {
      config->max_write_zeroes_sectors = GUINT32_TO_LE (SV_VIRTIO_BLK_MAX_RANGE);
      config->max_write_zeroes_seg = GUINT32_TO_LE (SV_VIRTIO_BLK_MAX_RANGES);
      config->write_zeroes_may_unmap = 1;
    }
}

static void
size_changed (SvBlockNode *node, GParamSpec *pspec, SvVirtioBlk *self)
{
  if (update_capacity (self))
    sv_virtio_device_config_changed (SV_VIRTIO_DEVICE (self));
}

static void
sv_virtio_blk_write_config (SvVirtioDevice *device, guint offset, guint64 value, guint size)
{
  if (size == 1 && offset == offsetof (struct virtio_blk_config, wce)
      && sv_virtio_device_has_feature (device, VIRTIO_BLK_F_CONFIG_WCE))
    sv_virtio_blk_set_writeback (SV_VIRTIO_BLK (device), value & 1);
}

static guint64
sv_virtio_blk_get_features (SvVirtioDevice *device)
{
  SvVirtioBlk *self = SV_VIRTIO_BLK (device);
  guint64 features = FEATURE (VIRTIO_BLK_F_SEG_MAX) | FEATURE (VIRTIO_BLK_F_BLK_SIZE)
                     | FEATURE (VIRTIO_BLK_F_TOPOLOGY) | FEATURE (VIRTIO_BLK_F_FLUSH);

  if (self->config_wce)
    features |= FEATURE (VIRTIO_BLK_F_CONFIG_WCE);
  if (self->num_queues > 1)
    features |= FEATURE (VIRTIO_BLK_F_MQ);
  if (sv_block_node_is_read_only (self->disk.node))
    features |= FEATURE (VIRTIO_BLK_F_RO);
  if (self->disk.discard)
    features |= FEATURE (VIRTIO_BLK_F_DISCARD);
  if (self->disk.write_zeroes)
    features |= FEATURE (VIRTIO_BLK_F_WRITE_ZEROES);
  return features;
}

/* --- queues --- */

typedef struct
{
  SvVirtioBlk *self;
  guint n;
} QueueCall;

static void
free_queue_here (gpointer data)
{
  QueueCall *call = data;

  g_clear_pointer (&call->self->queues[call->n], sv_virtio_blk_queue_free);
}

static void
free_queues (SvVirtioBlk *self)
{
  for (guint i = 0; i < self->num_queues; i++)
    {
      GMainContext *context = sv_virtio_device_get_queue_context (SV_VIRTIO_DEVICE (self), i);
      QueueCall call = { self, i };

      if (self->queues[i] == NULL)
        continue;
      /* Its sources must not go while their context looks at them; for the default one the VM lock
       * sees to that. */
      if (context)
        sv_context_run_sync (context, free_queue_here, &call);
      else
        free_queue_here (&call);
    }
  g_clear_pointer (&self->queues, g_free);
}

static gboolean
sv_virtio_blk_start (SvVirtioDevice *device, GError **error)
{
  SvVirtioBlk *self = SV_VIRTIO_BLK (device);

  /* VIRTIO 1.2 §5.2.5.2: without the means to ask for it, the driver wants no cache left unflushed.
   */
  if (!sv_virtio_device_has_feature (device, VIRTIO_BLK_F_CONFIG_WCE))
    sv_virtio_blk_set_writeback (
        self, self->write_cache && sv_virtio_device_has_feature (device, VIRTIO_BLK_F_FLUSH));

  self->queues = g_new0 (SvVirtioBlkQueue *, self->num_queues);
  for (guint i = 0; i < self->num_queues; i++)
    {
      SvVirtqueue *ring = sv_virtio_device_get_queue (device, i);

      if (!sv_virtqueue_is_running (ring))
        continue;
      self->queues[i] = sv_virtio_blk_queue_new (
          &self->disk, ring, sv_virtio_device_get_queue_context (device, i), error);
      if (self->queues[i] == NULL)
        {
          free_queues (self);
          return FALSE;
        }
    }
  return TRUE;
}

static void
sv_virtio_blk_stop (SvVirtioDevice *device)
{
  SvVirtioBlk *self = SV_VIRTIO_BLK (device);

  free_queues (self);
  sv_virtio_blk_set_writeback (self, self->write_cache);
}

static void
sv_virtio_blk_handle_queue (SvVirtioDevice *device, guint n)
{
  sv_virtio_blk_queue_handle (SV_VIRTIO_BLK (device)->queues[n]);
}

static void
sv_virtio_blk_drain_queue (SvVirtioDevice *device, guint n)
{
  sv_virtio_blk_queue_drain (SV_VIRTIO_BLK (device)->queues[n]);
}

static gboolean
sv_virtio_blk_hurry_queue (SvVirtioDevice *device, guint n)
{
  return sv_virtio_blk_queue_hurry (SV_VIRTIO_BLK (device)->queues[n], device);
}

static void
apply_limits (SvVirtioBlk *self)
{
  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i++)
    if ((self->limits_set & (1u << i)) != 0)
      sv_block_node_set_limit (self->disk.node, i, self->limits[i]);
  self->limits_set = 0;
}

/* --- set-up --- */

static gboolean
sv_virtio_blk_setup (SvVirtioDevice *device, GError **error)
{
  SvVirtioBlk *self = SV_VIRTIO_BLK (device);
  SvVirtioBlkDisk *disk = &self->disk;
  gboolean read_only;

  if (!check_properties (self, error) || !sv_object_claim (self->drive, SV_OBJECT (self), error))
    return FALSE;

  disk->node = g_object_ref (SV_BLOCK_NODE (self->drive));
  read_only = sv_block_node_is_read_only (disk->node);
  disk->block_size = self->logical_block_size;
  disk->discard = self->discard && !read_only;
  disk->write_zeroes = self->write_zeroes && !read_only;
  memset (disk->id, 0, sizeof disk->id);
  if (self->serial)
    memcpy (disk->id, self->serial, MIN (strlen (self->serial), sizeof disk->id));
  self->errors.device = SV_DEVICE (self);
  self->errors.node_name = sv_object_get_id (SV_OBJECT (disk->node));
  self->errors.drive_name = sv_block_node_get_drive_name (disk->node);
  disk->errors = &self->errors;
  fill_config (self);
  apply_limits (self);

  for (guint i = 0; i < self->num_queues; i++)
    {
      guint n = sv_virtio_device_add_queue (device, self->queue_size);

      sv_virtio_device_set_queue_by_ring (device, n, TRUE);
      if (self->iothread)
        sv_virtio_device_set_queue_context (device, n,
                                            sv_iothread_get_context (SV_IOTHREAD (self->iothread)));
    }
  self->size_handler
      = g_signal_connect (disk->node, "notify::size", G_CALLBACK (size_changed), self);
  return TRUE;
}

static void
sv_virtio_blk_teardown (SvVirtioDevice *device)
{
  SvVirtioBlk *self = SV_VIRTIO_BLK (device);

  g_clear_signal_handler (&self->size_handler, self->disk.node);
  sv_object_release (SV_OBJECT (self->disk.node), SV_OBJECT (self));
  g_clear_object (&self->disk.node);
}

/* Requests that wait are repeated: whether they fail again is known later. */
static void
sv_virtio_blk_resume (SvDevice *device)
{
  SV_VIRTIO_BLK (device)->errors.status = SV_BLOCK_DEVICE_IO_STATUS_OK;
  SV_DEVICE_CLASS (sv_virtio_blk_parent_class)->resume (device);
}

static void
sv_virtio_blk_dispose (GObject *object)
{
  SvVirtioBlk *self = SV_VIRTIO_BLK (object);

  G_OBJECT_CLASS (sv_virtio_blk_parent_class)->dispose (object);

  sv_object_set_link (SV_OBJECT (self), NULL, &self->drive, NULL);
  sv_object_set_link (SV_OBJECT (self), NULL, &self->iothread, NULL);
}

static void
sv_virtio_blk_finalize (GObject *object)
{
  g_free (SV_VIRTIO_BLK (object)->serial);
  g_clear_pointer (&SV_VIRTIO_BLK (object)->loaded_parked, g_variant_unref);

  G_OBJECT_CLASS (sv_virtio_blk_parent_class)->finalize (object);
}

static char *
sv_virtio_blk_dup_firmware_name (SvDevice *device)
{
  return g_strdup ("disk@0,0");
}

static void
sv_virtio_blk_class_init (SvVirtioBlkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);
  SvVirtioDeviceClass *virtio_class = SV_VIRTIO_DEVICE_CLASS (klass);

  object_class->dispose = sv_virtio_blk_dispose;
  object_class->finalize = sv_virtio_blk_finalize;

  device_class->resume = sv_virtio_blk_resume;
  device_class->dup_firmware_name = sv_virtio_blk_dup_firmware_name;
  device_class->user_creatable = TRUE;
  device_class->category = "storage";
  device_class->description = "virtio block device";

  virtio_class->device_id = VIRTIO_ID_BLOCK;
  virtio_class->config_size = CONFIG_SIZE;
  virtio_class->setup = sv_virtio_blk_setup;
  virtio_class->teardown = sv_virtio_blk_teardown;
  virtio_class->get_features = sv_virtio_blk_get_features;
  virtio_class->write_config = sv_virtio_blk_write_config;
  virtio_class->start = sv_virtio_blk_start;
  virtio_class->stop = sv_virtio_blk_stop;
  virtio_class->handle_queue = sv_virtio_blk_handle_queue;
  virtio_class->drain_queue = sv_virtio_blk_drain_queue;
  virtio_class->hurry_queue = sv_virtio_blk_hurry_queue;
  sv_virtio_blk_install_properties (object_class);
}

static void
sv_virtio_blk_init (SvVirtioBlk *self)
{
  self->num_queues = 1;
  self->queue_size = 256;
  self->logical_block_size = self->physical_block_size = 512;
  self->write_cache = self->config_wce = TRUE;
  self->discard = self->write_zeroes = TRUE;
  self->bootindex = -1;
}
