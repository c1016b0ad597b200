/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/virtio_blk.h>

#include "hw/virtio/sv-virtio-blk.h"
#include "hw/virtio/sv-virtio-mmio.h"
#include "src/block/sv-block-file.h"
#include "tests/unit/virtq-driver.h"

/* A driver of virtio-blk that works through the registers of virtio-mmio, as a guest does. */

#define BLK_MAX_QUEUES 4
#define BLK_RING_SIZE 128
/* Where requests put their headers and status bytes; below are the rings, above it is free. */
#define BLK_HEADERS 0x40000u
#define BLK_DATA 0x80000u

typedef struct
{
  SvObject *root;
  SvBlockNode *node;
  SvObject *iothread;
  TestMemory memory;
  SvIrq *irq;
  guint n_irqs;
  int irq_fd; /* with irqfd: what interrupts are written to */
  SvVirtioMmio *transport;
  SvVirtioDevice *device;
  char *path;
  guint64 features;
  guint n_queues;
  TestRing rings[BLK_MAX_QUEUES];
  guint16 next_head[BLK_MAX_QUEUES];
} BlkDriver;

typedef struct
{
  guint64 size;       /* of the image; 1 MiB if 0 */
  const char *node;   /* JSON, properties of the image */
  const char *device; /* JSON, properties of the device */
  guint64 without;    /* features that the driver does not take */
  guint n_queues;     /* that the driver sets up; 1 if 0 */
  gboolean iothread;
  gboolean irqfd; /* interrupts go nowhere, as if to the kernel's controller */
} BlkDriverOptions;

void blk_driver_init (BlkDriver *self, const BlkDriverOptions *options);
void blk_driver_clear (BlkDriver *self);
/* The image and an unrealized device; for properties that are refused. */
SvDevice *blk_driver_new_device (BlkDriver *self, const char *properties, GError **error);
gboolean blk_driver_realize (BlkDriver *self, const char *properties, GError **error);

guint32 blk_driver_read (BlkDriver *self, guint offset);
void blk_driver_write (BlkDriver *self, guint offset, guint32 value);
struct virtio_blk_config blk_driver_get_config (BlkDriver *self);
/* Reset and initialisation up to DRIVER_OK (VIRTIO 1.2 §3.1.1). */
void blk_driver_start (BlkDriver *self, guint64 without);
gboolean blk_driver_is_broken (BlkDriver *self);

gpointer blk_driver_at (BlkDriver *self, guint64 address);
/* Adds a request with one data descriptor (none when @length is 0); returns its head. */
guint16 blk_driver_add (
    BlkDriver *self, guint queue, guint32 type, guint64 sector, guint64 address, guint32 length);
void blk_driver_kick (BlkDriver *self, guint queue);
/* Runs the main loop until the next buffer is used; its status. */
guint8 blk_driver_wait (BlkDriver *self, guint queue, guint16 *head, guint32 *written);
guint8 blk_driver_get_status (BlkDriver *self, guint queue, guint16 head);
/* add, kick, wait */
guint8 blk_driver_run (
    BlkDriver *self, guint queue, guint32 type, guint64 sector, guint64 address, guint32 length);
/* Writes header and status of the request at @head without descriptors; gives their addresses. */
void blk_driver_prepare (BlkDriver *self,
                         guint queue,
                         guint16 head,
                         guint32 type,
                         guint64 sector,
                         guint64 *header,
                         guint64 *status);
/* Random bytes in guest memory; what the image holds */
void blk_driver_fill (BlkDriver *self, guint64 address, gsize length, guint seed);
void blk_driver_assert_image (BlkDriver *self, guint64 offset, gconstpointer expected, gsize length);
