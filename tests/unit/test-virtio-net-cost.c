/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a packet costs on its way through a tap interface: system calls, counted by a tracer, and
 * allocations, of which there are none. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/cost.h"
#include "tests/unit/net-guest.h"

#define N_PACKETS 640

typedef struct
{
  gboolean receive;
  guint depth;
  NetGuest net;
  int host;
} Card;

static void
bring_up (const char *name)
{
  struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_strlcpy (request.ifr_name, name, sizeof request.ifr_name);
  g_assert_no_errno (ioctl (fd, SIOCSIFFLAGS, &request));
  close (fd);
}

static void
send_packets (NetGuest *net, guint depth, guint n)
{
  TestRing *ring = &net->guest.rings[NET_TX];

  for (guint done = 0; done < n; done += depth)
    {
      guint16 end = ring->used_seen + depth;
      guint32 id, length;

      test_ring_set_used_event (ring, end - 1);
      for (guint i = 0; i < depth; i++)
        virtio_guest_add (&net->guest, NET_TX, NET_TX_DATA, NET_HEADER + 1000, 0, 0);
      virtio_guest_kick (&net->guest, NET_TX);
      while (test_ring_used_idx (ring) != end)
        g_main_context_iteration (NULL, TRUE);
      while (test_ring_take (ring, &id, &length))
        continue;
    }
}

/* Packets from the host, @depth of them before the card gets to see the first. */
static void
receive_packets (NetGuest *net, int host, guint depth, guint n)
{
  static const guint8 frame[1000] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
  TestRing *ring = &net->guest.rings[NET_RX];

  for (guint done = 0; done < n; done += depth)
    {
      guint16 end = ring->used_seen + depth;
      guint32 id, length;

      test_ring_set_used_event (ring, end - 1);
      for (guint i = 0; i < depth; i++)
        g_assert_cmpint (send (host, frame, sizeof frame, 0), ==, sizeof frame);
      while ((guint16) (test_ring_used_idx (ring) - end) > G_MAXINT16)
        g_main_context_iteration (NULL, TRUE);
      while (test_ring_take (ring, &id, &length))
        {
          guint head = net->guest.next_desc[NET_RX];

          virtio_guest_add (&net->guest, NET_RX, 0, 0, NET_RX_DATA + head * 4096, 1600);
          net->guest.next_desc[NET_RX] = (head + 1) % ring->size;
        }
    }
}

static void
set_up (gpointer data)
{
  Card *card = data;
  NetGuest *net = &card->net;
  struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = 0 };
  g_autoptr (GError) error = NULL;

  virtio_guest_init (&net->guest);
  virtio_guest_add_object (&net->guest, "netdev-tap", "net0", "{'ifname': 'svcost0'}");
  bring_up ("svcost0");
  address.sll_ifindex = (int) if_nametoindex ("svcost0");
  card->host = socket (AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  g_assert_no_errno (bind (card->host, (struct sockaddr *) &address, sizeof address));
  virtio_guest_plug (&net->guest, "virtio-net-device", "{'netdev': 'net0'}", &error);
  g_assert_no_error (error);
  net_guest_start (net, 0);
  net_guest_post (net, NET_RX, GUEST_RING_SIZE, 1600);
}

static void
run (gpointer data, guint n)
{
  Card *card = data;

  if (card->receive)
    receive_packets (&card->net, card->host, card->depth, n);
  else
    send_packets (&card->net, card->depth, n);
}

static Cost
measure (gboolean receive, guint depth)
{
  static const CostFuncs funcs = { set_up, run, NULL };
  Card card = { .receive = receive, .depth = depth };
  g_autofree char *what
      = g_strdup_printf ("%s depth %u", receive ? "to the driver," : "from the driver,", depth);

  return cost_measure (what, &funcs, &card, N_PACKETS);
}

/* Poll and the packet. On top come, once for a batch, the driver's kick, which is an exit in a guest, and an
 * interrupt that goes through this process because nobody here takes its eventfd. */
static void
test_send (void)
{
  Cost cost = measure (FALSE, 1);

  g_assert_cmpfloat (cost.io + cost.poll, <=, 2.1);
  g_assert_cmpuint (cost.n_allocations, ==, 0);
  cost = measure (FALSE, 32);
  g_assert_cmpfloat (cost.io + cost.poll, <=, 0.1);
  g_assert_cmpfloat (cost.all, <=, 9.1 / 32);
  g_assert_cmpuint (cost.n_allocations, ==, 0);
}

/* Each packet is a call of its own, and one finds that there is no more. */
static void
test_receive (void)
{
  Cost cost = measure (TRUE, 1);

  g_assert_cmpfloat (cost.io + cost.poll, <=, 3.1);
  g_assert_cmpuint (cost.n_allocations, ==, 0);
  cost = measure (TRUE, 32);
  g_assert_cmpfloat (cost.io + cost.poll, <=, 1.1);
  g_assert_cmpuint (cost.n_allocations, ==, 0);
}

/* The host's own announcements would come in between, whenever they are due. */
static void
silence_host (void)
{
  static const char *const files[] = { "all", "default" };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_strdup_printf ("/proc/sys/net/ipv6/conf/%s/disable_ipv6", files[i]);
      int fd = open (path, O_WRONLY | O_CLOEXEC);

      /* No such file: no IPv6 */
      if (fd < 0)
        continue;
      g_assert_cmpint (write (fd, "1", 1), ==, 1);
      close (fd);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (unshare (CLONE_NEWNET) < 0 && unshare (CLONE_NEWUSER | CLONE_NEWNET) < 0)
    {
      g_print ("1..0 # SKIP this host allows no network namespaces: %s\n", g_strerror (errno));
      return 0;
    }
  silence_host ();
  g_test_add_func ("/virtio/net/cost/counter", cost_test_counter);
  g_test_add_func ("/virtio/net/cost/send", test_send);
  g_test_add_func ("/virtio/net/cost/receive", test_receive);
  return g_test_run ();
}
