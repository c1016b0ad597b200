/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"
#include "src/block/sv-block-queue.h"

G_BEGIN_DECLS

/**
 * SvBlockdevOnError:
 * @SV_BLOCKDEV_ON_ERROR_AUTO: report errors of reads; enospc for writes
 * @SV_BLOCKDEV_ON_ERROR_REPORT: the guest is told
 * @SV_BLOCKDEV_ON_ERROR_IGNORE: the guest is told that all went well
 * @SV_BLOCKDEV_ON_ERROR_ENOSPC: stop when the host's disk is full, otherwise report
 * @SV_BLOCKDEV_ON_ERROR_STOP: the VM stops, and the request is repeated when it goes on
 *
 * What becomes of a request that fails on the host, as QEMU's BlockdevOnError.
 */
typedef enum
{
  SV_BLOCKDEV_ON_ERROR_AUTO,
  SV_BLOCKDEV_ON_ERROR_REPORT,
  SV_BLOCKDEV_ON_ERROR_IGNORE,
  SV_BLOCKDEV_ON_ERROR_ENOSPC,
  SV_BLOCKDEV_ON_ERROR_STOP,
} SvBlockdevOnError;

SV_API GType sv_blockdev_on_error_get_type (void);
#define SV_TYPE_BLOCKDEV_ON_ERROR (sv_blockdev_on_error_get_type ())

/**
 * SvBlockDeviceIoStatus:
 * @SV_BLOCK_DEVICE_IO_STATUS_OK: nothing waits
 * @SV_BLOCK_DEVICE_IO_STATUS_FAILED: a request waits for the cause of an error to go away
 * @SV_BLOCK_DEVICE_IO_STATUS_NOSPACE: a request waits for room on the host's disk
 *
 * As QEMU's BlockDeviceIoStatus.
 */
typedef enum
{
  SV_BLOCK_DEVICE_IO_STATUS_OK,
  SV_BLOCK_DEVICE_IO_STATUS_FAILED,
  SV_BLOCK_DEVICE_IO_STATUS_NOSPACE,
} SvBlockDeviceIoStatus;

SV_API GType sv_block_device_io_status_get_type (void);
#define SV_TYPE_BLOCK_DEVICE_IO_STATUS (sv_block_device_io_status_get_type ())

/**
 * SvVirtioBlkErrors:
 * @device: the disk
 * @node_name: (nullable): name of its image
 * @drive_name: (nullable): the same, where the image is a drive
 * @rerror: what becomes of reads that fail
 * @werror: the same for all else
 * @status: why the VM was stopped for this disk, until it goes on
 * @pending: what message is on its way to the main thread; 0: none
 *
 * What a disk does about errors of the host.
 */
typedef struct
{
  SvDevice *device;
  const char *node_name;
  const char *drive_name;
  SvBlockdevOnError rerror;
  SvBlockdevOnError werror;
  SvBlockDeviceIoStatus status;
  guint pending;
} SvVirtioBlkErrors;

/* Decides on a request that failed with @code (positive errno): report, ignore or stop. Logs it, tells
 * QMP and stops the VM. Any thread. */
SvBlockdevOnError sv_virtio_blk_errors_handle (SvVirtioBlkErrors *self, SvBlockOp op, int code);

G_END_DECLS
