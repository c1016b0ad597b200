/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hw/virtio/sv-virtio-net.h"
#include "tests/unit/net-guest.h"

#define BIT(n) (G_GUINT64_CONSTANT (1) << (n))

static const guint8 our_mac[] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

static void
test_config (void)
{
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ .device = "'host_mtu': 9000, 'mac': '52:54:00:AA:bb:01'" });
  g_assert_cmphex (virtio_guest_read_config (&net.guest, 0, 4), ==, 0xaa005452);
  g_assert_cmphex (virtio_guest_read_config (&net.guest, 4, 2), ==, 0x01bb);
  g_assert_cmphex (virtio_guest_read_config (&net.guest, 6, 2), ==, VIRTIO_NET_S_LINK_UP);
  g_assert_cmpuint (virtio_guest_read_config (&net.guest, 10, 2), ==, 9000);
  g_assert_true (net_guest_has (&net, VIRTIO_NET_F_MTU));
  g_assert_true (net_guest_has (&net, VIRTIO_NET_F_MRG_RXBUF));
  g_assert_true (net_guest_has (&net, VIRTIO_NET_F_GUEST_TSO6));
  g_assert_true (net_guest_has (&net, VIRTIO_NET_F_HOST_TSO4));
  g_assert_false (net_guest_has (&net, VIRTIO_NET_F_MQ));
  g_assert_cmpuint (net.netdev->offloads, ==, net.netdev->offered);
  net_guest_start (&net, BIT (VIRTIO_NET_F_GUEST_TSO4) | BIT (VIRTIO_NET_F_GUEST_ECN));
  g_assert_cmpuint (net.netdev->offloads, ==,
                    SV_NET_OFFLOAD_CSUM | SV_NET_OFFLOAD_TSO6 | SV_NET_OFFLOAD_UFO);
  net_guest_clear (&net);

  /* Without headers nothing can be left open. */
  net_guest_init (&net, &(NetGuestOptions){ .no_header = TRUE });
  g_assert_false (net_guest_has (&net, VIRTIO_NET_F_CSUM));
  g_assert_false (net_guest_has (&net, VIRTIO_NET_F_GUEST_CSUM));
  g_assert_false (net_guest_has (&net, VIRTIO_NET_F_HOST_TSO4));
  g_assert_false (net_guest_has (&net, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS));
  net_guest_clear (&net);

  net_guest_init (&net, &(NetGuestOptions){ .device = "'csum': false, 'guest_csum': false" });
  g_assert_false (net_guest_has (&net, VIRTIO_NET_F_CSUM));
  g_assert_false (net_guest_has (&net, VIRTIO_NET_F_HOST_TSO4));
  g_assert_false (net_guest_has (&net, VIRTIO_NET_F_GUEST_TSO4));
  net_guest_clear (&net);

  net_guest_init (&net, &(NetGuestOptions){ .device = "'gso': false" });
  g_assert_true (net_guest_has (&net, VIRTIO_NET_F_CSUM));
  g_assert_false (net_guest_has (&net, VIRTIO_NET_F_HOST_TSO4));
  g_assert_false (net_guest_has (&net, VIRTIO_NET_F_HOST_UFO));
  g_assert_true (net_guest_has (&net, VIRTIO_NET_F_GUEST_TSO4));
  net_guest_clear (&net);
}

/* VIRTIO 1.2 §5.1.3.1 */
static void
test_feature_dependencies (void)
{
  static const guint64 bad[] = {
    BIT (VIRTIO_NET_F_GUEST_TSO4),
    BIT (VIRTIO_NET_F_GUEST_ECN) | BIT (VIRTIO_NET_F_GUEST_CSUM),
    BIT (VIRTIO_NET_F_HOST_UFO),
    BIT (VIRTIO_NET_F_CTRL_RX),
    BIT (VIRTIO_NET_F_GUEST_ANNOUNCE),
  };
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ 0 });
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      SvVirtioDevice *device = net.guest.device;
      const guint up = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

      sv_virtio_device_set_status (device, 0);
      sv_virtio_device_set_status (device, up);
      sv_virtio_device_set_driver_features (device, bad[i] | F_VERSION_1);
      sv_virtio_device_set_status (device, up | VIRTIO_CONFIG_S_FEATURES_OK);
      g_assert_cmpuint (sv_virtio_device_get_status (device), ==, up);
    }
  net_guest_clear (&net);
}

