/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a packet costs on its way through a tap interface: system calls, counted by a tracer, and
 * allocations, of which there are none. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/net-guest.h"

#define N_PACKETS 640

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static gboolean counting;
static guint n_allocations;

#ifndef SANITIZED
/* Every allocation of the program comes by here; glibc's own names do the work. */
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *old, size_t size);

SV_API void *
malloc (size_t size)
{
  n_allocations += counting;
  return __libc_malloc (size);
}

SV_API void *
calloc (size_t n, size_t size)
{
  n_allocations += counting;
  return __libc_calloc (n, size);
}

SV_API void *
realloc (void *old, size_t size)
{
  n_allocations += counting;
  return __libc_realloc (old, size);
}
#endif

/* That allocations by other libraries are seen at all. */
static void
test_counter (void)
{
#ifndef SANITIZED
  counting = TRUE;
  g_free (g_strdup ("counted"));
  counting = FALSE;
  g_assert_cmpuint (n_allocations, ==, 1);
  n_allocations = 0;
#endif
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
set_up (NetGuest *net, int *host)
{
  struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = 0 };
  g_autoptr (GError) error = NULL;

  memset (net, 0, sizeof *net);
  virtio_guest_init (&net->guest);
  virtio_guest_add_object (&net->guest, "netdev-tap", "net0", "{'ifname': 'svcost0'}");
  bring_up ("svcost0");
  address.sll_ifindex = (int) if_nametoindex ("svcost0");
  *host = socket (AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  g_assert_no_errno (bind (*host, (struct sockaddr *) &address, sizeof address));
  virtio_guest_plug (&net->guest, "virtio-net-device", "{'netdev': 'net0'}", &error);
  g_assert_no_error (error);
  net_guest_start (net, 0);
  net_guest_post (net, NET_RX, GUEST_RING_SIZE, 1600);
}

static void
run (NetGuest *net, int host, gboolean receive, guint depth, guint n)
{
  if (receive)
    receive_packets (net, host, depth, n);
  else
    send_packets (net, depth, n);
}

/* The child: getppid() marks the part that counts. The exit status is the number of allocations. */
static void
run_traced (gboolean receive, guint depth)
{
  NetGuest net;
  int host;

  set_up (&net, &host);
  run (&net, host, receive, depth, 128);
  ptrace (PTRACE_TRACEME, 0, NULL, NULL);
  raise (SIGSTOP);
  syscall (SYS_getppid);
  counting = TRUE;
  run (&net, host, receive, depth, N_PACKETS);
  counting = FALSE;
  syscall (SYS_getppid);
  _exit (MIN (n_allocations, 100));
}

typedef struct
{
  double all;
  double io;
  double poll;
  int status;
} Cost;

static Cost
measure (gboolean receive, guint depth)
{
  gboolean marked = FALSE;
  Cost cost = { 0 };
  pid_t pid = fork ();
  int status;

  if (pid == 0)
    run_traced (receive, depth);

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSTOPPED (status));
  ptrace (PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  for (;;)
    {
      struct __ptrace_syscall_info info;

      g_assert_cmpint (ptrace (PTRACE_SYSCALL, pid, NULL, NULL), ==, 0);
      g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
      if (!WIFSTOPPED (status))
        break;
      if (WSTOPSIG (status) != (SIGTRAP | 0x80))
        continue;
      g_assert_cmpint (ptrace (PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info), >, 0);
      if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
        continue;
      if (info.entry.nr == SYS_getppid)
        {
          marked = !marked;
        }
      else if (marked)
        {
          cost.all++;
          cost.io += info.entry.nr == SYS_io_uring_enter || info.entry.nr == SYS_readv
                     || info.entry.nr == SYS_writev;
#ifdef SYS_poll
          cost.poll += info.entry.nr == SYS_poll;
#endif
          cost.poll += info.entry.nr == SYS_ppoll;
        }
    }
  g_assert_true (WIFEXITED (status));
  cost.all /= N_PACKETS;
  cost.io /= N_PACKETS;
  cost.poll /= N_PACKETS;
  cost.status = WEXITSTATUS (status);
  g_test_message ("%s depth %u: %.3f system calls per packet, of these packets %.3f, poll %.3f; %d "
                  "allocations",
                  receive ? "to the driver," : "from the driver,", depth, cost.all, cost.io, cost.poll,
                  cost.status);
  return cost;
}

/* Poll and the packet. On top come, once for a batch, the driver's kick, which is an exit in a guest, and an
 * interrupt that goes through this process because nobody here takes its eventfd. */
static void
test_send (void)
{
  Cost cost = measure (FALSE, 1);

  g_assert_cmpfloat (cost.io + cost.poll, <=, 2.1);
  g_assert_cmpint (cost.status, ==, 0);
  cost = measure (FALSE, 32);
  g_assert_cmpfloat (cost.io + cost.poll, <=, 0.1);
  g_assert_cmpfloat (cost.all, <=, 9.1 / 32);
  g_assert_cmpint (cost.status, ==, 0);
}

/* Each packet is a call of its own, and one finds that there is no more. */
static void
test_receive (void)
{
  Cost cost = measure (TRUE, 1);

  g_assert_cmpfloat (cost.io + cost.poll, <=, 3.1);
  g_assert_cmpint (cost.status, ==, 0);
  cost = measure (TRUE, 32);
  g_assert_cmpfloat (cost.io + cost.poll, <=, 1.1);
  g_assert_cmpint (cost.status, ==, 0);
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
  g_test_add_func ("/virtio/net/cost/counter", test_counter);
  g_test_add_func ("/virtio/net/cost/send", test_send);
  g_test_add_func ("/virtio/net/cost/receive", test_receive);
  return g_test_run ();
}
