/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packets to the driver of a network card. */

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "hw/virtio/sv-virtio-net.h"
#include "tests/unit/block-fixture.h"
#include "tests/unit/net-guest.h"

#define BIT(n) (G_GUINT64_CONSTANT (1) << (n))

static const guint8 our_mac[] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
static const guint8 other_mac[] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x57 };

static void
test_receive (gconstpointer data)
{
  gboolean no_header = GPOINTER_TO_INT (data);
  NetGuest net;
  guint8 frame[100];
  guint32 written;
  guint16 head;
  guint8 *buffer;

  net_guest_init (&net, &(NetGuestOptions){ .no_header = no_header });
  net_guest_post (&net, NET_RX, 4, 1600);
  net_frame (frame, sizeof frame, our_mac, 0x0800);
  for (guint i = 0; i < 3; i++)
    {
      frame[50] = i;
      net_guest_inject (&net, 0, frame, sizeof frame);
      head = virtio_guest_wait (&net.guest, NET_RX, &written);
      g_assert_cmpuint (head, ==, i);
      g_assert_cmpuint (written, ==, NET_HEADER + sizeof frame);
      buffer = net_guest_buffer (&net, head);
      g_assert_cmpuint (buffer[0], ==, no_header ? 0 : VIRTIO_NET_HDR_F_DATA_VALID);
      g_assert_cmpuint (buffer[10], ==, 1);
      g_assert_cmpuint (buffer[11], ==, 0);
      g_assert_cmpmem (buffer + NET_HEADER, sizeof frame, frame, sizeof frame);
    }
  g_assert_cmpuint (net_guest_counter (&net, "rx-packets"), ==, 3);
  g_assert_cmpuint (net_guest_counter (&net, "rx-bytes"), ==, 300);
  net_guest_clear (&net);
}

static void
expect_spread (NetGuest *net, const guint8 *frame, guint size, guint piece)
{
  guint total = NET_HEADER + size;
  guint n = (total + piece - 1) / piece;
  guint at = 0;

  for (guint i = 0; i < n; i++)
    {
      guint skip = i == 0 ? NET_HEADER : 0;
      guint32 written;
      guint16 head = virtio_guest_wait (&net->guest, NET_RX, &written);
      guint8 *buffer = net_guest_buffer (net, head);

      g_assert_cmpuint (written, ==, MIN (piece, total));
      total -= written;
      if (i == 0)
        g_assert_cmpuint (buffer[10] | buffer[11] << 8, ==, n);
      g_assert_cmpmem (buffer + skip, written - skip, frame + at, written - skip);
      at += written - skip;
    }
}

static guint8 *
new_frame (guint size)
{
  guint8 *frame = g_malloc (size);

  net_frame (frame, size, our_mac, 0x0800);
  for (guint i = 14; i < size; i++)
    frame[i] = i * 7 + (i >> 8);
  return frame;
}

static void
test_mergeable (gconstpointer data)
{
  gboolean no_header = GPOINTER_TO_INT (data);
  g_autofree guint8 *frame = new_frame (40000);
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ .no_header = no_header });
  net_guest_post (&net, NET_RX, 60, 1000);
  net_guest_inject (&net, 0, frame, 40000);
  expect_spread (&net, frame, 40000, 1000);
  net_guest_inject (&net, 0, frame, 988);
  expect_spread (&net, frame, 988, 1000);
  net_guest_inject (&net, 0, frame, 989);
  expect_spread (&net, frame, 989, 1000);
  net_guest_clear (&net);
}

/* A packet that the buffers at hand do not hold waits for more, and comes whole. */
static void
test_mergeable_waits (void)
{
  g_autofree guint8 *frame = new_frame (3000);
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ 0 });
  net_guest_post (&net, NET_RX, 2, 300);
  net_guest_inject (&net, 0, frame, 3000);
  virtio_guest_settle (&net.guest);
  g_assert_cmpuint (test_ring_used_idx (&net.guest.rings[NET_RX]), ==, 0);
  net_guest_post (&net, NET_RX, 3, 300);
  g_assert_cmpuint (test_ring_used_idx (&net.guest.rings[NET_RX]), ==, 0);
  net_guest_post (&net, NET_RX, 20, 300);
  expect_spread (&net, frame, 3000, 300);
  net_guest_inject (&net, 0, frame, 1000);
  expect_spread (&net, frame, 1000, 300);
  g_assert_cmpuint (net_guest_counter (&net, "rx-dropped"), ==, 0);
  net_guest_clear (&net);
}

