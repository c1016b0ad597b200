/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tap interfaces, in a network of the test's own. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/net/sv-netdev.h"
#include "src/runtime/sv-fd-store.h"
#include "src/sv-type-list.h"

static SvObject *
add (SvObject *root, const char *id, const char *json, GError **error)
{
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  g_autoptr (SvObject) netdev = NULL;

  g_assert_nonnull (node);
  netdev = sv_object_new_from_json ("netdev-tap", SV_TYPE_NETDEV, json_node_get_object (node), root,
                                    error);
  if (netdev == NULL)
    return NULL;
  g_assert_true (sv_object_add_child (root, id, netdev, NULL));
  if (sv_object_complete (netdev, error))
    return netdev;
  sv_object_unparent (netdev);
  g_assert_finalize_object (g_steal_pointer (&netdev));
  return NULL;
}

static void
expect_failure (SvObject *root, const char *json, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_test_message ("%s", json);
  g_assert_null (add (root, "bad", json, &error));
  if (error == NULL || !g_pattern_match_simple (message, error->message))
    g_error ("%s: %s", json, error ? error->message : "no error");
  g_assert_true (g_str_has_prefix (error->message, "Network back end 'bad': "));
}

static gboolean
exists (const char *name)
{
  return if_nametoindex (name) != 0;
}

static void
bring_up (const char *name)
{
  struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_strlcpy (request.ifr_name, name, sizeof request.ifr_name);
  g_assert_no_errno (ioctl (fd, SIOCSIFFLAGS, &request));
  close (fd);
}

static int
open_tap (const char *name, gushort flags)
{
  struct ifreq request = { .ifr_flags = IFF_TAP | flags };
  int fd = open ("/dev/net/tun", O_RDWR | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_strlcpy (request.ifr_name, name, sizeof request.ifr_name);
  g_assert_no_errno (ioctl (fd, TUNSETIFF, &request));
  return fd;
}

static guint
count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  return n;
}

static void
test_life (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  guint fds = count_fds ();
  SvNetdev *netdev;
  SvObject *second;

  netdev = SV_NETDEV (add (root, "net0", "{'ifname': 'svtest0'}", &error));
  g_assert_no_error (error);
  g_assert_true (exists ("svtest0"));
  g_assert_true (sv_netdev_has_header (netdev));
  g_assert_cmpuint (sv_netdev_get_offloads (netdev), ==,
                    SV_NET_OFFLOAD_CSUM | SV_NET_OFFLOAD_TSO4 | SV_NET_OFFLOAD_TSO6
                        | SV_NET_OFFLOAD_ECN | SV_NET_OFFLOAD_UFO);
  g_assert_cmpint (sv_netdev_get_vhost_fd (netdev, 0), ==, -1);
  g_assert_true (sv_netdev_set_offloads (netdev, SV_NET_OFFLOAD_CSUM, &error));
  expect_failure (root, "{'ifname': 'svtest0'}", "*svtest0*busy*another process*");

  second = add (root, "net1", "{'vnet_hdr': false}", &error);
  g_assert_no_error (error);
  g_assert_false (sv_netdev_has_header (SV_NETDEV (second)));
  g_assert_cmpuint (sv_netdev_get_offloads (SV_NETDEV (second)), ==, 0);
  g_object_get (second, "ifname", &name, NULL);
  g_assert_cmpstr (name, ==, "tap0");

  sv_object_unparent (SV_OBJECT (netdev));
  sv_object_unparent (second);
  g_assert_false (exists ("svtest0"));
  g_assert_false (exists ("tap0"));
  g_assert_cmpuint (count_fds (), ==, fds);
}

