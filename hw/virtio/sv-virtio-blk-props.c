/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The properties of virtio-blk. */

#include "hw/virtio/sv-virtio-blk-private.h"
#include "qom/sv-property.h"
#include "src/runtime/sv-iothread.h"

enum
{
  PROP_0,
  PROP_DRIVE,
  PROP_IOTHREAD,
  PROP_SERIAL,
  PROP_NUM_QUEUES,
  PROP_QUEUE_SIZE,
  PROP_LOGICAL_BLOCK_SIZE,
  PROP_PHYSICAL_BLOCK_SIZE,
  PROP_WRITE_CACHE,
  PROP_CONFIG_WCE,
  PROP_DISCARD,
  PROP_WRITE_ZEROES,
  PROP_BOOTINDEX,
  PROP_RERROR,
  PROP_WERROR,
  PROP_IO_STATUS,
  PROP_LIMIT,
  PROP_IOPS = PROP_LIMIT + SV_BLOCK_N_LIMITS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

/* --- limits: the node's, by way of the disk --- */

static guint64
get_limit (SvVirtioBlk *self, SvBlockLimit limit)
{
  return self->drive != NULL && (self->limits_set & (1u << limit)) == 0
             ? sv_block_node_get_limit (SV_BLOCK_NODE (self->drive), limit)
             : self->limits[limit];
}

static void
set_limit (SvVirtioBlk *self, SvBlockLimit limit, guint64 per_second)
{
  if (self->disk.node != NULL)
    {
      sv_block_node_set_limit (self->disk.node, limit, per_second);
      return;
    }
  self->limits[limit] = per_second;
  self->limits_set |= 1u << limit;
}

/* --- properties --- */

static void
sv_virtio_blk_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvVirtioBlk *self = SV_VIRTIO_BLK (object);

