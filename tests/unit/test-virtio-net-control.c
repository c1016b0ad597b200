/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The control queue of virtio-net, and what it changes. */

#include "hw/virtio/sv-virtio-net.h"
#include "src/runtime/sv-log.h"
#include "tests/unit/net-guest.h"

#include <string.h>

#define BIT(n) (G_GUINT64_CONSTANT (1) << (n))

static const guint8 our_mac[] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
static const guint8 other_mac[] = { 0x52, 0x54, 0x00, 0xaa, 0xbb, 0xcc };
static const guint8 group_mac[] = { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x01 };
static const guint8 broadcast[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static guint8 *
new_frame (guint size)
{
  guint8 *frame = g_malloc (size);

  net_frame (frame, size, our_mac, 0x0800);
  for (guint i = 14; i < size; i++)
    frame[i] = i * 7 + (i >> 8);
  return frame;
}

static gboolean
passes (NetGuest *net, const guint8 *to, guint vlan)
{
  guint64 before = net_guest_counter (net, "rx-packets");
  guint8 frame[64];

  net_frame (frame, sizeof frame, to, vlan ? 0x8100 : 0x0800);
  frame[14] = vlan >> 8;
  frame[15] = vlan & 0xff;
  net_guest_inject (net, 0, frame, sizeof frame);
  virtio_guest_settle (&net->guest);
  return net_guest_counter (net, "rx-packets") > before;
}

static guint8
command_byte (NetGuest *net, guint8 class, guint8 command, guint8 value)
{
  return net_guest_command (net, class, command, &value, 1);
}

static void
test_filter (void)
{
  guint8 tables[4 + 6 + 4 + 6] = { [0] = 1, [10] = 1 };
  guint8 vlan[] = { 100, 0 };
  NetGuest net;

  memcpy (tables + 4, other_mac, 6);
  memcpy (tables + 14, group_mac, 6);
  net_guest_init (&net, &(NetGuestOptions){ 0 });
  net_guest_post (&net, NET_RX, 40, 1600);

  g_assert_true (passes (&net, other_mac, 0));
  g_assert_cmpuint (command_byte (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, 0), ==, 0);
  g_assert_false (passes (&net, other_mac, 0));
  g_assert_false (passes (&net, group_mac, 0));
  g_assert_true (passes (&net, our_mac, 0));
  g_assert_true (passes (&net, broadcast, 0));
  g_assert_false (passes (&net, our_mac, 100));
  g_assert_cmpuint (net_guest_counter (&net, "rx-filtered"), ==, 3);

  g_assert_cmpuint (command_byte (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, 1), ==, 0);
  g_assert_true (passes (&net, group_mac, 0));
  g_assert_cmpuint (command_byte (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, 0), ==, 0);
  g_assert_cmpuint (command_byte (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLUNI, 1), ==, 0);
  g_assert_true (passes (&net, other_mac, 0));
  g_assert_cmpuint (command_byte (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLUNI, 0), ==, 0);
  g_assert_cmpuint (command_byte (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOBCAST, 1), ==, 0);
  g_assert_false (passes (&net, broadcast, 0));

  g_assert_cmpuint (net_guest_command (&net, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET,
                                       tables, sizeof tables),
                    ==, 0);
  g_assert_true (passes (&net, other_mac, 0));
  g_assert_true (passes (&net, group_mac, 0));
  g_assert_cmpuint (command_byte (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOMULTI, 1), ==, 0);
  g_assert_false (passes (&net, group_mac, 0));
  g_assert_cmpuint (command_byte (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOUNI, 1), ==, 0);
  g_assert_false (passes (&net, our_mac, 0));
  g_assert_cmpuint (command_byte (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOUNI, 0), ==, 0);

  g_assert_cmpuint (net_guest_command (&net, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, vlan, 2),
                    ==, 0);
  g_assert_true (passes (&net, our_mac, 100));
  g_assert_false (passes (&net, our_mac, 101));
  g_assert_cmpuint (net_guest_command (&net, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_DEL, vlan, 2),
                    ==, 0);
  g_assert_false (passes (&net, our_mac, 100));

  g_assert_cmpuint (net_guest_command (&net, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET,
                                       other_mac, 6),
                    ==, 0);
  g_assert_cmphex (virtio_guest_read_config (&net.guest, 0, 4), ==, 0xaa005452);
  g_assert_false (passes (&net, our_mac, 0));
  /* A reset brings the address back and lets all through. */
  net_guest_start (&net, 0);
  net_guest_post (&net, NET_RX, 4, 1600);
  g_assert_cmphex (virtio_guest_read_config (&net.guest, 0, 4), ==, 0x12005452);
  g_assert_true (passes (&net, other_mac, 0));
  net_guest_clear (&net);
}

/* More addresses than the card keeps: all of the kind pass. */
static void
test_filter_overflow (void)
{
  g_autofree guint8 *tables = g_malloc0 (4 + 65 * 6 + 4);
  NetGuest net;

  tables[0] = 65;
  net_guest_init (&net, &(NetGuestOptions){ 0 });
  net_guest_post (&net, NET_RX, 8, 1600);
  g_assert_cmpuint (command_byte (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, 0), ==, 0);
  g_assert_false (passes (&net, other_mac, 0));
  g_assert_cmpuint (net_guest_command (&net, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET,
                                       tables, 4 + 65 * 6 + 4),
                    ==, 0);
  g_assert_true (passes (&net, other_mac, 0));
  g_assert_false (passes (&net, group_mac, 0));
  net_guest_clear (&net);
}

static void
test_bad_commands (void)
{
  static const struct
  {
    guint8 class;
    guint8 command;
    guint size;
    guint8 data[12];
  } bad[] = {
    { 99, 0, 1, { 0 } },
    { VIRTIO_NET_CTRL_RX, 9, 1, { 0 } },
    { VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, 0, { 0 } },
    { VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, 3, { 0 } },
    { VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, 10, { 2 } },
    { VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, 10, { 0xff, 0xff, 0xff, 0xff } },
    { VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, 5, { 0 } },
    { VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, 7, { 0 } },
    { VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, 2, { 0, 0x10 } },
    { VIRTIO_NET_CTRL_VLAN, 2, 2, { 0, 0 } },
    { VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, 2, { 1, 0 } },
    { VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, 8, { 0, 0, 0, 0, 1 } },
    { VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, 7, { 0 } },
    { VIRTIO_NET_CTRL_ANNOUNCE, 1, 0, { 0 } },
  };
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ 0 });
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_cmpuint (
        net_guest_command (&net, bad[i].class, bad[i].command, bad[i].data, bad[i].size), ==,
        VIRTIO_NET_ERR);
  g_assert_false (virtio_guest_is_broken (&net.guest));
  net_guest_clear (&net);
}

