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
  guint n_left;
  guint16 end;
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

/* The next packets from the driver, or from the host: @depth of them before the card gets to see the first. */
static void
begin_batch (Card *card)
{
  static const guint8 frame[1000] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
  VirtioGuest *guest = &card->net.guest;
  TestRing *ring = &guest->rings[card->receive ? NET_RX : NET_TX];

  card->end = ring->used_seen + card->depth;
  card->n_left -= card->depth;
  test_ring_set_used_event (ring, card->end - 1);
  for (guint i = 0; i < card->depth; i++)
    if (card->receive)
      g_assert_cmpint (send (card->host, frame, sizeof frame, 0), ==, sizeof frame);
    else
      virtio_guest_add (guest, NET_TX, NET_TX_DATA, NET_HEADER + 1000, 0, 0);
  if (!card->receive)
    virtio_guest_kick (guest, NET_TX);
}

/* Gives the buffers back that packets came in. */
static void
take_used (Card *card)
{
  VirtioGuest *guest = &card->net.guest;
  TestRing *ring = &guest->rings[card->receive ? NET_RX : NET_TX];
  guint32 id, length;

  while (test_ring_take (ring, &id, &length))
    if (card->receive)
      {
        guint head = guest->next_desc[NET_RX];

        virtio_guest_add (guest, NET_RX, 0, 0, NET_RX_DATA + head * 4096, 1600);
        guest->next_desc[NET_RX] = (head + 1) % ring->size;
      }
}

static gboolean
on_interrupt (gpointer data)
{
  Card *card = data;
  TestRing *ring = &card->net.guest.rings[card->receive ? NET_RX : NET_TX];

  /* What other protocols of the host send comes as well. */
  if ((guint16) (test_ring_used_idx (ring) - card->end) > G_MAXINT16)
    return TRUE;
  take_used (card);
  if (card->n_left == 0)
    return FALSE;
  begin_batch (card);
  return TRUE;
}

static void
set_up (gpointer data)
{
  Card *card = data;
  NetGuest *net = &card->net;
  g_autofree char *name = g_strdup_printf ("svcost%d", (int) getpid ());
  g_autofree char *json = g_strdup_printf ("{'ifname': '%s'}", name);
  struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = 0 };
  g_autoptr (GError) error = NULL;

  virtio_guest_init_irqfd (&net->guest);
  virtio_guest_add_object (&net->guest, "netdev-tap", "net0", json);
  bring_up (name);
  address.sll_ifindex = (int) if_nametoindex (name);
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

  card->n_left = n;
  take_used (card);
  begin_batch (card);
  cost_run_loop (card->net.guest.irq_fd, on_interrupt, card);
}

static double
measure (gboolean receive, guint depth)
{
  static const CostFuncs funcs = { set_up, run, NULL };
  Card card = { .receive = receive, .depth = depth };
  g_autofree char *what
      = g_strdup_printf ("%s depth %u", receive ? "to the driver," : "from the driver,", depth);
  Cost cost = cost_measure (what, &funcs, &card, N_PACKETS);

  g_assert_cmpuint (cost.n_allocations, ==, 0);
  return cost.calls;
}

/* One that sends, and one that interrupts and waits for the next kick. That one, which is an exit in a guest, is a
 * call here. */
static void
test_send (void)
{
  g_assert_cmpfloat (measure (FALSE, 1) - 1, <=, 2.05);
  g_assert_cmpfloat (measure (FALSE, 32) - 1.0 / 32, <=, 0.1);
}

/* One that interrupts and waits for the next packet, which is in the driver's memory then. Those of a batch come
 * together; now and then there is one more for the next reads. */
static void
test_receive (void)
{
  g_assert_cmpfloat (measure (TRUE, 1), <=, 1.1);
  g_assert_cmpfloat (measure (TRUE, 32), <=, 0.1);
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
