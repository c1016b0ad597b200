/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/net/sv-host-forward.h"
#include "src/net/sv-netdev.h"
#include "src/net/sv-slirp-guard.h"
#include "src/runtime/sv-clock.h"
#include "src/sv-type-list.h"

static SvObject *
add (SvObject *root, const char *json, GError **error)
{
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  g_autoptr (SvObject) netdev = NULL;

  g_assert_nonnull (node);
  netdev = sv_object_new_from_json ("netdev-user", SV_TYPE_NETDEV, json_node_get_object (node), root,
                                    error);
  if (netdev == NULL)
    return NULL;
  g_assert_true (sv_object_add_child (root, "net0", netdev, NULL));
  if (sv_object_complete (netdev, error))
    return netdev;
  sv_object_unparent (netdev);
  g_assert_finalize_object (g_steal_pointer (&netdev));
  return NULL;
}

static void
test_forward_syntax (void)
{
  static const struct
  {
    const char *text;
    const char *result;
  } cases[] = {
    { "tcp::2222-:22", "tcp 0.0.0.0 2222 0.0.0.0 22" },
    { "udp:127.0.0.1:53-10.0.2.15:5353", "udp 127.0.0.1 53 10.0.2.15 5353" },
    { "::1-:65535", "tcp 0.0.0.0 1 0.0.0.0 65535" },
    { "tcp::0-:22", NULL },
    { "tcp::2222-:0", NULL },
    { "tcp::65536-:22", NULL },
    { "tcp::2222", NULL },
    { "tcp::2222-22", NULL },
    { "tcp:2222-:22", NULL },
    { "sctp::2222-:22", NULL },
    { "tcp:1.2.3:2222-:22", NULL },
    { "tcp::2222-:22x", NULL },
    { "tcp::+2-:22", NULL },
    { "-", NULL },
    { "", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *result = NULL;
      SvHostForward forward;

      if (sv_host_forward_parse (cases[i].text, &forward))
        {
          char host[INET_ADDRSTRLEN], guest[INET_ADDRSTRLEN];

          inet_ntop (AF_INET, &forward.host_address, host, sizeof host);
          inet_ntop (AF_INET, &forward.guest_address, guest, sizeof guest);
          result = g_strdup_printf ("%s %s %u %s %u", forward.udp ? "udp" : "tcp", host,
                                    forward.host_port, guest, forward.guest_port);
        }
      g_assert_cmpstr (result, ==, cases[i].result);
    }
}

static void
test_bad_properties (void)
{
  static const struct
  {
    const char *json;
    const char *message;
  } cases[] = {
    { "{'net': '10.0.2.0/30'}", "*net=10.0.2.0/30*" },
    { "{'net': '10.0.2.0/255.0.255.0'}", "*net=*" },
    { "{'net': '10.0.2'}", "*net=10.0.2:*" },
    { "{'host': '192.168.1.1'}", "*host=192.168.1.1*not*in the network*" },
    { "{'dns': '10.0.2.255'}", "*dns=10.0.2.255*" },
    { "{'dhcpstart': 'x'}", "*dhcpstart=x*" },
    { "{'dns': '10.0.2.2'}", "*'host' and 'dns'*" },
    { "{'ipv4': false, 'ipv6': false}", "*both*" },
    { "{'ipv6-net': 'fec0::'}", "*ipv6-net=*" },
    { "{'ipv6-host': '10.0.2.2'}", "*ipv6-host=*" },
    { "{'hostfwd': ['tcp::22']}", "*hostfwd=tcp::22*expected*" },
    { "{'hostfwd': ['tcp:192.0.2.77:22222-:22']}", "*hostfwd=*cannot listen*" },
  };
  g_autoptr (SvObject) root = sv_object_new_container ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (add (root, cases[i].json, &error));
      if (error == NULL || !g_pattern_match_simple (cases[i].message, error->message))
        g_error ("%s: %s", cases[i].json, error ? error->message : "no error");
      g_assert_true (g_str_has_prefix (error->message, "Network back end 'net0': "));
    }
}

/* --- a guest --- */

