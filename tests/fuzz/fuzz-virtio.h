/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string.h>

#include "tests/unit/virtio-guest.h"

/*
 * A hostile driver of a virtio device. Input: for each queue a byte and that many heads (modulo 9),
 * then the first byte of a count of descriptors (modulo 33) and those as they are in the ring of
 * the queue; the rest is put into memory at GUEST_DATA.
 */

#define FUZZ_MAX_HEADS 8
#define FUZZ_MAX_DESCRIPTORS 32
#define FUZZ_MAX_MEMORY 4096

static inline const guint8 *
fuzz_take (const guint8 **data, gsize *size, gsize wanted)
{
  const guint8 *taken = *data;

  if (wanted > *size)
    return NULL;
  *data += wanted;
  *size -= wanted;
  return taken;
}

static inline void
fuzz_fill_queue (TestRing *ring, const guint8 **data, gsize *size)
{
  const guint8 *count, *heads, *descriptors;
  guint n_heads, n_descriptors;

  if (!(count = fuzz_take (data, size, 1)))
    return;
  n_heads = *count % (FUZZ_MAX_HEADS + 1);
  if (!(heads = fuzz_take (data, size, n_heads)) || !(count = fuzz_take (data, size, 1)))
    return;
  n_descriptors = *count % (FUZZ_MAX_DESCRIPTORS + 1);
  if (!(descriptors = fuzz_take (data, size, n_descriptors * sizeof (struct vring_desc))))
    return;
  memcpy (ring->desc, descriptors, n_descriptors * sizeof (struct vring_desc));
  for (guint i = 0; i < n_heads; i++)
    test_ring_add (ring, heads[i]);
}

static inline void
fuzz_virtio (VirtioGuest *guest, guint n_queues, const guint8 *data, gsize size)
{
  memset (virtio_guest_at (guest, GUEST_DATA), 0, FUZZ_MAX_MEMORY);
  virtio_guest_start (guest, n_queues, 0);
  for (guint i = 0; i < n_queues; i++)
    fuzz_fill_queue (&guest->rings[i], &data, &size);
  if (size > 0)
    memcpy (virtio_guest_at (guest, GUEST_DATA), data, MIN (size, FUZZ_MAX_MEMORY));

  for (guint i = 0; i < n_queues; i++)
    virtio_guest_kick (guest, i);
  virtio_guest_settle (guest);
  sv_device_quiesce (SV_DEVICE (guest->device));
  for (guint i = 0; i < n_queues; i++)
    g_assert_cmpuint (sv_virtqueue_get_in_flight (sv_virtio_device_get_queue (guest->device, i)),
                      ==, 0);
  sv_device_resume (SV_DEVICE (guest->device));
}