static void
test_send (gconstpointer data)
{
  gboolean no_header = GPOINTER_TO_INT (data);
  NetGuest net;
  guint8 packet[2048];

  net_guest_init (&net, &(NetGuestOptions){ .no_header = no_header });
  net_guest_send (&net, NET_TX, 0xab, 60);
  net_guest_send (&net, NET_TX, 0xcd, 1514);
  virtio_guest_wait (&net.guest, NET_TX, NULL);
  virtio_guest_wait (&net.guest, NET_TX, NULL);

  g_assert_cmpint (net_guest_receive (&net, 0, packet, sizeof packet), ==, 60);
  g_assert_cmphex (packet[0], ==, 0xab);
  g_assert_cmphex (packet[59], ==, 0xab);
  g_assert_cmpint (net_guest_receive (&net, 0, packet, sizeof packet), ==, 1514);
  g_assert_cmphex (packet[1513], ==, 0xcd);
  g_assert_cmpint (net_guest_receive (&net, 0, packet, sizeof packet), ==, -1);
  g_assert_cmpuint (net_guest_counter (&net, "tx-packets"), ==, 2);
  g_assert_cmpuint (net_guest_counter (&net, "tx-bytes"), ==, 1574);
  g_assert_false (virtio_guest_is_broken (&net.guest));
  net_guest_clear (&net);
}

/* A header in pieces before a back end that takes none */
static void
test_send_split_header (void)
{
  NetGuest net;
  TestRing *ring;
  guint8 packet[256];

  net_guest_init (&net, &(NetGuestOptions){ .no_header = TRUE });
  ring = &net.guest.rings[NET_TX];
  memset (virtio_guest_at (&net.guest, NET_TX_DATA), 0, 16);
  memset (virtio_guest_at (&net.guest, NET_TX_DATA + 16), 0x42, 100);
  test_ring_desc (ring, 0, NET_TX_DATA, 5, VRING_DESC_F_NEXT, 1);
  test_ring_desc (ring, 1, NET_TX_DATA + 5, 4, VRING_DESC_F_NEXT, 2);
  test_ring_desc (ring, 2, NET_TX_DATA + 13, 103, 0, 0);
  test_ring_add (ring, 0);
  virtio_guest_kick (&net.guest, NET_TX);
  virtio_guest_wait (&net.guest, NET_TX, NULL);
  g_assert_cmpint (net_guest_receive (&net, 0, packet, sizeof packet), ==, 100);
  g_assert_cmphex (packet[0], ==, 0x42);
  g_assert_cmphex (packet[99], ==, 0x42);
  net_guest_clear (&net);
}

static void
test_back_pressure (void)
{
  NetGuest net;
  guint8 packet[2048];
  guint sent = 0, received = 0;
  gssize size;

  net_guest_init (&net, &(NetGuestOptions){ 0 });
  while (received < 2000)
    {
      TestRing *ring = &net.guest.rings[NET_TX];
      guint32 id, length;

      /* As much as the ring takes; the peer reads only when the card is stuck. */
      while (sent < 2000 && (guint16) (ring->avail_idx - ring->used_seen) < GUEST_RING_SIZE / 2)
        net_guest_send (&net, NET_TX, sent++, 1000);
      virtio_guest_settle (&net.guest);
      if (test_ring_take (ring, &id, &length))
        {
          while (test_ring_take (ring, &id, &length))
            continue;
          continue;
        }
      while ((size = net_guest_receive (&net, 0, packet, sizeof packet)) > 0)
        {
          g_assert_cmpint (size, ==, 1000);
          g_assert_cmpuint (packet[0], ==, (guint8) received);
          received++;
        }
    }
  g_assert_cmpuint (net_guest_counter (&net, "tx-dropped"), ==, 0);
  g_assert_cmpuint (net_guest_counter (&net, "tx-packets"), ==, 2000);
  net_guest_clear (&net);
}

