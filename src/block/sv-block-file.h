/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/block/sv-block-node.h"

G_BEGIN_DECLS

/**
 * SvBlockFile:
 *
 * A raw image: a regular file or a block device (wire name `blockdev-file`, QMP drivers `file` and
 * `host_device`). Properties: `filename`, `cache.direct` (O_DIRECT), `cache.no-flush`, `aio`
 * (io_uring, threads; native means io_uring), `locking` (auto, on, off). Completing it opens and
 * locks the image.
 */
#define SV_TYPE_BLOCK_FILE (sv_block_file_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvBlockFile, sv_block_file, SV, BLOCK_FILE, SvBlockNode)

    /**
     * SvBlockAio:
     * @SV_BLOCK_AIO_THREADS: a few threads per queue
     * @SV_BLOCK_AIO_IO_URING: io_uring; threads where the kernel has none (the default)
     *
     * How requests are given to the host.
     */
    typedef enum {
      SV_BLOCK_AIO_THREADS,
      SV_BLOCK_AIO_IO_URING,
    } SvBlockAio;

/**
 * SvBlockLocking:
 * @SV_BLOCK_LOCKING_AUTO: lock where the file system can
 * @SV_BLOCK_LOCKING_ON: lock or fail
 * @SV_BLOCK_LOCKING_OFF: do not lock
 *
 * Whether an image is locked against other processes.
 */
typedef enum
{
  SV_BLOCK_LOCKING_AUTO,
  SV_BLOCK_LOCKING_ON,
  SV_BLOCK_LOCKING_OFF,
} SvBlockLocking;

SV_API GType sv_block_aio_get_type (void);
SV_API GType sv_block_locking_get_type (void);
#define SV_TYPE_BLOCK_AIO (sv_block_aio_get_type ())
#define SV_TYPE_BLOCK_LOCKING (sv_block_locking_get_type ())

/* For a guest that moves, main thread. Images that are opened from now on are not locked, as another process uses them. What it was before. */
SV_API gboolean sv_block_file_defer_locks (gboolean on);
/* A descriptor of the image of one's own, for what is cached of it; -1: nothing is. */
SV_API int sv_block_file_dup_cached (SvBlockFile *self);
/* Locks the image after all; FALSE with an error: another process has it. */
SV_API gboolean sv_block_file_take (SvBlockFile *self, GError **error);
/* The image is written by this process, and its lock keeps others from doing that. */
SV_API gboolean sv_block_file_is_alone (SvBlockFile *self);
/* Writes back what caches hold and lets others have it. Nothing is in flight. */
SV_API void sv_block_file_give (SvBlockFile *self);

G_END_DECLS
