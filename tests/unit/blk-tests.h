/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tests/unit/blk-driver.h"

/* Tests of virtio-blk that run with the queues on the main thread and on an iothread. */
#define OK VIRTIO_BLK_S_OK
#define IOERR VIRTIO_BLK_S_IOERR
#define UNSUPP VIRTIO_BLK_S_UNSUPP
#define FEATURE(bit) (G_GUINT64_CONSTANT (1) << (bit))
#define MIB 1048576u

typedef struct
{
  const char *name;
  void (*func) (gconstpointer iothread); /* NULL: on the main thread */
} BlkTest;

/* As /virtio/blk/main/NAME and /virtio/blk/iothread/NAME */
int blk_tests_main (int argc, char **argv, const BlkTest *tests, guint n_tests);
