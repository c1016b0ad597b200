/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-blk-errors.h"
#include "hw/virtio/sv-virtio-device.h"
#include "src/block/sv-block-node.h"

G_BEGIN_DECLS

/* Largest discard and write-zeroes request, in sectors: 2 GiB. */
#define SV_VIRTIO_BLK_MAX_RANGE 4194303u
/* Ranges of one discard or write-zeroes request. */
#define SV_VIRTIO_BLK_MAX_RANGES 16u
#define SV_VIRTIO_BLK_ID_SIZE 20

/**
 * SvVirtioBlkDisk:
 * @node: the disk image
 * @block_size: logical block size in bytes; requests are multiples of it
 * @discard: discard requests are offered
 * @write_zeroes: write-zeroes requests are offered
 * @writeback: writes may stay in a cache until a flush; changed with atomic stores
 * @errors: (nullable): what is done about errors of the host; the guest is told of them otherwise
 * @id: answer to GET_ID, padded with zeroes
 *
 * What the queues of a disk share.
 */
typedef struct
{
  SvBlockNode *node;
  guint block_size;
  gboolean discard;
  gboolean write_zeroes;
  gboolean writeback;
  SvVirtioBlkErrors *errors;
  char id[SV_VIRTIO_BLK_ID_SIZE];
} SvVirtioBlkDisk;

/**
 * SvVirtioBlkQueue:
 *
 * Turns the buffers of one virtqueue into requests to the disk image (VIRTIO 1.2 §5.2.6).
 */
typedef struct _SvVirtioBlkQueue SvVirtioBlkQueue;

SvVirtioBlkQueue *sv_virtio_blk_queue_new (const SvVirtioBlkDisk *disk,
                                           SvVirtqueue *ring,
                                           GMainContext *context,
                                           GError **error);
/* In the queue's context, or with the VM lock for the default one; nothing is in flight. */
void sv_virtio_blk_queue_free (SvVirtioBlkQueue *self);
void sv_virtio_blk_queue_handle (SvVirtioBlkQueue *self);
void sv_virtio_blk_queue_drain (SvVirtioBlkQueue *self);
/* In the queue's context: whether nothing is in flight; when nothing is any more, @device has settled. */
gboolean sv_virtio_blk_queue_hurry (SvVirtioBlkQueue *self, SvVirtioDevice *device);

/* Of a queue that is paused: the buffers of requests that failed and wait for the VM to go on. (element-type guint16) (transfer full) */
GArray *sv_virtio_blk_queue_get_parked (SvVirtioBlkQueue *self);
/* Such a buffer waits here. FALSE: the ring cannot have it. */
gboolean sv_virtio_blk_queue_park (SvVirtioBlkQueue *self, guint16 id);

G_END_DECLS