typedef struct
{
  SvObject *root;
  SvNetQueue *queue;
  guint n_readable;
} Guest;

static void
on_readable (gpointer opaque)
{
  ((Guest *) opaque)->n_readable++;
}

static const SvNetQueueFuncs funcs = { .readable = on_readable };

static void
guest_init (Guest *guest, const char *json)
{
  g_autoptr (GError) error = NULL;
  SvObject *netdev;

  *guest = (Guest){ .root = sv_object_new_container () };
  netdev = add (guest->root, json, &error);
  g_assert_no_error (error);
  g_assert_false (sv_netdev_has_header (SV_NETDEV (netdev)));
  g_assert_cmpuint (sv_netdev_get_n_queues (SV_NETDEV (netdev)), ==, 1);
  guest->queue = sv_netdev_create_queue (SV_NETDEV (netdev), 0, NULL, &funcs, guest, &error);
  g_assert_no_error (error);
  sv_net_queue_watch (guest->queue, SV_NET_WATCH_READABLE);
}

static void
guest_clear (Guest *guest)
{
  sv_net_queue_free (guest->queue);
  g_object_unref (guest->root);
}

static void
send_frame (Guest *guest, const guint8 *frame, gsize size)
{
  /* In pieces, as a driver may have it */
  struct iovec iov[] = { { (gpointer) frame, 10 }, { (gpointer) (frame + 10), size - 10 } };

  g_assert_cmpint (sv_net_queue_write (guest->queue, iov, 2), ==, size);
}

/* The next frame of this type; waits for it. */
static gsize
receive_frame (Guest *guest, guint16 type, guint8 *frame, gsize size)
{
  for (;;)
    {
      struct iovec iov[] = { { frame, 20 }, { frame + 20, size - 20 } };
      gssize n = sv_net_queue_read (guest->queue, iov, 2);

      if (n > 14 && (frame[12] << 8 | frame[13]) == type)
        return (gsize) n;
      if (n == -EAGAIN)
        g_main_context_iteration (NULL, TRUE);
    }
}

