/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What virtio devices save: a driver goes on with a device of another process, whose memory is a copy. */

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "src/runtime/sv-vm-lock.h"
#include "state-fixture.h"
#include "tests/unit/blk-driver.h"
#include "tests/unit/net-guest.h"

#define BIT(n) (G_GUINT64_CONSTANT (1) << (n))

static void
copy_memory (TestMemory *from, TestMemory *to)
{
  memcpy (test_memory_at (to, 0), test_memory_at (from, 0), RAM_HALF);
  memcpy (test_memory_at (to, RAM_HALF), test_memory_at (from, RAM_HALF), RAM_HALF);
}

/* The driver's own notes, but for where the memory is. */
static void
copy_ring (TestRing *to, const TestRing *from)
{
  to->avail_idx = from->avail_idx;
  to->used_seen = from->used_seen;
}

/* The transport comes before its device, as in a machine. */
static void
move (SvVirtioMmio *from_transport, SvVirtioDevice *from, SvVirtioMmio *to_transport, SvVirtioDevice *to)
{
  SvObject *const before[] = { SV_OBJECT (from_transport), SV_OBJECT (from) };
  SvObject *const after[] = { SV_OBJECT (to_transport), SV_OBJECT (to) };

  state_copy_all (before, after, G_N_ELEMENTS (before));
}

/* --- disks --- */

/* A machine that waits for a state: its device is there and nobody has touched it. */
static void
blk_wait (BlkDriver *driver, const BlkDriverOptions *options)
{
  blk_driver_init (driver, options);
  blk_driver_write (driver, VIRTIO_MMIO_STATUS, 0);
  sv_device_quiesce (SV_DEVICE (driver->device));
}

static void
blk_move (BlkDriver *from, BlkDriver *to)
{
  copy_memory (&from->memory, &to->memory);
  for (guint i = 0; i < from->n_queues; i++)
    {
      copy_ring (&to->rings[i], &from->rings[i]);
      to->next_head[i] = from->next_head[i];
    }
  move (from->transport, from->device, to->transport, to->device);
}

static void
test_blk (gconstpointer iothread)
{
  const BlkDriverOptions options = { .iothread = iothread != NULL, .n_queues = 2, .device = "{'num-queues': 2}" };
  BlkDriver from, to;

  blk_driver_init (&from, &options);
  sv_address_space_io_write (from.memory.space,
                             sv_virtio_mmio_get_base (from.transport) + VIRTIO_MMIO_CONFIG + 32, 0, 1);
  blk_driver_fill (&from, BLK_DATA, 8192, 3);
  g_assert_cmpuint (blk_driver_run (&from, 0, VIRTIO_BLK_T_OUT, 0, BLK_DATA, 4096), ==, VIRTIO_BLK_S_OK);
  sv_device_quiesce (SV_DEVICE (from.device));
  /* A request whose kick the device never saw */
  blk_driver_add (&from, 1, VIRTIO_BLK_T_OUT, 8, BLK_DATA + 4096, 4096);
  blk_driver_write (&from, VIRTIO_MMIO_QUEUE_SEL, 1);

  blk_wait (&to, &options);
  blk_move (&from, &to);
  g_assert_cmphex (blk_driver_read (&to, VIRTIO_MMIO_STATUS), ==, blk_driver_read (&from, VIRTIO_MMIO_STATUS));
  g_assert_cmphex (blk_driver_read (&to, VIRTIO_MMIO_QUEUE_READY), ==, 1);
  g_assert_cmphex (blk_driver_read (&to, VIRTIO_MMIO_INTERRUPT_STATUS), ==,
                   blk_driver_read (&from, VIRTIO_MMIO_INTERRUPT_STATUS));
  g_assert_cmpuint (blk_driver_get_config (&to).wce, ==, 0);
  sv_device_resume (SV_DEVICE (to.device));
  g_assert_cmpuint (blk_driver_wait (&to, 1, NULL, NULL), ==, VIRTIO_BLK_S_OK);
  blk_driver_assert_image (&to, 4096, blk_driver_at (&to, BLK_DATA + 4096), 4096);
  for (guint i = 0; i < 200; i++)
    g_assert_cmpuint (blk_driver_run (&to, i % 2, VIRTIO_BLK_T_IN, 8, BLK_DATA, 4096), ==, VIRTIO_BLK_S_OK);
  g_assert_cmpint (memcmp (blk_driver_at (&to, BLK_DATA), blk_driver_at (&to, BLK_DATA + 4096), 4096), ==, 0);

  blk_driver_clear (&to);
  blk_driver_clear (&from);
}

/* Writes beyond the first page fail until the limit is put back. */
static void
park (BlkDriver *driver)
{
  struct rlimit before, small;
  SvBlockStats stats = { 0 };

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  small = before;
  small.rlim_cur = 4096;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  for (guint i = 0; i < 3; i++)
    {
      memset (blk_driver_at (driver, BLK_DATA + i * 512), 'a' + i, 512);
      blk_driver_add (driver, 0, VIRTIO_BLK_T_OUT, 64 + i, BLK_DATA + i * 512, 512);
    }
  blk_driver_kick (driver, 0);
  while (stats.failed[SV_BLOCK_WRITE] < 3)
    {
      g_main_context_iteration (NULL, FALSE);
      sv_block_node_get_stats (driver->node, &stats);
    }
  sv_device_quiesce (SV_DEVICE (driver->device));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
}

