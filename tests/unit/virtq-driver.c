/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "virtq-driver.h"

#include <string.h>

static SvMemoryBackend *
add_memory (TestMemory *memory, guint64 address, guint64 size, gboolean readonly)
{
  SvMemoryBackend *backend = g_object_new (sv_memory_backend_ram_get_type (), "size", size, NULL);
  g_autoptr (SvMemoryRegion) region = NULL;
  g_autoptr (GError) error = NULL;

  sv_object_complete (SV_OBJECT (backend), &error);
  g_assert_no_error (error);
  region = sv_memory_region_new_ram ("ram", backend);
  sv_memory_region_set_readonly (region, readonly);
  sv_memory_region_add (memory->root, address, region, 0);
  return backend;
}

void
test_memory_init (TestMemory *memory)
{
  memory->root = sv_memory_region_new_container ("root", G_MAXUINT64);
  memory->backends[0] = add_memory (memory, 0, RAM_HALF, FALSE);
  memory->backends[1] = add_memory (memory, RAM_HALF, RAM_HALF, FALSE);
  memory->backends[2] = add_memory (memory, ROM_BASE, RAM_HALF, TRUE);
  memory->space = sv_address_space_new ("test", memory->root);
}

void
test_memory_clear (TestMemory *memory)
{
  g_clear_object (&memory->space);
  g_clear_object (&memory->root);
  for (guint i = 0; i < G_N_ELEMENTS (memory->backends); i++)
    g_clear_object (&memory->backends[i]);
}

gpointer
test_memory_at (TestMemory *memory, guint64 address)
{
  guint which = address / RAM_HALF;

  g_assert_cmpuint (which, <, 2);
  return sv_memory_backend_get_host (memory->backends[which]) + address % RAM_HALF;
}

void
test_ring_init (TestRing *ring, TestMemory *memory, guint64 base, guint size, gboolean event_idx)
{
  *ring = (TestRing){
    .memory = memory,
    .size = size,
    .event_idx = event_idx,
    .layout = { .size = size,
                .descriptors = base,
                .driver = base + 0x1000,
                .device = base + 0x2000 },
    .desc = test_memory_at (memory, base),
    .avail = test_memory_at (memory, base + 0x1000),
    .used = test_memory_at (memory, base + 0x2000),
  };
  memset (ring->desc, 0, 0x3000);
}

void
test_ring_desc (TestRing *ring, guint i, guint64 address, guint32 length, guint16 flags, guint16 next)
{
  ring->desc[i] = (struct vring_desc){
    .addr = GUINT64_TO_LE (address),
    .len = GUINT32_TO_LE (length),
    .flags = GUINT16_TO_LE (flags),
    .next = GUINT16_TO_LE (next),
  };
}

guint16
test_ring_avail_event (TestRing *ring)
{
  guint16 *event = (guint16 *)&ring->used->ring[ring->size];

  return GUINT16_FROM_LE (__atomic_load_n (event, __ATOMIC_SEQ_CST));
}

gboolean
test_ring_add (TestRing *ring, guint16 head)
{
  guint16 before = ring->avail_idx++;

  __atomic_store_n (&ring->avail->ring[before % ring->size], GUINT16_TO_LE (head), __ATOMIC_RELAXED);
  __atomic_store_n (&ring->avail->idx, GUINT16_TO_LE (ring->avail_idx), __ATOMIC_SEQ_CST);

  if (ring->event_idx)
    return vring_need_event (test_ring_avail_event (ring), ring->avail_idx, before);
  return (__atomic_load_n (&ring->used->flags, __ATOMIC_SEQ_CST)
          & GUINT16_TO_LE (VRING_USED_F_NO_NOTIFY))
         == 0;
}

guint16
test_ring_used_idx (TestRing *ring)
{
  return GUINT16_FROM_LE (__atomic_load_n (&ring->used->idx, __ATOMIC_SEQ_CST));
}

gboolean
test_ring_take (TestRing *ring, guint32 *id, guint32 *length)
{
  struct vring_used_elem *slot = &ring->used->ring[ring->used_seen % ring->size];

  if (test_ring_used_idx (ring) == ring->used_seen)
    return FALSE;

  *id = GUINT32_FROM_LE (__atomic_load_n (&slot->id, __ATOMIC_RELAXED));
  *length = GUINT32_FROM_LE (__atomic_load_n (&slot->len, __ATOMIC_RELAXED));
  ring->used_seen++;
  return TRUE;
}

void
test_ring_set_used_event (TestRing *ring, guint16 index)
{
  __atomic_store_n (&ring->avail->ring[ring->size], GUINT16_TO_LE (index), __ATOMIC_SEQ_CST);
}

gboolean
test_ring_arm (TestRing *ring)
{
  test_ring_set_used_event (ring, ring->used_seen);
  return test_ring_used_idx (ring) != ring->used_seen;
}