static void
test_link (void)
{
  NetGuest net;
  guint8 frame[100];
  guint8 packet[256];
  guint irqs;

  net_guest_init (&net, &(NetGuestOptions){ 0 });
  net_guest_post (&net, NET_RX, 4, 1600);
  net_frame (frame, sizeof frame, our_mac, 0x0800);
  irqs = net.guest.n_irqs;
  g_object_set (net.guest.device, "link", FALSE, NULL);
  virtio_guest_settle (&net.guest);
  g_assert_cmpuint (net.guest.n_irqs, ==, irqs + 1);
  g_assert_cmpuint (virtio_guest_read_config (&net.guest, 6, 2), ==, 0);

  net_guest_inject (&net, 0, frame, sizeof frame);
  net_guest_send (&net, NET_TX, 1, 60);
  virtio_guest_wait (&net.guest, NET_TX, NULL);
  virtio_guest_settle (&net.guest);
  g_assert_cmpint (net_guest_receive (&net, 0, packet, sizeof packet), ==, -1);
  g_assert_cmpuint (test_ring_used_idx (&net.guest.rings[NET_RX]), ==, 0);
  g_assert_cmpuint (net_guest_counter (&net, "rx-dropped"), ==, 1);
  g_assert_cmpuint (net_guest_counter (&net, "tx-dropped"), ==, 1);

  g_object_set (net.guest.device, "link", TRUE, NULL);
  g_assert_cmpuint (virtio_guest_read_config (&net.guest, 6, 2), ==, VIRTIO_NET_S_LINK_UP);
  net_guest_inject (&net, 0, frame, sizeof frame);
  virtio_guest_wait (&net.guest, NET_RX, NULL);
  net_guest_clear (&net);
}

static void
expect_broken (NetGuest *net, guint queue)
{
  virtio_guest_kick (&net->guest, queue);
  virtio_guest_settle (&net->guest);
  g_assert_true (virtio_guest_is_broken (&net->guest));
  net_guest_start (net, 0);
}

static void
test_malformed (void)
{
  NetGuest net;

  net_guest_init (&net, &(NetGuestOptions){ 0 });
  /* To be sent: no whole header, nothing at all */
  virtio_guest_add (&net.guest, NET_TX, NET_TX_DATA, 11, 0, 0);
  expect_broken (&net, NET_TX);
  virtio_guest_add (&net.guest, NET_TX, 0, 0, NET_TX_DATA, 100);
  expect_broken (&net, NET_TX);
  /* For packets, once one comes: too small, or not only to write */
  net_guest_inject (&net, 0, our_mac, sizeof our_mac);
  virtio_guest_add (&net.guest, NET_RX, 0, 0, NET_RX_DATA, 11);
  expect_broken (&net, NET_RX);
  virtio_guest_add (&net.guest, NET_RX, NET_RX_DATA, 8, NET_RX_DATA, 2000);
  expect_broken (&net, NET_RX);
  /* Commands: no place for an answer, no header */
  virtio_guest_add (&net.guest, 2, NET_CONTROL, 8, 0, 0);
  expect_broken (&net, 2);
  virtio_guest_add (&net.guest, 2, NET_CONTROL, 1, NET_CONTROL, 1);
  expect_broken (&net, 2);
  /* Only a header, or larger than any packet: dropped */
  virtio_guest_add (&net.guest, NET_TX, NET_TX_DATA, 12, 0, 0);
  virtio_guest_add (&net.guest, NET_TX, NET_TX_DATA, 0x20000, 0, 0);
  virtio_guest_kick (&net.guest, NET_TX);
  virtio_guest_wait (&net.guest, NET_TX, NULL);
  virtio_guest_wait (&net.guest, NET_TX, NULL);
  g_assert_cmpuint (net_guest_counter (&net, "tx-dropped"), ==, 2);
  net_guest_clear (&net);
}