/* Requests that failed there are tried again here. */
static void
test_blk_failed (gconstpointer iothread)
{
  const BlkDriverOptions options = { .iothread = iothread != NULL, .device = "{'werror': 'stop'}" };
  g_autofree char *content = NULL;
  BlkDriver from, to;
  gsize size;

  blk_driver_init (&from, &options);
  g_assert_cmpuint (blk_driver_run (&from, 0, VIRTIO_BLK_T_FLUSH, 0, 0, 0), ==, VIRTIO_BLK_S_OK);
  park (&from);
  blk_wait (&to, &options);
  blk_move (&from, &to);
  sv_device_resume (SV_DEVICE (to.device));
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (blk_driver_wait (&to, 0, NULL, NULL), ==, VIRTIO_BLK_S_OK);
  g_assert_true (g_file_get_contents (to.path, &content, &size, NULL));
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (content[(64 + i) * 512 + 511], ==, 'a' + i);

  blk_driver_clear (&to);
  blk_driver_clear (&from);
}

static void
test_blk_hostile (void)
{
  const BlkDriverOptions other = { .size = 2 << 20 };
  BlkDriver from, to, larger;
  SvObject *device, *here;

  blk_driver_init (&from, &(BlkDriverOptions){ 0 });
  g_assert_cmpuint (blk_driver_run (&from, 0, VIRTIO_BLK_T_FLUSH, 0, 0, 0), ==, VIRTIO_BLK_S_OK);
  sv_device_quiesce (SV_DEVICE (from.device));
  device = SV_OBJECT (from.device);
  blk_wait (&to, &(BlkDriverOptions){ 0 });
  here = SV_OBJECT (to.device);

  state_assert_refused (device, here, "0/2/0/1", g_variant_new_uint64 (BIT (VIRTIO_F_VERSION_1) | BIT (60)),
                        "*features are 0x*, of which 0x1000000000000000 are not to be had here*");
  state_assert_refused (device, here, "0/2/0/4", g_variant_new_byte (0x10), "*status is 0x10*");
  state_assert_refused (device, here, "0/2/0/4", g_variant_new_byte (3), "*status is 0x03: 0x04 is missing*");
  state_assert_refused (device, here, "0/2/0/6/0/0", g_variant_new_uint16 (1024), "*size of a queue is 1024*");
  state_assert_refused (device, here, "0/2/0/6/0/0", g_variant_new_uint16 (100), "*queue 0 of size 100*");
  state_assert_refused (device, here, "0/2/0/6/0/1", g_variant_new_uint64 (G_MAXUINT64 - 15), "*queue 0*0xfffffffffffffff0*");
  state_assert_refused (device, here, "0/2/0/6/0/5", g_variant_new_uint16 (9000), "*buffers of a queue that are in use*");
  state_assert_refused (device, here, "1/2/0/3/0", g_variant_new_fixed_array (G_VARIANT_TYPE_UINT16, "\377\377", 1, 2),
                        "*buffer 65535 of queue 0*");
  g_assert_cmpuint (state_torture (device, here), >, 20);
  g_assert_cmpuint (state_torture (SV_OBJECT (from.transport), SV_OBJECT (to.transport)), >, 2);

  blk_driver_init (&larger, &other);
  state_assert_refused (SV_OBJECT (larger.device), here, "0/2/0/5", g_variant_new_boolean (FALSE),
                        "*capacity in sectors is 4096, here it is 2048*");
  blk_driver_clear (&larger);
  blk_driver_clear (&to);
  blk_driver_clear (&from);
}

/* --- network cards --- */

static const guint8 our_mac[] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
static const guint8 new_mac[] = { 0x52, 0x54, 0x00, 0xaa, 0xbb, 0xcc };
static const guint8 group_mac[] = { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x01 };

static void
net_wait (NetGuest *net, const NetGuestOptions *options)
{
  net_guest_init (net, options);
  virtio_guest_write (&net->guest, VIRTIO_MMIO_STATUS, 0);
  sv_device_quiesce (SV_DEVICE (net->guest.device));
}

static void
net_copy (NetGuest *from, NetGuest *to)
{
  copy_memory (&from->guest.memory, &to->guest.memory);
  for (guint i = 0; i < from->guest.n_queues; i++)
    {
      copy_ring (&to->guest.rings[i], &from->guest.rings[i]);
      to->guest.next_desc[i] = from->guest.next_desc[i];
    }
}

static gboolean
passes (NetGuest *net, guint pair, const guint8 *to, guint vlan)
{
  guint64 before = net_guest_counter (net, "rx-packets");
  guint8 frame[64];

  net_frame (frame, sizeof frame, to, vlan ? 0x8100 : 0x0800);
  frame[14] = vlan >> 8;
  frame[15] = vlan & 0xff;
  net_guest_inject (net, pair, frame, sizeof frame);
  virtio_guest_settle (&net->guest);
  return net_guest_counter (net, "rx-packets") > before;
}

