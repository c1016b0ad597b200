/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A split virtqueue over memory that the input is the content of. Four bytes come first: features,
 * log2 of the size, and the position the indices start from; the last bytes say how the driver's
 * index moves on. Buffers may lie over the rings: what the device writes changes them under it.
 */

#include "hw/virtio/sv-virtqueue.h"

#include <linux/virtio_ring.h>
#include <string.h>

#define RAM_SIZE 0x4000u
#define DESCRIPTORS 0x0u
#define DRIVER 0x80u
#define DEVICE 0xa0u
#define MAX_SIZE 8u
#define N_HELD 3
#define N_IOV 12
#define N_STEPS 24

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct
{
  SvMemoryRegion *root;
  SvAddressSpace *space;
  guint8 *host;
} Guest;

static const Guest *
get_guest (void)
{
  static Guest guest;

  if (guest.space == NULL)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SvMemoryRegion) ram = NULL;
      SvMemoryBackend *backend = g_object_new (sv_memory_backend_ram_get_type (), "size",
                                               (guint64)RAM_SIZE, NULL);

      sv_object_complete (SV_OBJECT (backend), &error);
      g_assert_no_error (error);
      guest.host = sv_memory_backend_get_host (backend);
      guest.root = sv_memory_region_new_container ("root", G_MAXUINT64);
      /* Two ranges, so that buffers get scattered. */
      ram = sv_memory_region_new_ram ("ram", backend);
      sv_memory_region_add (guest.root, 0,
                            sv_memory_region_new_alias ("low", ram, 0, RAM_SIZE / 2), 0);
      sv_memory_region_add (guest.root, RAM_SIZE / 2,
                            sv_memory_region_new_alias ("high", ram, RAM_SIZE / 2, RAM_SIZE / 2),
                            0);
      guest.space = sv_address_space_new ("fuzz", guest.root);
    }
  return &guest;
}

static void
on_notify (gpointer opaque, guint index)
{
}

static void
on_broken (gpointer opaque, guint index, const char *reason)
{
  g_assert_nonnull (reason);
  ++*(guint *)opaque;
}

static const SvVirtqueueFuncs funcs = { on_notify, on_broken };

static void
check_pieces (const Guest *guest, const struct iovec *iov, guint n, guint64 size)
{
  guint64 sum = 0;

  for (guint i = 0; i < n; i++)
    {
      const guint8 *base = iov[i].iov_base;

      g_assert_true (base >= guest->host && iov[i].iov_len <= RAM_SIZE);
      g_assert_true (base + iov[i].iov_len <= guest->host + RAM_SIZE);
      sum += iov[i].iov_len;
    }
  g_assert_cmpuint (sum, ==, size);
}

static void
use_element (const Guest *guest, SvVirtqElement *element)
{
  guint8 bytes[64];
  guint8 *last;

  g_assert_cmpuint (element->n_out + element->n_in, <=, N_IOV);
  check_pieces (guest, element->out, element->n_out, element->out_size);
  check_pieces (guest, element->in, element->n_in, element->in_size);

  memset (bytes, 0x5a, sizeof bytes);
  if (!sv_virtq_element_pull (element, bytes, sizeof bytes))
    sv_virtq_element_pull (element, bytes, element->out_size);
  check_pieces (guest, element->out, element->n_out, element->out_size);
  last = sv_virtq_element_take_last (element);
  if (last != NULL)
    *last = 0;
  check_pieces (guest, element->in, element->n_in, element->in_size);
  sv_virtq_element_fill (element, bytes, sizeof bytes);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const Guest *guest = get_guest ();
  struct iovec iov[N_HELD][N_IOV];
  SvVirtqElement elements[N_HELD];
  SvVirtqueueLayout layout = { 0, DESCRIPTORS, DRIVER, DEVICE };
  SvVirtqueue *queue;
  guint n_broken = 0, n_held = 0;
  guint16 position;
  guint64 features;

  if (size < 4)
    return 0;

  memset (guest->host, 0, RAM_SIZE);
  memcpy (guest->host, data + 4, MIN (size - 4, RAM_SIZE));
  features = (guint64)(data[0] & 3) << VIRTIO_RING_F_INDIRECT_DESC;
  layout.size = 1u << (data[1] & 3);
  position = data[2] | data[3] << 8;
  G_STATIC_ASSERT (VIRTIO_RING_F_EVENT_IDX == VIRTIO_RING_F_INDIRECT_DESC + 1);

  queue = sv_virtqueue_new (0, MAX_SIZE, &funcs, &n_broken);
  g_assert_true (sv_virtqueue_set_layout (queue, &layout));
  g_assert_true (sv_virtqueue_set_ready (queue, TRUE));
  sv_virtqueue_set_position (queue, position, position);
  sv_virtqueue_start (queue, guest->space, features);

  for (guint i = 0; i < N_STEPS && sv_virtqueue_begin (queue); i++)
    {
      struct vring_avail *avail = (struct vring_avail *)(guest->host + DRIVER);

      elements[n_held] = (SvVirtqElement){ .iov = iov[n_held], .max_iov = N_IOV };
      if (sv_virtqueue_pop (queue, &elements[n_held]))
        use_element (guest, &elements[n_held++]);
      if (n_held == N_HELD || (i & 3) == 3)
        {
          while (n_held > 0)
            sv_virtqueue_push (queue, &elements[--n_held], i);
        }
      sv_virtqueue_end (queue);
      g_assert_cmpuint (sv_virtqueue_get_in_flight (queue), ==, n_held);
      avail->idx = GUINT16_TO_LE (GUINT16_FROM_LE (avail->idx) + (data[size - 1 - i % size] & 3));
    }

  g_assert_cmpuint (n_broken, <=, 1);
  g_assert_cmpint (sv_virtqueue_is_broken (queue), ==, n_broken == 1);
  while (n_held > 0)
    sv_virtqueue_push (queue, &elements[--n_held], 0);
  sv_virtqueue_free (queue);
  return 0;
}
