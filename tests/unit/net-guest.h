/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/virtio_net.h>

#include "src/net/sv-netdev.h"
#include "tests/unit/virtio-guest.h"

/* A network back end whose other end the test holds: packets go through a pair of sockets. */

#define TEST_NETDEV_MAX_QUEUES 4

#define TEST_TYPE_NETDEV (test_netdev_get_type ())
G_DECLARE_FINAL_TYPE (TestNetdev, test_netdev, TEST, NETDEV, SvNetdev)

struct _TestNetdev
{
  SvNetdev parent_instance;

  guint n_queues;
  gboolean header;
  SvNetOffloads offered;
  SvNetOffloads offloads;
  gboolean refuse_offloads;
  gboolean enabled[TEST_NETDEV_MAX_QUEUES];
  int fds[TEST_NETDEV_MAX_QUEUES];
  int peers[TEST_NETDEV_MAX_QUEUES]; /* the test's; non-blocking */
};

/* A card on that back end, and its driver. */

#define NET_HEADER 12u
#define NET_RX 0u
#define NET_TX 1u
/* Where the driver has its buffers for packets, and commands. */
#define NET_TX_DATA 0x100000u
#define NET_CONTROL 0x1f0000u
#define NET_RX_DATA 0x200000u

typedef struct
{
  VirtioGuest guest;
  TestNetdev *netdev;
  guint control; /* number of the control queue */
} NetGuest;

typedef struct
{
  guint n_queues; /* of the back end; 1 if 0 */
  gboolean no_header;
  const char *device; /* JSON, more properties */
  guint64 without;
} NetGuestOptions;

void net_guest_init (NetGuest *self, const NetGuestOptions *options);
void net_guest_clear (NetGuest *self);
/* Starts the driver (again). */
void net_guest_start (NetGuest *self, guint64 without);
gboolean net_guest_has (NetGuest *self, guint feature);

/* Gives the card @n buffers of @size bytes; the one with head h is at net_guest_buffer(). */
void net_guest_post (NetGuest *self, guint queue, guint n, guint size);
guint8 *net_guest_buffer (NetGuest *self, guint16 head);
/* Sends a packet as the driver: a header, then @size bytes of @fill. */
void net_guest_send (NetGuest *self, guint queue, guint8 fill, guint size);
/* Sends a packet to the card: a header if the back end has them, @size bytes. */
void net_guest_inject (NetGuest *self, guint pair, gconstpointer data, guint size);
/* What the card sent, without header; -1: nothing. */
gssize net_guest_receive (NetGuest *self, guint pair, gpointer data, gsize size);
/* Executes a command; the answer */
guint8 net_guest_command (NetGuest *self, guint8 class, guint8 command, gconstpointer data, guint size);
guint64 net_guest_counter (NetGuest *self, const char *name);
/* An Ethernet frame of @size bytes to @to, of type @type. */
void net_frame (guint8 *frame, guint size, const guint8 *to, guint16 type);
