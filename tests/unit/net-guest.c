/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/unit/net-guest.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "qom/sv-type-registry.h"
#include "src/net/sv-tap.h"
#include "src/sv-type-list.h"

#define RX_STRIDE 4096

G_DEFINE_FINAL_TYPE (TestNetdev, test_netdev, SV_TYPE_NETDEV)

static gboolean
test_netdev_complete (SvObject *object, GError **error)
{
  TestNetdev *self = TEST_NETDEV (object);

  for (guint i = 0; i < TEST_NETDEV_MAX_QUEUES; i++)
    {
      int pair[2];

      g_assert_no_errno (
          socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
      self->fds[i] = pair[0];
      self->peers[i] = pair[1];
    }
  self->enabled[0] = TRUE;
  return TRUE;
}

static SvNetQueue *
test_netdev_create_queue (SvNetdev *netdev,
                          guint n,
                          GMainContext *context,
                          const SvNetQueueFuncs *funcs,
                          gpointer opaque,
                          GError **error)
{
  return sv_fd_net_queue_new (TEST_NETDEV (netdev)->fds[n], context);
}

static guint
test_netdev_get_n_queues (SvNetdev *netdev)
{
  return TEST_NETDEV (netdev)->n_queues;
}

static gboolean
test_netdev_set_queue_enabled (SvNetdev *netdev, guint n, gboolean enabled, GError **error)
{
  TEST_NETDEV (netdev)->enabled[n] = enabled;
  return TRUE;
}

static gboolean
test_netdev_has_header (SvNetdev *netdev)
{
  return TEST_NETDEV (netdev)->header;
}

static SvNetOffloads
test_netdev_get_offloads (SvNetdev *netdev)
{
  return TEST_NETDEV (netdev)->offered;
}

static gboolean
test_netdev_set_offloads (SvNetdev *netdev, SvNetOffloads offloads, GError **error)
{
  TestNetdev *self = TEST_NETDEV (netdev);

  if (self->refuse_offloads)
    {
      g_set_error_literal (error, SV_NET_ERROR, SV_NET_ERROR_OPEN, "refused");
      return FALSE;
    }
  self->offloads = offloads;
  return TRUE;
}

static void
test_netdev_finalize (GObject *object)
{
  TestNetdev *self = TEST_NETDEV (object);

  for (guint i = 0; i < TEST_NETDEV_MAX_QUEUES; i++)
    {
      close (self->fds[i]);
      close (self->peers[i]);
    }
  G_OBJECT_CLASS (test_netdev_parent_class)->finalize (object);
}

static void
test_netdev_class_init (TestNetdevClass *klass)
{
  SvNetdevClass *netdev_class = SV_NETDEV_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = test_netdev_finalize;
  SV_OBJECT_CLASS (klass)->complete = test_netdev_complete;
  netdev_class->create_queue = test_netdev_create_queue;
  netdev_class->get_n_queues = test_netdev_get_n_queues;
  netdev_class->set_queue_enabled = test_netdev_set_queue_enabled;
  netdev_class->has_header = test_netdev_has_header;
  netdev_class->get_offloads = test_netdev_get_offloads;
  netdev_class->set_offloads = test_netdev_set_offloads;
}

static void
test_netdev_init (TestNetdev *self)
{
  self->n_queues = 1;
  self->header = TRUE;
  self->offered = SV_NET_OFFLOAD_CSUM | SV_NET_OFFLOAD_TSO4 | SV_NET_OFFLOAD_TSO6
                  | SV_NET_OFFLOAD_ECN | SV_NET_OFFLOAD_UFO;
}

/* --- the driver --- */

void
net_guest_init (NetGuest *self, const NetGuestOptions *options)
{
  g_autoptr (SvObject) netdev = g_object_new (TEST_TYPE_NETDEV, NULL);
  g_autofree char *json = NULL;
  g_autoptr (GError) error = NULL;

  memset (self, 0, sizeof *self);
  virtio_guest_init (&self->guest);
  self->netdev = TEST_NETDEV (netdev);
  self->netdev->n_queues = MAX (options->n_queues, 1);
  self->netdev->header = !options->no_header;
  if (options->no_header)
    self->netdev->offered = 0;
  sv_object_add_child (self->guest.root, "net0", netdev, &error);
  g_assert_no_error (error);
  sv_object_complete (netdev, &error);
  g_assert_no_error (error);

  json = g_strdup_printf ("{'netdev': 'net0'%s%s}", options->device ? ", " : "",
                          options->device ? options->device : "");
  virtio_guest_plug (&self->guest, "virtio-net-device", json, &error);
  g_assert_no_error (error);
  net_guest_start (self, options->without);
}

void
net_guest_clear (NetGuest *self)
{
  virtio_guest_clear (&self->guest);
}

gboolean
net_guest_has (NetGuest *self, guint feature)
{
  return (self->guest.features & G_GUINT64_CONSTANT (1) << feature) != 0;
}

void
net_guest_start (NetGuest *self, guint64 without)
{
  guint n = sv_virtio_device_get_n_queues (self->guest.device);

  if ((without & G_GUINT64_CONSTANT (1) << VIRTIO_NET_F_MQ) != 0)
    n = 3;
  self->control = n - 1;
  virtio_guest_start (&self->guest, n, without);
  virtio_guest_settle (&self->guest);
}

guint8 *
net_guest_buffer (NetGuest *self, guint16 head)
{
  return virtio_guest_at (&self->guest, NET_RX_DATA + head * RX_STRIDE);
}

void
net_guest_post (NetGuest *self, guint queue, guint n, guint size)
{
  TestRing *ring = &self->guest.rings[queue];

  for (guint i = 0; i < n; i++)
    {
      guint head = self->guest.next_desc[queue];

      memset (net_guest_buffer (self, head), 0xee, MIN (size, RX_STRIDE));
      virtio_guest_add (&self->guest, queue, 0, 0, NET_RX_DATA + head * RX_STRIDE, size);
      /* One descriptor each */
      self->guest.next_desc[queue] = (head + 1) % ring->size;
    }
  virtio_guest_kick (&self->guest, queue);
  virtio_guest_settle (&self->guest);
}

void
net_guest_send (NetGuest *self, guint queue, guint8 fill, guint size)
{
  guint64 at = NET_TX_DATA + self->guest.next_desc[queue] * 2048;
  guint8 *data = virtio_guest_at (&self->guest, at);

  memset (data, 0, NET_HEADER);
  memset (data + NET_HEADER, fill, size);
  virtio_guest_add (&self->guest, queue, at, NET_HEADER + size, 0, 0);
  virtio_guest_kick (&self->guest, queue);
}

void
net_guest_inject (NetGuest *self, guint pair, gconstpointer data, guint size)
{
  /* What a tap writes: flags, and a number of buffers that means nothing. */
  guint8 header[NET_HEADER] = { [0] = VIRTIO_NET_HDR_F_DATA_VALID, [10] = 0x77, [11] = 0x77 };
  struct iovec iov[]
      = { { header, self->netdev->header ? NET_HEADER : 0 }, { (gpointer) data, size } };

  g_assert_cmpint (writev (self->netdev->peers[pair], iov, 2), ==, iov[0].iov_len + size);
}

gssize
net_guest_receive (NetGuest *self, guint pair, gpointer data, gsize size)
{
  guint8 header[NET_HEADER];
  struct iovec iov[] = { { header, self->netdev->header ? NET_HEADER : 0 }, { data, size } };
  gssize n = readv (self->netdev->peers[pair], iov, 2);

  return n < 0 ? -1 : n - (gssize) iov[0].iov_len;
}

guint8
net_guest_command (NetGuest *self, guint8 class, guint8 command, gconstpointer data, guint size)
{
  guint8 *at = virtio_guest_at (&self->guest, NET_CONTROL);
  guint8 *answer = virtio_guest_at (&self->guest, NET_CONTROL + 0x8000);

  g_assert_cmpuint (size, <, 0x8000 - 2);
  at[0] = class;
  at[1] = command;
  if (size > 0)
    memcpy (at + 2, data, size);
  *answer = 0xff;
  virtio_guest_run (&self->guest, self->control, NET_CONTROL, 2 + size, NET_CONTROL + 0x8000, 1);
  return *answer;
}

guint64
net_guest_counter (NetGuest *self, const char *name)
{
  guint64 value;

  g_object_get (self->guest.device, name, &value, NULL);
  return value;
}

void
net_frame (guint8 *frame, guint size, const guint8 *to, guint16 type)
{
  memset (frame, 0x5a, size);
  memcpy (frame, to, 6);
  memcpy (frame + 6, "\x02\x00\x00\x00\x00\x01", 6);
  frame[12] = type >> 8;
  frame[13] = type & 0xff;
}