  switch (id)
    {
    case PROP_DRIVE:
      g_value_set_object (value, self->drive);
      break;
    case PROP_IOTHREAD:
      g_value_set_object (value, self->iothread);
      break;
    case PROP_SERIAL:
      g_value_set_string (value, self->serial);
      break;
    case PROP_NUM_QUEUES:
      g_value_set_uint (value, self->num_queues);
      break;
    case PROP_QUEUE_SIZE:
      g_value_set_uint (value, self->queue_size);
      break;
    case PROP_LOGICAL_BLOCK_SIZE:
      g_value_set_uint (value, self->logical_block_size);
      break;
    case PROP_PHYSICAL_BLOCK_SIZE:
      g_value_set_uint (value, self->physical_block_size);
      break;
    case PROP_WRITE_CACHE:
      g_value_set_boolean (value, self->write_cache);
      break;
    case PROP_CONFIG_WCE:
      g_value_set_boolean (value, self->config_wce);
      break;
    case PROP_DISCARD:
      g_value_set_boolean (value, self->discard);
      break;
    case PROP_WRITE_ZEROES:
      g_value_set_boolean (value, self->write_zeroes);
      break;
    case PROP_BOOTINDEX:
      g_value_set_int (value, self->bootindex);
      break;
    case PROP_RERROR:
      g_value_set_enum (value, self->errors.rerror);
      break;
    case PROP_WERROR:
      g_value_set_enum (value, self->errors.werror);
      break;
    case PROP_IO_STATUS:
      g_value_set_enum (value, self->errors.status);
      break;
    case PROP_IOPS:
      g_value_set_uint64 (value, get_limit (self, SV_BLOCK_LIMIT_IOPS_TOTAL));
      break;
    default:
      if (id >= PROP_LIMIT && id < PROP_IOPS)
        g_value_set_uint64 (value, get_limit (self, id - PROP_LIMIT));
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_virtio_blk_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvVirtioBlk *self = SV_VIRTIO_BLK (object);

  switch (id)
    {
    case PROP_DRIVE:
      sv_object_set_link (SV_OBJECT (self), pspec, &self->drive, g_value_get_object (value));
      return;
    case PROP_IOTHREAD:
      sv_object_set_link (SV_OBJECT (self), pspec, &self->iothread, g_value_get_object (value));
      return;
    case PROP_SERIAL:
      g_free (self->serial);
      self->serial = g_value_dup_string (value);
      break;
    case PROP_NUM_QUEUES:
      self->num_queues = g_value_get_uint (value);
      break;
    case PROP_QUEUE_SIZE:
      self->queue_size = g_value_get_uint (value);
      break;
    case PROP_LOGICAL_BLOCK_SIZE:
      self->logical_block_size = g_value_get_uint (value);
      break;
    case PROP_PHYSICAL_BLOCK_SIZE:
      self->physical_block_size = g_value_get_uint (value);
      break;
    case PROP_WRITE_CACHE:
      self->write_cache = g_value_get_boolean (value);
      break;
    case PROP_CONFIG_WCE:
      self->config_wce = g_value_get_boolean (value);
      break;
    case PROP_DISCARD:
      self->discard = g_value_get_boolean (value);
      break;
    case PROP_WRITE_ZEROES:
      self->write_zeroes = g_value_get_boolean (value);
      break;
    case PROP_BOOTINDEX:
      self->bootindex = g_value_get_int (value);
      break;
    case PROP_RERROR:
      self->errors.rerror = g_value_get_enum (value);
      break;
    case PROP_WERROR:
      self->errors.werror = g_value_get_enum (value);
      break;
    case PROP_IOPS:
      set_limit (self, SV_BLOCK_LIMIT_IOPS_TOTAL, g_value_get_uint64 (value));
      return;
    default:
      if (id >= PROP_LIMIT && id < PROP_IOPS)
        set_limit (self, id - PROP_LIMIT, g_value_get_uint64 (value));
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

void
sv_virtio_blk_install_properties (GObjectClass *object_class)
{
  object_class->get_property = sv_virtio_blk_get_property;
  object_class->set_property = sv_virtio_blk_set_property;

  props[PROP_DRIVE] = g_param_spec_object ("drive", "drive", "Disk image: id of a drive or node",
                                           SV_TYPE_BLOCK_NODE, SV_PARAM_RW_WIRING);
  props[PROP_IOTHREAD] = g_param_spec_object (
      "iothread", "iothread", "Thread that handles the queues; the main thread if there is none",
      SV_TYPE_IOTHREAD, SV_PARAM_RW_WIRING);
  props[PROP_SERIAL]
      = g_param_spec_string ("serial", "serial", "Serial number; the guest sees its first 20 bytes",
                             NULL, SV_PARAM_RW_WIRING);
  props[PROP_NUM_QUEUES] = g_param_spec_uint ("num-queues", "num-queues", "Number of queues", 1,
                                              256, 1, SV_PARAM_RW_WIRING);
  props[PROP_QUEUE_SIZE]
      = g_param_spec_uint ("queue-size", "queue-size", "Descriptors in each queue, a power of two",
                           SV_VIRTIO_BLK_MIN_QUEUE_SIZE, SV_VIRTQUEUE_MAX_SIZE, 256, SV_PARAM_RW_WIRING);
  props[PROP_LOGICAL_BLOCK_SIZE]
      = g_param_spec_uint ("logical-block-size", "logical_block_size",
                           "Smallest unit that the guest may read or write, in bytes", 512,
                           SV_VIRTIO_BLK_MAX_BLOCK_SIZE, 512, SV_PARAM_RW_WIRING | SV_PARAM_SIZE);
  props[PROP_PHYSICAL_BLOCK_SIZE]
      = g_param_spec_uint ("physical-block-size", "physical_block_size",
                           "Smallest unit that is written efficiently, in bytes", 512,
                           SV_VIRTIO_BLK_MAX_BLOCK_SIZE, 512, SV_PARAM_RW_WIRING | SV_PARAM_SIZE);
  props[PROP_WRITE_CACHE]
      = g_param_spec_boolean ("write-cache", "write-cache",
                              "Writes may stay in a cache until a flush", TRUE, SV_PARAM_RW_WIRING);
  props[PROP_CONFIG_WCE] = g_param_spec_boolean (
      "config-wce", "config-wce", "The guest may switch the write cache", TRUE, SV_PARAM_RW_WIRING);
  props[PROP_DISCARD] = g_param_spec_boolean ("discard", "discard", "Offer discard requests", TRUE,
                                              SV_PARAM_RW_WIRING);
  props[PROP_WRITE_ZEROES] = g_param_spec_boolean (
      "write-zeroes", "write-zeroes", "Offer write-zeroes requests", TRUE, SV_PARAM_RW_WIRING);
  props[PROP_BOOTINDEX]
      = g_param_spec_int ("bootindex", "bootindex", "Place in the boot order of firmware; -1: none",
                          -1, G_MAXINT, -1, SV_PARAM_RW_WIRING);
  props[PROP_RERROR] = g_param_spec_enum (
      "rerror", "rerror", "What becomes of reads that fail on the host", SV_TYPE_BLOCKDEV_ON_ERROR,
      SV_BLOCKDEV_ON_ERROR_AUTO, SV_PARAM_RW_WIRING);
  props[PROP_WERROR] = g_param_spec_enum (
      "werror", "werror", "What becomes of writes that fail on the host", SV_TYPE_BLOCKDEV_ON_ERROR,
      SV_BLOCKDEV_ON_ERROR_AUTO, SV_PARAM_RW_WIRING);
  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i++)
    props[PROP_LIMIT + i] = sv_block_limit_new_pspec (i);
  props[PROP_IO_STATUS]
      = g_param_spec_enum ("io-status", "io-status", "Why the VM was stopped for this disk, if it was",
                           SV_TYPE_BLOCK_DEVICE_IO_STATUS, SV_BLOCK_DEVICE_IO_STATUS_OK, SV_PARAM_RO);
  props[PROP_IOPS] = sv_block_limit_new_alias ();
  g_object_class_install_properties (object_class, N_PROPS, props);
}
