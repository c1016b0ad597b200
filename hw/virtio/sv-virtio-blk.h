/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"

G_BEGIN_DECLS

/**
 * SvVirtioBlk:
 *
 * The block device of VIRTIO 1.2 §5.2 (wire name `virtio-blk-device`). Properties: `drive` (link to
 * an [class@BlockNode], which it claims), `serial`, `iothread` (link), `num-queues`, `queue-size`,
 * `write-cache`, `config-wce`, `logical_block_size`, `physical_block_size`, `discard`,
 * `write-zeroes`, `bootindex`.
 *
 * Errors of the image are reported to the guest. When the image's size changes, so does the
 * capacity, and the driver is told.
 */
#define SV_TYPE_VIRTIO_BLK (sv_virtio_blk_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvVirtioBlk, sv_virtio_blk, SV, VIRTIO_BLK, SvVirtioDevice)

    G_END_DECLS
