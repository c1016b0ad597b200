/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A hostile driver of virtio-net. Input: which features are left out, a packet that waits for the driver (2 bytes of size),
 * then for each of the three queues a count and that many heads, a count and that many
 * descriptors as they are in the ring; at last what is in memory where the corpus has its buffers.
 */

#include <string.h>
#include <unistd.h>

#include "tests/unit/net-guest.h"

#define MAX_HEADS 16
#define MAX_DESCRIPTORS 32
#define MAX_MEMORY 4096

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static const guint8 *
take (const guint8 **data, gsize *size, gsize wanted)
{
  const guint8 *taken = *data;

  if (wanted > *size)
    return NULL;
  *data += wanted;
  *size -= wanted;
  return taken;
}

static gboolean
add_chains (NetGuest *net, guint queue, const guint8 **data, gsize *size)
{
  TestRing *ring = &net->guest.rings[queue];
  const guint8 *n_heads, *heads, *n_descriptors, *descriptors;

  if (!(n_heads = take (data, size, 1))
      || !(heads = take (data, size, *n_heads % (MAX_HEADS + 1)))
      || !(n_descriptors = take (data, size, 1))
      || !(descriptors = take (
               data, size, *n_descriptors % (MAX_DESCRIPTORS + 1) * sizeof (struct vring_desc))))
    return FALSE;

  memcpy (ring->desc, descriptors,
          *n_descriptors % (MAX_DESCRIPTORS + 1) * sizeof (struct vring_desc));
  for (guint i = 0; i < *n_heads % (MAX_HEADS + 1); i++)
    test_ring_add (ring, heads[i]);
  return TRUE;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static NetGuest *net;
  static guint8 packet[70000];
  const guint8 *options = take (&data, &size, 3);
  guint64 without = 0;

  if (options == NULL)
    return 0;
  if (net == NULL)
    {
      net = g_new0 (NetGuest, 1);
      net_guest_init (net, &(NetGuestOptions){ 0 });
    }
  if ((options[0] & 1) != 0)
    without |= G_GUINT64_CONSTANT (1) << VIRTIO_NET_F_MRG_RXBUF;
  if ((options[0] & 2) != 0)
    without |= F_EVENT_IDX;
  if ((options[0] & 4) != 0)
    without |= F_INDIRECT;

  /* Where the corpus has its buffers, before the rings: those come at 0x4000 and up. */
  memset (virtio_guest_at (&net->guest, 0), 0, MAX_MEMORY);
  while (net_guest_receive (net, 0, packet, sizeof packet) >= 0)
    continue;
  /* What the run before did not take */
  while (read (net->netdev->fds[0], packet, sizeof packet) >= 0)
    continue;
  net_guest_start (net, without);
  net_guest_inject (net, 0, packet, MAX (options[1] | options[2] << 8, 14));
  for (guint queue = 0; queue < 3; queue++)
    if (!add_chains (net, queue, &data, &size))
      break;
  memcpy (virtio_guest_at (&net->guest, 0), data, MIN (size, MAX_MEMORY));
  for (guint queue = 0; queue < 3; queue++)
    virtio_guest_kick (&net->guest, queue);
  virtio_guest_settle (&net->guest);

  sv_device_quiesce (SV_DEVICE (net->guest.device));
  for (guint queue = 0; queue < 3; queue++)
    g_assert_cmpuint (
        sv_virtqueue_get_in_flight (sv_virtio_device_get_queue (net->guest.device, queue)), ==, 0);
  sv_device_resume (SV_DEVICE (net->guest.device));
  virtio_guest_settle (&net->guest);
  return 0;
}