static void
test_offload_command (void)
{
  guint64 offloads = GUINT64_TO_LE (BIT (VIRTIO_NET_F_GUEST_CSUM));
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ 0 });
  g_assert_cmpuint (net_guest_command (&net, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
                                       VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, &offloads, 8),
                    ==, VIRTIO_NET_OK);
  g_assert_cmpuint (net.netdev->offloads, ==, SV_NET_OFFLOAD_CSUM);
  net.netdev->refuse_offloads = TRUE;
  g_assert_cmpuint (net_guest_command (&net, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
                                       VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, &offloads, 8),
                    ==, VIRTIO_NET_ERR);
  net.netdev->refuse_offloads = FALSE;
  net_guest_clear (&net);
}

/* A tap takes no segments without checksums, which the driver may ask for as often as it likes. */
static void
test_refused_offloads_are_told (void)
{
  guint64 offloads = GUINT64_TO_LE (BIT (VIRTIO_NET_F_GUEST_TSO4));
  NetGuest net;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      g_test_trap_assert_stderr ("*refused\n*refused (repeated; not shown every time)\n*");
      return;
    }

  g_assert_true (sv_log_init (NULL, NULL));
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  net_guest_init (&net, &(NetGuestOptions){ 0 });
  net.netdev->refuse_offloads = TRUE;
  for (guint i = 0; i < 100; i++)
    g_assert_cmpuint (net_guest_command (&net, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
                                         VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, &offloads, 8),
                      ==, VIRTIO_NET_ERR);
  net.netdev->refuse_offloads = FALSE;
  net_guest_clear (&net);
}

static void
test_announce (void)
{
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ 0 });
  sv_virtio_net_announce (SV_VIRTIO_NET (net.guest.device));
  g_assert_cmpuint (virtio_guest_read_config (&net.guest, 6, 2), ==,
                    VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE);
  g_assert_cmpuint (
      net_guest_command (&net, VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, NULL, 0), ==,
      VIRTIO_NET_OK);
  g_assert_cmpuint (virtio_guest_read_config (&net.guest, 6, 2), ==, VIRTIO_NET_S_LINK_UP);
  net_guest_clear (&net);
}

static void
set_pairs (NetGuest *net, guint16 n, guint8 answer)
{
  guint16 value = GUINT16_TO_LE (n);

  g_assert_cmpuint (net_guest_command (net, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
                                       &value, 2),
                    ==, answer);
}

