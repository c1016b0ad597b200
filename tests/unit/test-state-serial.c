/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What virtio consoles and balloons save. */

#include <linux/virtio_balloon.h>
#include <linux/virtio_console.h>
#include <string.h>

#include "chardev-fixture.h"
#include "state-fixture.h"
#include "tests/unit/virtio-guest.h"

#define CONTROL_RX 2
#define CONTROL_TX 3
#define RX1 4
#define TX0 1
#define TX1 5
#define OUT GUEST_DATA
#define IN (GUEST_DATA + 0x8000)
#define MESSAGES (GUEST_DATA + 0x10000)

static void
copy_guest (VirtioGuest *from, VirtioGuest *to)
{
  memcpy (virtio_guest_at (to, 0), virtio_guest_at (from, 0), RAM_HALF);
  memcpy (virtio_guest_at (to, RAM_HALF), virtio_guest_at (from, RAM_HALF), RAM_HALF);
  for (guint i = 0; i < from->n_queues; i++)
    {
      to->rings[i].avail_idx = from->rings[i].avail_idx;
      to->rings[i].used_seen = from->rings[i].used_seen;
      to->next_desc[i] = from->next_desc[i];
    }
}

/* A device that nobody has touched, in a machine that waits; the driver knows where its rings will be. */
static void
wait_for_state (VirtioGuest *guest, guint n_queues)
{
  virtio_guest_start (guest, n_queues, 0);
  virtio_guest_write (guest, VIRTIO_MMIO_STATUS, 0);
  sv_device_quiesce (SV_DEVICE (guest->device));
}

/* --- consoles --- */

typedef struct
{
  VirtioGuest guest;
  TestChardev *chardevs[2];
  SvObject *ports[2];
} Console;

static TestChardev *
add_chardev (Console *console, const char *id)
{
  TestChardev *chardev = g_object_new (TEST_TYPE_CHARDEV, NULL);

  g_assert_true (sv_object_add_child (console->guest.root, id, SV_OBJECT (chardev), NULL));
  g_assert_true (sv_object_complete (SV_OBJECT (chardev), NULL));
  g_object_unref (chardev);
  return chardev;
}

static SvObject *
add_port (Console *console, const char *type, const char *id, const char *json)
{
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  SvObject *bus = sv_object_get_child (SV_OBJECT (console->guest.device), "dev0.0");
  g_autoptr (SvObject) port = sv_object_new_from_json (type, SV_TYPE_DEVICE, json_node_get_object (node),
                                                       console->guest.root, NULL);

  g_assert_true (sv_object_add_child (console->guest.root, id, port, NULL));
  g_assert_true (sv_bus_plug (SV_BUS (bus), SV_DEVICE (port), NULL));
  g_assert_true (sv_object_complete (port, NULL));
  return port;
}