static void
test_refused (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  guint fds = count_fds ();

  expect_failure (root, "{'ifname': 'lo'}", "*'lo'*no tap interface*");
  expect_failure (root, "{'ifname': 'a-name-that-is-too-long'}", "*1 to 15*");
  expect_failure (root, "{'ifname': 'a/b'}", "*no name*");
  expect_failure (root, "{'fd': '999'}", "*fd=999*not an open descriptor*");
  expect_failure (root, "{'fd': 'nobody'}", "*fd=nobody*getfd*");
  expect_failure (root, "{'fd': '1'}", "*fd=1*");
  expect_failure (root, "{'fd': '9', 'ifname': 'x'}", "*exclude*");
  expect_failure (root, "{'fd': '9', 'fds': '9'}", "*exclude*");
  expect_failure (root, "{'fds': ['9', '10'], 'queues': 3}", "*queues=3*2 descriptors*");
  expect_failure (root, "{'fd': '9', 'queues': 2}", "*'fds'*");
  expect_failure (root, "{'script': '/etc/ifup'}", "*script=no*");
  expect_failure (root, "{'downscript': '/etc/ifdown'}", "*downscript=no*");
  expect_failure (root, "{'vhostfd': '9'}", "*vhost=on*");
  expect_failure (root, "{'ifname': 'svtest0', 'vhost': true, 'vhostfd': '999'}", "*vhostfd=999*");
  expect_failure (root, "{'ifname': 'svtest0', 'vhost': true, 'vhostfds': ['5', '6']}",
                  "*must hold 1*");
  g_assert_false (exists ("svtest0"));
  g_assert_cmpuint (count_fds (), ==, fds);
}

static void
test_by_fd (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  g_autoptr (GError) error = NULL;
  g_autofree char *json = NULL;
  g_autofree char *bad = NULL;
  g_autofree char *name = NULL;
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  int fd = open_tap ("svtest0", IFF_NO_PI);
  SvObject *netdev;

  json = g_strdup_printf ("{'fd': '%d'}", fd);
  netdev = add (root, "net0", json, &error);
  g_assert_no_error (error);
  g_object_get (netdev, "ifname", &name, NULL);
  g_assert_cmpstr (name, ==, "svtest0");
  g_assert_false (sv_netdev_has_header (SV_NETDEV (netdev)));
  g_assert_cmpint (fcntl (fd, F_GETFL) & O_NONBLOCK, !=, 0);
  sv_object_unparent (netdev);
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, -1);

  sv_fd_store_add (root, "mine", open_tap ("svtest1", IFF_NO_PI | IFF_VNET_HDR));
  netdev = add (root, "net0", "{'fd': 'mine'}", &error);
  g_assert_no_error (error);
  g_assert_true (sv_netdev_has_header (SV_NETDEV (netdev)));
  g_assert_cmpint (sv_fd_store_steal (root, "mine"), ==, -1);
  sv_object_unparent (netdev);
  g_assert_false (exists ("svtest1"));

  /* What is no tap stays open: it may be anything. One that was given by name is ours. */
  bad = g_strdup_printf ("{'fd': '%d'}", null);
  expect_failure (root, bad, "*no descriptor of a tap*");
  g_assert_cmpint (fcntl (null, F_GETFD), !=, -1);
  sv_fd_store_add (root, "null", null);
  expect_failure (root, "{'fd': 'null'}", "*no descriptor of a tap*");
  g_assert_cmpint (fcntl (null, F_GETFD), ==, -1);
  sv_fd_store_add (root, "a", open_tap ("svtest2", IFF_NO_PI));
  sv_fd_store_add (root, "b", open_tap ("svtest3", IFF_NO_PI));
  expect_failure (root, "{'fds': ['a', 'b']}", "*same interface*");
  g_assert_false (exists ("svtest2") || exists ("svtest3"));
}

typedef struct
{
  SvNetQueue *queue;
  guint n_packets;
  guint8 last[2048];
  gssize size;
} Reader;