static void
test_multi_queue (void)
{
  g_autofree guint8 *frame = new_frame (100);
  guint8 packet[256];
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ .n_queues = 3, .device = "'mq': true" });
  g_assert_true (net_guest_has (&net, VIRTIO_NET_F_MQ));
  g_assert_cmpuint (virtio_guest_read_config (&net.guest, 8, 2), ==, 3);
  for (guint i = 0; i < 3; i++)
    net_guest_post (&net, 2 * i, 4, 1600);
  g_assert_true (net.netdev->enabled[0] && !net.netdev->enabled[1]);

  /* A pair that the driver does not use yet gets nothing. */
  net_guest_inject (&net, 2, frame, 100);
  virtio_guest_settle (&net.guest);
  g_assert_cmpuint (test_ring_used_idx (&net.guest.rings[4]), ==, 0);
  set_pairs (&net, 0, VIRTIO_NET_ERR);
  set_pairs (&net, 4, VIRTIO_NET_ERR);
  set_pairs (&net, 3, VIRTIO_NET_OK);
  g_assert_true (net.netdev->enabled[1] && net.netdev->enabled[2]);
  virtio_guest_wait (&net.guest, 4, NULL);

  net_guest_send (&net, 5, 0x33, 77);
  virtio_guest_wait (&net.guest, 5, NULL);
  g_assert_cmpint (net_guest_receive (&net, 2, packet, sizeof packet), ==, 77);
  set_pairs (&net, 2, VIRTIO_NET_OK);
  g_assert_true (net.netdev->enabled[1] && !net.netdev->enabled[2]);
  g_assert_cmpuint (sv_virtqueue_get_in_flight (sv_virtio_device_get_queue (net.guest.device, 4)), ==,
                    0);

  /* Without the feature the control queue comes third. */
  net_guest_start (&net, BIT (VIRTIO_NET_F_MQ));
  g_assert_true (net.netdev->enabled[0] && !net.netdev->enabled[1]);
  g_assert_cmpuint (command_byte (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, 0), ==, 0);
  set_pairs (&net, 1, VIRTIO_NET_ERR);
  net_guest_clear (&net);
}

static void
wait_used (NetGuest *net, guint queue)
{
  guint32 id, length;

  while (!test_ring_take (&net->guest.rings[queue], &id, &length))
    g_thread_yield ();
}

/* Buffers that are not those of another pair */
static void
post_apart (NetGuest *net, guint queue, guint n)
{
  TestRing *ring = &net->guest.rings[queue];

  for (guint i = 0; i < n; i++)
    {
      guint head = net->guest.next_desc[queue];

      virtio_guest_add (&net->guest, queue, 0, 0, NET_RX_DATA + (queue * GUEST_RING_SIZE + head) * 4096, 1600);
      net->guest.next_desc[queue] = (head + 1) % ring->size;
    }
  virtio_guest_kick (&net->guest, queue);
}

/* Pairs come and go, and so does the link, while an iothread has packets both ways. */
static void
test_changes_under_load (void)
{
  g_autofree guint8 *frame = new_frame (600);
  g_autoptr (GError) error = NULL;
  guint64 dropped;
  guint8 packet[2048];
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ .n_queues = 3, .device = "'mq': true" });
  virtio_guest_unplug (&net.guest);
  virtio_guest_add_object (&net.guest, "iothread", "io0", NULL);
  virtio_guest_plug (&net.guest, "virtio-net-device", "{'netdev': 'net0', 'mq': true, 'iothread': 'io0'}",
                     &error);
  g_assert_no_error (error);
  net_guest_start (&net, 0);
  for (guint i = 0; i < 3; i++)
    post_apart (&net, 2 * i, 16);
  for (guint round = 0; round < 60; round++)
    {
      guint n = 1 + round % 3;

      /* Of pairs that are to be given up, too: what has come by then may be with the driver or not. */
      set_pairs (&net, n, VIRTIO_NET_OK);
      for (guint i = 0; i < n; i++)
        {
          net_guest_inject (&net, i, frame, 600);
          net_guest_send (&net, 2 * i + 1, round, 300);
          wait_used (&net, 2 * i);
          wait_used (&net, 2 * i + 1);
          g_assert_cmpint (net_guest_receive (&net, i, packet, sizeof packet), ==, 300);
          g_assert_cmpuint (packet[0], ==, (guint8) round);
          post_apart (&net, 2 * i, 1);
        }
      g_object_set (net.guest.device, "link", FALSE, NULL);
      dropped = net_guest_counter (&net, "rx-dropped");
      net_guest_inject (&net, 0, frame, 600);
      while (net_guest_counter (&net, "rx-dropped") == dropped)
        g_thread_yield ();
      g_object_set (net.guest.device, "link", TRUE, NULL);
      sv_virtio_net_announce (SV_VIRTIO_NET (net.guest.device));
    }
  net_guest_clear (&net);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtio/net/filter", test_filter);
  g_test_add_func ("/virtio/net/filter-overflow", test_filter_overflow);
  g_test_add_func ("/virtio/net/bad-commands", test_bad_commands);
  g_test_add_func ("/virtio/net/offload-command", test_offload_command);
  g_test_add_func ("/virtio/net/refused-offloads-are-told", test_refused_offloads_are_told);
  g_test_add_func ("/virtio/net/announce", test_announce);
  g_test_add_func ("/virtio/net/multi-queue", test_multi_queue);
  g_test_add_func ("/virtio/net/changes-under-load", test_changes_under_load);
  return g_test_run ();
}