/* When all of the ring is too small for a packet, it is dropped. */
static void
test_too_large (gconstpointer data)
{
  gboolean mergeable = GPOINTER_TO_INT (data);
  g_autofree guint8 *frame = new_frame (3000);
  guint32 written;
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ .without = mergeable ? 0 : BIT (VIRTIO_NET_F_MRG_RXBUF) });
  net_guest_post (&net, NET_RX, mergeable ? GUEST_RING_SIZE : 2, mergeable ? 40 : 1000);
  net_guest_inject (&net, 0, frame, 3000);
  virtio_guest_settle (&net.guest);
  g_assert_cmpuint (net_guest_counter (&net, "rx-dropped"), ==, 1);
  net_guest_inject (&net, 0, frame, 28);
  virtio_guest_wait (&net.guest, NET_RX, &written);
  g_assert_cmpuint (written, ==, 40);
  g_assert_cmpuint (net_guest_buffer (&net, 0)[10], ==, 1);
  g_assert_cmpmem (net_guest_buffer (&net, 0) + NET_HEADER, 28, frame, 28);
  net_guest_clear (&net);
}

/* Many more packets than buffers, buffers given back as they come. */
static void
test_receive_stream (void)
{
  g_autofree guint8 *frame = new_frame (700);
  NetGuest net;
  guint received = 0;
  guint sent = 0;

  net_guest_init (&net, &(NetGuestOptions){ 0 });
  net_guest_post (&net, NET_RX, 8, 512);
  while (received < 500)
    {
      for (; sent < 500 && sent < received + 20; sent++)
        {
          memcpy (frame + 20, &sent, sizeof sent);
          net_guest_inject (&net, 0, frame, 700);
        }
      memcpy (frame + 20, &received, sizeof received);
      expect_spread (&net, frame, 700, 512);
      received++;
      net_guest_post (&net, NET_RX, 2, 512);
    }
  g_assert_cmpuint (net_guest_counter (&net, "rx-packets"), ==, 500);
  net_guest_clear (&net);
}

static void
test_quiesce (void)
{
  g_autofree guint8 *frame = new_frame (3000);
  SvVirtqueue *queue;
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ 0 });
  queue = sv_virtio_device_get_queue (net.guest.device, NET_RX);
  net_guest_post (&net, NET_RX, 4, 1600);
  net_guest_inject (&net, 0, frame, 100);
  virtio_guest_wait (&net.guest, NET_RX, NULL);
  g_assert_cmpuint (sv_virtqueue_get_in_flight (queue), >, 0);

  sv_device_quiesce (SV_DEVICE (net.guest.device));
  g_assert_cmpuint (sv_virtqueue_get_in_flight (queue), ==, 0);
  net_guest_inject (&net, 0, frame, 100);
  virtio_guest_settle (&net.guest);
  g_assert_cmpuint (test_ring_used_idx (&net.guest.rings[NET_RX]), ==, 1);
  sv_device_resume (SV_DEVICE (net.guest.device));
  g_assert_cmpuint (virtio_guest_wait (&net.guest, NET_RX, NULL), ==, 1);

  /* A packet that waits for buffers does not outlive that. */
  net_guest_inject (&net, 0, frame, 100);
  virtio_guest_wait (&net.guest, NET_RX, NULL);
  net_guest_inject (&net, 0, frame, 3000);
  virtio_guest_settle (&net.guest);
  sv_device_quiesce (SV_DEVICE (net.guest.device));
  g_assert_cmpuint (sv_virtqueue_get_in_flight (queue), ==, 0);
  sv_device_resume (SV_DEVICE (net.guest.device));
  net_guest_inject (&net, 0, frame, 100);
  g_assert_cmpuint (virtio_guest_wait (&net.guest, NET_RX, NULL), ==, 3);
  g_assert_cmpuint (net_guest_counter (&net, "rx-dropped"), ==, 1);
  net_guest_clear (&net);
}