static guint8
command (NetGuest *net, guint8 class, guint8 number, gconstpointer data, guint size)
{
  return net_guest_command (net, class, number, data, size);
}

static void
set_up_card (NetGuest *net)
{
  const guint8 tables[4 + 4 + 6] = { [4] = 1, [8] = 1, 0x00, 0x5e, 0, 0, 1 };
  const guint64 offloads = GUINT64_TO_LE (BIT (VIRTIO_NET_F_GUEST_CSUM));

  net_guest_post (net, 2, 20, 1600);
  g_assert_cmpuint (command (net, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, "\2", 2), ==, 0);
  g_assert_cmpuint (command (net, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "", 1), ==, 0);
  g_assert_cmpuint (command (net, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, tables, sizeof tables), ==, 0);
  g_assert_cmpuint (command (net, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, new_mac, 6), ==, 0);
  g_assert_cmpuint (command (net, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, "\144", 2), ==, 0);
  g_assert_cmpuint (command (net, VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, &offloads, 8),
                    ==, 0);
}

static void
test_net (void)
{
  const NetGuestOptions options = { .n_queues = 2, .device = "'mq': true", .without = BIT (VIRTIO_NET_F_GUEST_ANNOUNCE) };
  NetGuest from, to;

  net_guest_init (&from, &options);
  set_up_card (&from);
  sv_device_quiesce (SV_DEVICE (from.guest.device));

  net_wait (&to, &options);
  net_copy (&from, &to);
  move (from.guest.transport, from.guest.device, to.guest.transport, to.guest.device);
  g_assert_true (to.netdev->enabled[1]);
  g_assert_cmpuint (to.netdev->offloads, ==, SV_NET_OFFLOAD_CSUM);
  for (guint i = 0; i < 6; i++)
    g_assert_cmphex (virtio_guest_read_config (&to.guest, i, 1), ==, new_mac[i]);
  sv_device_resume (SV_DEVICE (to.guest.device));
  virtio_guest_settle (&to.guest);

  g_assert_true (passes (&to, 1, new_mac, 0));
  g_assert_true (passes (&to, 1, group_mac, 0));
  g_assert_true (passes (&to, 1, new_mac, 100));
  g_assert_false (passes (&to, 1, our_mac, 0));
  g_assert_false (passes (&to, 1, new_mac, 101));
  net_guest_send (&to, NET_TX, 0x77, 60);
  virtio_guest_settle (&to.guest);
  g_assert_cmpuint (net_guest_counter (&to, "tx-packets"), ==, 1);

  sv_device_quiesce (SV_DEVICE (to.guest.device));
  state_assert_refused (SV_OBJECT (from.guest.device), SV_OBJECT (to.guest.device), "1/2/0/4", g_variant_new_uint32 (3),
                        "*pairs of queues in use is 3*");
  g_assert_cmpuint (state_torture (SV_OBJECT (from.guest.device), SV_OBJECT (to.guest.device)), >, 30);
  net_guest_clear (&to);
  net_guest_clear (&from);
}

/* A driver that can is asked to tell the network where it is. */
static void
test_net_announce (void)
{
  const NetGuestOptions options = { 0 };
  g_autoptr (GVariant) state = NULL;
  g_autoptr (GError) error = NULL;
  NetGuest from, to;

  net_guest_init (&from, &options);
  sv_device_quiesce (SV_DEVICE (from.guest.device));
  state = state_dup (SV_OBJECT (from.guest.device));
  net_wait (&to, &options);
  net_copy (&from, &to);
  g_assert_true (sv_migratable_load (SV_OBJECT (to.guest.device), state, &error));
  g_assert_true (sv_migratable_loaded (SV_OBJECT (to.guest.device), &error));
  g_assert_cmphex (virtio_guest_read_config (&to.guest, 6, 2) & VIRTIO_NET_S_ANNOUNCE, ==, VIRTIO_NET_S_ANNOUNCE);
  g_assert_cmphex (virtio_guest_read (&to.guest, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG, ==,
                   VIRTIO_MMIO_INT_CONFIG);
  sv_device_resume (SV_DEVICE (to.guest.device));
  g_assert_cmpuint (command (&to, VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, NULL, 0), ==, 0);
  g_assert_cmphex (virtio_guest_read_config (&to.guest, 6, 2) & VIRTIO_NET_S_ANNOUNCE, ==, 0);
  net_guest_clear (&to);
  net_guest_clear (&from);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/state/virtio-blk/main", NULL, test_blk);
  g_test_add_data_func ("/state/virtio-blk/iothread", "", test_blk);
  g_test_add_data_func ("/state/virtio-blk/failed/main", NULL, test_blk_failed);
  g_test_add_data_func ("/state/virtio-blk/failed/iothread", "", test_blk_failed);
  g_test_add_func ("/state/virtio-blk/hostile", test_blk_hostile);
  g_test_add_func ("/state/virtio-net/commands", test_net);
  g_test_add_func ("/state/virtio-net/announce", test_net_announce);
  return g_test_run ();
}