static void
console_set_up (Console *console)
{
  g_autoptr (GError) error = NULL;

  virtio_guest_init (&console->guest);
  virtio_guest_plug (&console->guest, "virtio-serial-device", NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    console->chardevs[i] = add_chardev (console, i == 0 ? "c0" : "c1");
  console->ports[0] = add_port (console, "virtconsole", "port0", "{'chardev': 'c0'}");
  console->ports[1] = add_port (console, "virtserialport", "port1", "{'chardev': 'c1', 'name': 'agent'}");
}

static void
console_tear_down (Console *console)
{
  for (guint i = 0; i < 2; i++)
    {
      sv_device_unrealize (SV_DEVICE (console->ports[i]));
      sv_bus_unplug (sv_device_get_bus (SV_DEVICE (console->ports[i])), SV_DEVICE (console->ports[i]));
      sv_object_unparent (console->ports[i]);
    }
  virtio_guest_clear (&console->guest);
}

static void
send_message (VirtioGuest *guest, guint32 port, guint16 event, guint16 value)
{
  struct virtio_console_control *message = virtio_guest_at (guest, OUT + 0x4000);

  *message = (struct virtio_console_control){ GUINT32_TO_LE (port), GUINT16_TO_LE (event), GUINT16_TO_LE (value) };
  virtio_guest_run (guest, CONTROL_TX, OUT + 0x4000, sizeof *message, 0, 0);
  virtio_guest_settle (guest);
}

static void
write_text (VirtioGuest *guest, guint queue, const char *text)
{
  memcpy (virtio_guest_at (guest, OUT + queue * 256), text, strlen (text));
  virtio_guest_add (guest, queue, OUT + queue * 256, (guint32)strlen (text), 0, 0);
  virtio_guest_kick (guest, queue);
  virtio_guest_settle (guest);
}

static void
test_console (void)
{
  SvObject *before[4], *after[4];
  Console from, to;
  guint32 written;

  console_set_up (&from);
  sv_chardev_event (SV_CHARDEV (from.chardevs[1]), SV_CHARDEV_OPENED);
  virtio_guest_start (&from.guest, 6, 0);
  send_message (&from.guest, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
  send_message (&from.guest, 0, VIRTIO_CONSOLE_PORT_READY, 1);
  send_message (&from.guest, 1, VIRTIO_CONSOLE_PORT_READY, 1);
  send_message (&from.guest, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
  /* Nobody looks at the console: it keeps this. The other peer takes three characters. */
  write_text (&from.guest, TX0, "login: ");
  from.chardevs[1]->room = 3;
  write_text (&from.guest, TX1, "abcdef");
  test_chardev_assert_output (from.chardevs[1], "abc");
  virtio_guest_add (&from.guest, RX1, 0, 0, IN, 16);
  sv_device_quiesce (SV_DEVICE (from.guest.device));

  console_set_up (&to);
  sv_chardev_event (SV_CHARDEV (to.chardevs[1]), SV_CHARDEV_OPENED);
  wait_for_state (&to.guest, 6);
  copy_guest (&from.guest, &to.guest);
  for (guint i = 0; i < 2; i++)
    {
      Console *console = i == 0 ? &from : &to;
      SvObject **objects = i == 0 ? before : after;

      objects[0] = SV_OBJECT (console->guest.transport);
      objects[1] = SV_OBJECT (console->guest.device);
      objects[2] = console->ports[0];
      objects[3] = console->ports[1];
    }
  state_copy_all (before, after, 4);
  sv_device_resume (SV_DEVICE (to.guest.device));
  virtio_guest_settle (&to.guest);
  test_chardev_assert_output (to.chardevs[1], "def");
  sv_chardev_event (SV_CHARDEV (to.chardevs[0]), SV_CHARDEV_OPENED);
  virtio_guest_settle (&to.guest);
  test_chardev_assert_output (to.chardevs[0], "login: ");
  /* A program listens still. */
  g_string_assign (to.chardevs[1]->input, "input");
  test_chardev_deliver (to.chardevs[1]);
  virtio_guest_wait (&to.guest, RX1, &written);
  g_assert_cmpmem (virtio_guest_at (&to.guest, IN), written, "input", 5);
  /* What the driver has not been told so far it is told now: both ports, which is the console, a name, that they are open. */
  for (guint i = 0; i < 8; i++)
    virtio_guest_add (&to.guest, CONTROL_RX, 0, 0, MESSAGES + i * 64, 64);
  virtio_guest_kick (&to.guest, CONTROL_RX);
  virtio_guest_settle (&to.guest);
  g_assert_cmpuint (test_ring_used_idx (&to.guest.rings[CONTROL_RX]), ==, 6);

  sv_device_quiesce (SV_DEVICE (to.guest.device));
  for (guint i = 1; i < 4; i++)
    g_assert_cmpuint (state_torture (before[i], after[i]), >, i < 3 ? 1 : 0);
  state_assert_refused (before[2], after[2], "0/2/0/0", g_variant_new_int32 (1), "*number of the port is 1*");
  console_tear_down (&to);
  console_tear_down (&from);
}

/* --- balloons --- */

static void
balloon_set_up (VirtioGuest *guest)
{
  g_autoptr (GError) error = NULL;

  virtio_guest_init (guest);
  virtio_guest_plug (guest, "virtio-balloon-device", "{'free-page-reporting': true}", &error);
  g_assert_no_error (error);
}

static void
test_balloon (void)
{
  struct virtio_balloon_stat stat = { GUINT16_TO_LE (VIRTIO_BALLOON_S_MEMFREE), GUINT64_TO_LE (4711) };
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) news = NULL;
  VirtioGuest from, to;
  SvObject *before[2], *after[2];

  balloon_set_up (&from);
  virtio_guest_start (&from, 4, 0);
  virtio_guest_write_config (&from, offsetof (struct virtio_balloon_config, poison_val), 0xaa, 4);
  memcpy (virtio_guest_at (&from, OUT), &stat, sizeof stat);
  virtio_guest_add (&from, 2, OUT, sizeof stat, 0, 0);
  virtio_guest_kick (&from, 2);
  virtio_guest_settle (&from);
  sv_device_quiesce (SV_DEVICE (from.device));

  balloon_set_up (&to);
  wait_for_state (&to, 4);
  copy_guest (&from, &to);
  before[0] = SV_OBJECT (from.transport);
  before[1] = SV_OBJECT (from.device);
  after[0] = SV_OBJECT (to.transport);
  after[1] = SV_OBJECT (to.device);
  state_copy_all (before, after, 2);
  g_assert_cmpuint (virtio_guest_read_config (&to, offsetof (struct virtio_balloon_config, poison_val), 4), ==, 0xaa);
  g_object_get (to.device, "guest-stats", &news, NULL);
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (json_node_get_object (news), "stats"),
                                               "stat-free-memory"),
                   ==, 4711);
  state_torture (before[1], after[1]);

  /* One that is in use */
  sv_device_resume (SV_DEVICE (from.device));
  virtio_guest_write_config (&from, offsetof (struct virtio_balloon_config, actual), 16, 4);
  g_assert_false (sv_migratable_check (SV_OBJECT (from.device), &error));
  g_assert_nonnull (strstr (error->message, "the balloon is in use"));
  virtio_guest_clear (&to);
  virtio_guest_clear (&from);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/state/virtio-serial", test_console);
  g_test_add_func ("/state/virtio-balloon", test_balloon);
  return g_test_run ();
}