static guint16
checksum (const guint8 *data, gsize size)
{
  guint32 sum = 0;

  for (gsize i = 0; i < size; i += 2)
    sum += data[i] << 8 | (i + 1 < size ? data[i + 1] : 0);
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

static const guint8 guest_mac[] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

/* Sends DHCPDISCOVER; the address that is offered. */
static guint32
discover (Guest *guest, guint32 *router, guint32 *dns)
{
  static const guint8 options[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255 };
  guint8 frame[14 + 20 + 8 + 236 + 64] = { 0 };
  guint8 reply[2048];
  const guint ip_size = sizeof frame - 14, udp_size = ip_size - 20;
  guint8 *ip = frame + 14, *udp = ip + 20, *bootp = udp + 8;
  guint16 sum;
  gsize size, at;
  guint32 address;

  memset (frame, 0xff, 6);
  memcpy (frame + 6, guest_mac, 6);
  frame[12] = 0x08;
  ip[0] = 0x45;
  ip[2] = ip_size >> 8;
  ip[3] = ip_size & 0xff;
  ip[8] = 64;
  ip[9] = IPPROTO_UDP;
  memset (ip + 16, 0xff, 4);
  sum = checksum (ip, 20);
  ip[10] = sum >> 8;
  ip[11] = sum & 0xff;
  udp[1] = 68;
  udp[3] = 67;
  udp[4] = udp_size >> 8;
  udp[5] = udp_size & 0xff;
  bootp[0] = 1;
  bootp[1] = 1;
  bootp[2] = 6;
  memcpy (bootp + 28, guest_mac, 6);
  memcpy (bootp + 236, options, sizeof options);
  send_frame (guest, frame, sizeof frame);

  do
    size = receive_frame (guest, 0x0800, reply, sizeof reply);
  while (reply[14 + 9] != IPPROTO_UDP);
  g_assert_cmpuint (reply[14 + 20 + 3], ==, 68);
  memcpy (&address, reply + 14 + 20 + 8 + 16, 4);
  for (at = 14 + 20 + 8 + 240; at + 2 < size && reply[at] != 255; at += 2 + reply[at + 1])
    {
      if (reply[at] == 3)
        memcpy (router, reply + at + 2, 4);
      if (reply[at] == 6)
        memcpy (dns, reply + at + 2, 4);
    }
  return ntohl (address);
}

static void
test_dhcp (void)
{
  guint32 router = 0, dns = 0;
  Guest guest;

  guest_init (&guest, "{}");
  g_assert_cmphex (discover (&guest, &router, &dns), ==, 0x0a00020f);
  g_assert_cmphex (ntohl (router), ==, 0x0a000202);
  g_assert_cmphex (ntohl (dns), ==, 0x0a000203);
  guest_clear (&guest);

  guest_init (&guest, "{'net': '192.168.76.0/24', 'host': '192.168.76.1', 'dhcpstart': "
                      "'192.168.76.9', 'dns': '192.168.76.200'}");
  g_assert_cmphex (discover (&guest, &router, &dns), ==, 0xc0a84c09);
  g_assert_cmphex (ntohl (router), ==, 0xc0a84c01);
  g_assert_cmphex (ntohl (dns), ==, 0xc0a84cc8);
  guest_clear (&guest);
}

/* A connection to the host's port makes the guest's router ask for its address. */
static void
test_forward (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t length = sizeof address;
  g_autofree char *json = NULL;
  guint8 frame[2048];
  Guest guest;
  int probe = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_no_errno (bind (probe, (struct sockaddr *) &address, sizeof address));
  g_assert_no_errno (getsockname (probe, (struct sockaddr *) &address, &length));
  close (probe);

  json = g_strdup_printf ("{'hostfwd': ['tcp:127.0.0.1:%u-10.0.2.20:80']}", ntohs (address.sin_port));
  guest_init (&guest, json);
  g_assert_true (connect (client, (struct sockaddr *) &address, sizeof address) == 0
                 || errno == EINPROGRESS);
  receive_frame (&guest, 0x0806, frame, sizeof frame);
  g_assert_cmpuint (guest.n_readable, >, 0);
  g_assert_cmpmem (frame + 38, 4, "\x0a\x00\x02\x14", 4);
  close (client);
  guest_clear (&guest);
}

/* Nothing that a guest can send does harm. */
static void
test_garbage (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  guint8 frame[3000];
  struct iovec large[] = { { frame, sizeof frame }, { frame, 70000 } };
  struct iovec tiny = { frame, 13 };
  Guest guest;

  guest_init (&guest, "{}");
  for (guint i = 0; i < 3000; i++)
    {
      gsize size = g_rand_int_range (random, 14, sizeof frame);

      for (gsize j = 0; j < size; j++)
        frame[j] = g_rand_int (random);
      frame[12] = i % 3 == 2 ? 0x86 : 0x08;
      frame[13] = i % 3 == 0 ? 0x00 : i % 3 == 1 ? 0x06 : 0xdd;
      send_frame (&guest, frame, size);
      if (i % 100 == 0)
        g_main_context_iteration (NULL, FALSE);
    }
  g_assert_cmpint (sv_net_queue_write (guest.queue, large, 2), ==, -EMSGSIZE);
  g_assert_cmpint (sv_net_queue_write (guest.queue, &tiny, 1), ==, -EINVAL);
  guest_clear (&guest);
}

/* --- as many sockets as a guest may have --- */

static void
put16 (guint8 *at, guint value)
{
  at[0] = value >> 8;
  at[1] = value & 0xff;
}

/* A packet of the guest's to a port of the host, for which there is nobody: a datagram, or a request to connect */
static void
send_from (Guest *guest, guint8 protocol, guint16 port, guint16 to)
{
  guint8 frame[14 + 20 + 20] = { 0x52, 0x55, 10, 0, 2, 2 };
  guint8 *ip = frame + 14, *transport = ip + 20;

  memcpy (frame + 6, guest_mac, 6);
  frame[12] = 0x08;
  ip[0] = 0x45;
  put16 (ip + 2, 40);
  ip[8] = 64;
  ip[9] = protocol;
  memcpy (ip + 12, (const guint8[]){ 10, 0, 2, 15, 10, 0, 2, 2 }, 8);
  put16 (ip + 10, checksum (ip, 20));
  put16 (transport, port);
  put16 (transport + 2, to);
  if (protocol == IPPROTO_UDP)
    put16 (transport + 4, 20);
  else
    {
      guint8 pseudo[32] = { 10, 0, 2, 15, 10, 0, 2, 2, 0, IPPROTO_TCP, 0, 20 };

      put16 (transport + 6, port);
      transport[12] = 0x50;
      transport[13] = 0x02;
      memcpy (pseudo + 12, transport, 20);
      put16 (transport + 16, checksum (pseudo, sizeof pseudo));
    }
  send_frame (guest, frame, sizeof frame);
}

static guint
count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
settle (Guest *guest)
{
  guint8 frame[2048];
  struct iovec iov = { frame, sizeof frame };

  for (guint n_quiet = 0; n_quiet < 3; n_quiet++)
    {
      g_main_context_iteration (NULL, FALSE);
      while (sv_net_queue_read (guest->queue, &iov, 1) != -EAGAIN)
        n_quiet = 0;
    }
}

static void
test_many_sockets (void)
{
  struct rlimit limit;
  guint32 router, dns;
  guint8 frame[2048];
  guint before;
  Guest guest;

  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = MIN (limit.rlim_max, 4096);
  setrlimit (RLIMIT_NOFILE, &limit);
  sv_clock_take_control ();
  guest_init (&guest, "{}");
  g_assert_cmphex (discover (&guest, &router, &dns), ==, 0x0a00020f);
  settle (&guest);
  before = count_fds ();
  for (guint round = 0; round < 3; round++)
    {
      for (guint i = 0; i < 2000; i++)
        send_from (&guest, IPPROTO_UDP, 1024 + i, 9);
      g_assert_cmpuint (count_fds () - before, ==, SV_SLIRP_MAX_SOCKETS);

      /* A connection is refused, and the guest is told; datagrams from a port in use pass, the host still gives
       * addresses. */
      settle (&guest);
      send_from (&guest, IPPROTO_TCP, 50000, 9);
      do
        receive_frame (&guest, 0x0800, frame, sizeof frame);
      while (frame[14 + 9] != IPPROTO_TCP);
      g_assert_cmpmem (frame, 6, guest_mac, 6);
      g_assert_cmpmem (frame + 14 + 12, 8, ((const guint8[]){ 10, 0, 2, 2, 10, 0, 2, 15 }), 8);
      g_assert_cmpuint (checksum (frame + 14, 20), ==, 0);
      g_assert_cmpuint (frame[34] << 8 | frame[35], ==, 9);
      g_assert_cmpuint (frame[36] << 8 | frame[37], ==, 50000);
      g_assert_cmphex (frame[34 + 13], ==, 0x14);
      /* The sequence number was the port, too. */
      g_assert_cmpuint (frame[34 + 10] << 8 | frame[34 + 11], ==, 50001);
      g_assert_cmphex (discover (&guest, &router, &dns), ==, 0x0a00020f);
      g_assert_cmpuint (count_fds () - before, ==, SV_SLIRP_MAX_SOCKETS);

      /* Flows that are over make room. */
      sv_clock_advance (sv_clock_get_ns () + G_GINT64_CONSTANT (300) * 1000000000);
      settle (&guest);
      g_assert_cmpuint (count_fds () - before, ==, 0);
    }
  guest_clear (&guest);
  sv_clock_release ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_list_register ();
  g_test_add_func ("/net/user/forward-syntax", test_forward_syntax);
  g_test_add_func ("/net/user/bad-properties", test_bad_properties);
  g_test_add_func ("/net/user/dhcp", test_dhcp);
  g_test_add_func ("/net/user/forward", test_forward);
  g_test_add_func ("/net/user/garbage", test_garbage);
  g_test_add_func ("/net/user/many-sockets", test_many_sockets);
  return g_test_run ();
}
