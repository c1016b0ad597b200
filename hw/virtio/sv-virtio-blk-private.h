/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-blk-queue.h"
#include "hw/virtio/sv-virtio-blk.h"
#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

#define SV_VIRTIO_BLK_MIN_QUEUE_SIZE 4
#define SV_VIRTIO_BLK_MAX_BLOCK_SIZE 32768

struct _SvVirtioBlk
{
  SvVirtioDevice parent_instance;

  SvObject *drive;
  SvObject *iothread;
  char *serial;
  guint16 num_queues;
  guint16 queue_size;
  guint32 logical_block_size;
  guint32 physical_block_size;
  gboolean write_cache;
  gboolean config_wce;
  gboolean discard;
  gboolean write_zeroes;
  gint bootindex;
  guint64 limits[SV_BLOCK_N_LIMITS]; /* until there is a node */
  guint limits_set;

  SvVirtioBlkErrors errors;
  SvVirtioBlkDisk disk;
  SvVirtioBlkQueue **queues; /* while started */
  gulong size_handler;
  GVariant *loaded_parked; /* between load and start: requests that wait, by queue */
};

/* What the guest sees of it, and what the queues do. */
void sv_virtio_blk_set_writeback (SvVirtioBlk *self, gboolean writeback);
/* sv-virtio-blk-state.c */
extern const SvMigratableState sv_virtio_blk_migration;
/* sv-virtio-blk-props.c */
void sv_virtio_blk_install_properties (GObjectClass *object_class);

G_END_DECLS
