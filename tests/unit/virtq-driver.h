/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtqueue.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

/* Guest memory of the tests: two ranges of RAM side by side, then a hole, then ROM. */
#define RAM_HALF 0x200000u
#define RAM_END (2 * RAM_HALF)
#define ROM_BASE 0x1000000u

#define F_EVENT_IDX (G_GUINT64_CONSTANT (1) << VIRTIO_RING_F_EVENT_IDX)
#define F_INDIRECT (G_GUINT64_CONSTANT (1) << VIRTIO_RING_F_INDIRECT_DESC)
#define F_VERSION_1 (G_GUINT64_CONSTANT (1) << VIRTIO_F_VERSION_1)

typedef struct
{
  SvMemoryBackend *backends[3];
  SvMemoryRegion *root;
  SvAddressSpace *space;
} TestMemory;

void test_memory_init (TestMemory *memory);
void test_memory_clear (TestMemory *memory);
gpointer test_memory_at (TestMemory *memory, guint64 address);

/* The driver's side of a split ring, as a guest would write it. */
typedef struct
{
  TestMemory *memory;
  guint size;
  gboolean event_idx;
  SvVirtqueueLayout layout;
  struct vring_desc *desc;
  struct vring_avail *avail;
  struct vring_used *used;
  guint16 avail_idx;
  guint16 used_seen;
} TestRing;

/* Rings at fixed places from @base on (three pages); empties them. */
void test_ring_init (TestRing *ring, TestMemory *memory, guint64 base, guint size, gboolean event_idx);
void test_ring_desc (TestRing *ring, guint i, guint64 address, guint32 length, guint16 flags, guint16 next);
/* Adds the chain that starts at @head; TRUE when the device wants a kick for it. */
gboolean test_ring_add (TestRing *ring, guint16 head);
/* Next used buffer; FALSE when there is none. */
gboolean test_ring_take (TestRing *ring, guint32 *id, guint32 *length);
/* EVENT_IDX: asks for an interrupt at the next used buffer; TRUE when one came meanwhile. */
gboolean test_ring_arm (TestRing *ring);
guint16 test_ring_used_idx (TestRing *ring);
guint16 test_ring_avail_event (TestRing *ring);
void test_ring_set_used_event (TestRing *ring, guint16 index);