/* Small packets, large ones and such as the driver does not want, in any order: it gets all it wants, in order and whole. */
static void
test_mixed_sizes (gconstpointer data)
{
  gboolean no_header = GPOINTER_TO_INT (data);
  g_autoptr (GRand) random = g_rand_new_with_seed (17);
  g_autoptr (GArray) sizes = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autofree guint8 *frame = new_frame (20000);
  guint n_unwanted = 0;
  guint8 off = 0;
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ .no_header = no_header });
  g_assert_cmpuint (net_guest_command (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &off, 1), ==,
                    VIRTIO_NET_OK);
  net_guest_post (&net, NET_RX, GUEST_RING_SIZE, 1600);
  for (guint round = 0; round < 400; round++)
    {
      /* Now and then only small ones for a while */
      gboolean calm = round / 50 % 2 == 0;
      guint n = g_rand_int_range (random, 1, 30);

      g_array_set_size (sizes, 0);
      for (guint i = 0, n_buffers = 0; i < n && n_buffers < GUEST_RING_SIZE - 14; i++)
        {
          guint size = !calm && g_rand_int_range (random, 0, 10) == 0 ? g_rand_int_range (random, 1515, 20000)
                                                                      : g_rand_int_range (random, 60, 1515);
          gboolean wanted = g_rand_int_range (random, 0, 4) != 0;

          memcpy (frame, wanted ? our_mac : other_mac, 6);
          memcpy (frame + 14, &i, sizeof i);
          net_guest_inject (&net, 0, frame, size);
          n_unwanted += !wanted;
          n_buffers += wanted ? size / 1588 + 1 : 0;
          if (wanted)
            {
              g_array_append_val (sizes, size);
              g_array_append_val (sizes, i);
            }
        }
      memcpy (frame, our_mac, 6);
      for (guint i = 0; i < sizes->len; i += 2)
        {
          memcpy (frame + 14, &g_array_index (sizes, guint, i + 1), sizeof (guint));
          expect_spread (&net, frame, g_array_index (sizes, guint, i), 1600);
          net_guest_post (&net, NET_RX, (g_array_index (sizes, guint, i) + NET_HEADER + 1599) / 1600, 1600);
        }
    }
  virtio_guest_settle (&net.guest);
  g_assert_cmpuint (net_guest_counter (&net, "rx-filtered"), ==, n_unwanted);
  g_assert_cmpuint (net_guest_counter (&net, "rx-dropped"), ==, 0);
  net_guest_clear (&net);
}

/* Nothing is written to buffers that the driver has taken back. */
static void
test_reset (void)
{
  g_autofree guint8 *frame = new_frame (1000);
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ 0 });
  net_guest_post (&net, NET_RX, 40, 1600);
  for (guint i = 0; i < 3; i++)
    {
      net_guest_inject (&net, 0, frame, 1000);
      virtio_guest_wait (&net.guest, NET_RX, NULL);
    }
  virtio_guest_write (&net.guest, VIRTIO_MMIO_STATUS, 0);
  net_guest_inject (&net, 0, frame, 1000);
  virtio_guest_settle (&net.guest);
  for (guint i = 3; i < 40; i++)
    for (guint k = 0; k < 1600; k++)
      g_assert_cmphex (net_guest_buffer (&net, i)[k], ==, 0xee);

  /* The next driver gets it. */
  net_guest_start (&net, 0);
  net_guest_post (&net, NET_RX, 2, 1600);
  g_assert_cmpuint (virtio_guest_wait (&net.guest, NET_RX, NULL), ==, 0);
  g_assert_cmpmem (net_guest_buffer (&net, 0) + NET_HEADER, 1000, frame, 1000);
  net_guest_clear (&net);
}

/* Where io_uring is forbidden or missing, all of this works by other calls. */
static void
test_no_io_uring (void)
{
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }
  block_test_forbid (SYS_io_uring_setup, ENOSYS);
  test_receive (GINT_TO_POINTER (FALSE));
  test_mergeable (GINT_TO_POINTER (TRUE));
  test_mergeable_waits ();
  test_receive_stream ();
  test_mixed_sizes (GINT_TO_POINTER (FALSE));
  test_reset ();
  test_quiesce ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/virtio/net/receive", GINT_TO_POINTER (FALSE), test_receive);
  g_test_add_data_func ("/virtio/net/receive-no-header", GINT_TO_POINTER (TRUE), test_receive);
  g_test_add_data_func ("/virtio/net/mergeable", GINT_TO_POINTER (FALSE), test_mergeable);
  g_test_add_data_func ("/virtio/net/mergeable-no-header", GINT_TO_POINTER (TRUE), test_mergeable);
  g_test_add_func ("/virtio/net/mergeable-waits", test_mergeable_waits);
  g_test_add_data_func ("/virtio/net/too-large", GINT_TO_POINTER (FALSE), test_too_large);
  g_test_add_data_func ("/virtio/net/too-large-mergeable", GINT_TO_POINTER (TRUE), test_too_large);
  g_test_add_func ("/virtio/net/receive-stream", test_receive_stream);
  g_test_add_func ("/virtio/net/quiesce", test_quiesce);
  g_test_add_data_func ("/virtio/net/mixed-sizes", GINT_TO_POINTER (FALSE), test_mixed_sizes);
  g_test_add_data_func ("/virtio/net/mixed-sizes-no-header", GINT_TO_POINTER (TRUE), test_mixed_sizes);
  g_test_add_func ("/virtio/net/reset", test_reset);
  g_test_add_func ("/virtio/net/no-io-uring", test_no_io_uring);
  return g_test_run ();
}