static void
on_readable (gpointer opaque)
{
  Reader *reader = opaque;
  struct iovec iov = { reader->last, sizeof reader->last };
  gssize size;

  while ((size = sv_net_queue_read (reader->queue, &iov, 1)) >= 0)
    {
      /* The host's own chatter, such as router solicitations, is not meant. */
      if (reader->last[SV_NET_HEADER_SIZE + 12] != 0x88)
        continue;
      reader->n_packets++;
      reader->size = size;
    }
  g_assert_cmpint (size, ==, -EAGAIN);
}

static const SvNetQueueFuncs funcs = { .readable = on_readable };

static void
test_packets (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  g_autoptr (GError) error = NULL;
  struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons (0x88b5) };
  guint8 frame[100] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
  guint8 header[SV_NET_HEADER_SIZE] = { 0 };
  struct iovec iov[] = { { header, sizeof header }, { frame, sizeof frame } };
  guint8 received[200];
  Reader reader = { 0 };
  SvNetdev *netdev;
  int fd;

  netdev = SV_NETDEV (add (root, "net0", "{'ifname': 'svtest0'}", &error));
  g_assert_no_error (error);
  bring_up ("svtest0");
  address.sll_ifindex = (int) if_nametoindex ("svtest0");
  fd = socket (AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons (0x88b5));
  g_assert_no_errno (bind (fd, (struct sockaddr *) &address, sizeof address));

  reader.queue = sv_netdev_create_queue (netdev, 0, NULL, &funcs, &reader, &error);
  sv_net_queue_watch (reader.queue, SV_NET_WATCH_READABLE);
  frame[99] = 0x77;
  g_assert_cmpint (send (fd, frame, sizeof frame, 0), ==, sizeof frame);
  while (reader.n_packets == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (reader.size, ==, SV_NET_HEADER_SIZE + sizeof frame);
  g_assert_cmpmem (reader.last + SV_NET_HEADER_SIZE, sizeof frame, frame, sizeof frame);

  g_assert_cmpint (sv_net_queue_write (reader.queue, iov, 2), ==, sizeof header + sizeof frame);
  g_assert_cmpint (recv (fd, received, sizeof received, 0), ==, sizeof frame);
  g_assert_cmpuint (received[99], ==, 0x77);

  /* A header that makes no sense is refused by the kernel. */
  header[1] = 0x55;
  g_assert_cmpint (sv_net_queue_write (reader.queue, iov, 2), ==, -EINVAL);
  sv_net_queue_free (reader.queue);
  close (fd);
}

static void
test_multi_queue (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  g_autoptr (GError) error = NULL;
  SvNetdev *netdev
      = SV_NETDEV (add (root, "net0", "{'ifname': 'svtest0', 'queues': 4}", &error));

  g_assert_no_error (error);
  g_assert_cmpuint (sv_netdev_get_n_queues (netdev), ==, 4);
  /* Enabling and disabling are idempotent. */
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (sv_netdev_set_queue_enabled (netdev, 3, TRUE, &error));
      g_assert_true (sv_netdev_set_queue_enabled (netdev, 3, TRUE, &error));
      g_assert_true (sv_netdev_set_queue_enabled (netdev, 3, FALSE, &error));
      g_assert_true (sv_netdev_set_queue_enabled (netdev, 3, FALSE, &error));
    }
  expect_failure (root, "{'ifname': 'svtest0'}", "*svtest0*multi_queue*");
  sv_object_unparent (SV_OBJECT (netdev));
  g_assert_false (exists ("svtest0"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_list_register ();
  if (unshare (CLONE_NEWNET) < 0 && unshare (CLONE_NEWUSER | CLONE_NEWNET) < 0)
    {
      g_print ("1..0 # SKIP this host allows no network namespaces: %s\n", g_strerror (errno));
      return 0;
    }
  g_test_add_func ("/net/tap/life", test_life);
  g_test_add_func ("/net/tap/refused", test_refused);
  g_test_add_func ("/net/tap/by-fd", test_by_fd);
  g_test_add_func ("/net/tap/packets", test_packets);
  g_test_add_func ("/net/tap/multi-queue", test_multi_queue);
  return g_test_run ();
}