static void
test_properties (void)
{
  static const struct
  {
    const char *json;
    const char *message;
  } bad[] = {
    { "{}", "*netdev=ID*" },
    { "{'netdev': 'nobody'}", "*nobody*" },
    { "{'netdev': 'net1', 'mac': '52:54:00:12:34'}", "*six hexadecimal*" },
    { "{'netdev': 'net1', 'mac': '53:54:00:12:34:56'}", "*group*" },
    { "{'netdev': 'net1', 'mac': '52:54:00:12:34:5g'}", "*six hexadecimal*" },
    { "{'netdev': 'net1', 'mac': '52:54:00:12:34:56:'}", "*six hexadecimal*" },
    { "{'netdev': 'net1', 'rx_queue_size': 100}", "*rx_queue_size=100*power of two*" },
    { "{'netdev': 'net1', 'tx_queue_size': 2048}", "*1024*" },
    { "{'netdev': 'net1', 'host_mtu': 60}", "*68*" },
    { "{'netdev': 'net0'}", "*net0*use*" },
  };
  g_autofree char *mac = NULL;
  g_autofree char *second_mac = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SvObject) netdev = NULL;
  VirtioGuest second;
  NetGuest net;
  SvObject *device;

  net_guest_init (&net, &(NetGuestOptions){ 0 });
  netdev = g_object_new (TEST_TYPE_NETDEV, NULL);
  sv_object_add_child (net.guest.root, "net1", netdev, &error);
  g_assert_no_error (error);
  sv_object_complete (netdev, &error);
  g_object_get (net.guest.device, "mac", &mac, NULL);
  g_assert_cmpstr (mac, ==, "52:54:00:12:34:56");

  /* A second transport in the same tree */
  second = net.guest;
  second.transport = sv_virtio_mmio_new (net.guest.memory.space, 1, 0x5000000, net.guest.irq);
  sv_object_add_child (net.guest.root, "second", SV_OBJECT (second.transport), &error);
  g_assert_no_error (error);
  device = SV_OBJECT (net.guest.device);
  sv_object_unparent (device);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      gboolean ok;

      if (strstr (bad[i].json, "net0"))
        {
          ok = sv_object_claim (sv_object_get_child (net.guest.root, "net0"), netdev, &error);
          g_assert_true (ok);
        }
      ok = virtio_guest_plug (&second, "virtio-net-device", bad[i].json, &error);
      g_assert_false (ok);
      g_assert_nonnull (error);
      if (!g_pattern_match_simple (bad[i].message, error->message))
        g_error ("%s: %s", bad[i].json, error->message);
      g_clear_error (&error);
    }
  g_object_get (netdev, "id", &second_mac, NULL);
  g_assert_cmpstr (second_mac, ==, "net1");
  sv_object_unparent (SV_OBJECT (second.transport));
  g_object_unref (second.transport);
  net.guest.device = NULL;
  net_guest_clear (&net);
}

static void
test_iothread (void)
{
  guint8 frame[700];
  g_autoptr (GError) error = NULL;
  NetGuest net;
  guint8 packet[2048];
  guint32 id, length;

  net_frame (frame, sizeof frame, our_mac, 0x0800);
  net_guest_init (&net, &(NetGuestOptions){ 0 });
  virtio_guest_unplug (&net.guest);
  virtio_guest_add_object (&net.guest, "iothread", "io0", NULL);
  virtio_guest_plug (&net.guest, "virtio-net-device", "{'netdev': 'net0', 'iothread': 'io0'}", &error);
  g_assert_no_error (error);
  net_guest_start (&net, 0);
  net_guest_post (&net, NET_RX, 32, 1600);
  for (guint i = 0; i < 200; i++)
    {
      net_guest_inject (&net, 0, frame, 700);
      net_guest_send (&net, NET_TX, i, 500);
      while (!test_ring_take (&net.guest.rings[NET_RX], &id, &length))
        g_thread_yield ();
      while (!test_ring_take (&net.guest.rings[NET_TX], &id, &length))
        g_thread_yield ();
      g_assert_cmpint (net_guest_receive (&net, 0, packet, sizeof packet), ==, 500);
      g_assert_cmpuint (packet[0], ==, (guint8) i);
      net_guest_post (&net, NET_RX, 1, 1600);
      if (i % 50 == 0)
        {
          guint8 on = i > 0;

          g_assert_cmpuint (
              net_guest_command (&net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &on, 1), ==, 0);
          sv_device_quiesce (SV_DEVICE (net.guest.device));
          sv_device_resume (SV_DEVICE (net.guest.device));
        }
    }
  net_guest_clear (&net);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtio/net/config", test_config);
  g_test_add_func ("/virtio/net/feature-dependencies", test_feature_dependencies);
  g_test_add_data_func ("/virtio/net/send", GINT_TO_POINTER (FALSE), test_send);
  g_test_add_data_func ("/virtio/net/send-no-header", GINT_TO_POINTER (TRUE), test_send);
  g_test_add_func ("/virtio/net/send-split-header", test_send_split_header);
  g_test_add_func ("/virtio/net/back-pressure", test_back_pressure);
  g_test_add_func ("/virtio/net/link", test_link);
  g_test_add_func ("/virtio/net/malformed", test_malformed);
  g_test_add_func ("/virtio/net/properties", test_properties);
  g_test_add_func ("/virtio/net/iothread", test_iothread);
  return g_test_run ();
}
