/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <string.h>

#include "hw/virtio/sv-virtio-serial-port.h"
#include "tests/unit/chardev-fixture.h"
#include "tests/unit/virtio-guest.h"

#define MULTIPORT (1u << VIRTIO_CONSOLE_F_MULTIPORT)
#define RX0 0
#define TX0 1
#define CONTROL_RX 2
#define CONTROL_TX 3
#define RX1 4
#define TX1 5
/* Where the fake driver has its buffers */
#define OUT GUEST_DATA
#define IN (GUEST_DATA + 0x8000)
#define MESSAGES (GUEST_DATA + 0x10000)
#define MESSAGE_SIZE 64

typedef struct
{
  VirtioGuest guest;
  SvObject *bus;
  SvObject *ports[4];
  guint n_ports;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  virtio_guest_init (&fixture->guest);
  virtio_guest_plug (&fixture->guest, "virtio-serial-device", data, &error);
  g_assert_no_error (error);
  fixture->bus = sv_object_get_child (SV_OBJECT (fixture->guest.device), "dev0.0");
  g_assert_nonnull (fixture->bus);
}

static void
remove_port (Fixture *fixture, guint n)
{
  SvDevice *port = SV_DEVICE (fixture->ports[n]);

  sv_device_unrealize (port);
  if (sv_device_get_bus (port))
    sv_bus_unplug (sv_device_get_bus (port), port);
  sv_object_unparent (fixture->ports[n]);
  g_assert_finalize_object (g_steal_pointer (&fixture->ports[n]));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < fixture->n_ports; i++)
    if (fixture->ports[i])
      remove_port (fixture, i);
  virtio_guest_clear (&fixture->guest);
}

static gboolean
try_port (Fixture *fixture, const char *type, const char *json, GError **error)
{
  VirtioGuest *guest = &fixture->guest;
  g_autofree char *id = g_strdup_printf ("port%u", fixture->n_ports);
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  g_autoptr (SvObject) port = sv_object_new_from_json (
      type, SV_TYPE_DEVICE, json_node_get_object (node), guest->root, error);
  gboolean ok;

  g_assert_nonnull (port);
  ok = sv_object_add_child (guest->root, id, port, error);
  g_assert_true (ok);
  ok = sv_bus_plug (SV_BUS (fixture->bus), SV_DEVICE (port), error);
  if (ok && !sv_object_complete (port, error))
    {
      sv_bus_unplug (SV_BUS (fixture->bus), SV_DEVICE (port));
      ok = FALSE;
    }
  if (ok)
    fixture->ports[fixture->n_ports++] = g_steal_pointer (&port);
  else
    sv_object_unparent (port);
  return ok;
}

static void
add_port (Fixture *fixture, const char *type, const char *json)
{
  g_autoptr (GError) error = NULL;

  try_port (fixture, type, json, &error);
  g_assert_no_error (error);
}

static TestChardev *
add_chardev (Fixture *fixture, const char *id)
{
  TestChardev *chardev = g_object_new (TEST_TYPE_CHARDEV, NULL);
  g_autoptr (GError) error = NULL;

  sv_object_add_child (fixture->guest.root, id, SV_OBJECT (chardev), &error);
  g_assert_no_error (error);
  sv_object_complete (SV_OBJECT (chardev), &error);
  g_assert_no_error (error);
  g_object_unref (chardev);
  return chardev;
}

static void
connect_peer (TestChardev *chardev, gboolean connected)
{
  sv_chardev_event (SV_CHARDEV (chardev), connected ? SV_CHARDEV_OPENED : SV_CHARDEV_CLOSED);
}

/* --- the driver --- */

static void
give_message_buffers (VirtioGuest *guest, guint n)
{
  for (guint i = 0; i < n; i++)
    virtio_guest_add (guest, CONTROL_RX, 0, 0,
                      MESSAGES + (guest->next_desc[CONTROL_RX] / 2) * MESSAGE_SIZE, MESSAGE_SIZE);
  virtio_guest_kick (guest, CONTROL_RX);
  virtio_guest_settle (guest);
}

static void
send_message (VirtioGuest *guest, guint32 port, guint16 event, guint16 value)
{
  struct virtio_console_control *message = virtio_guest_at (guest, OUT + 0x4000);

  message->id = GUINT32_TO_LE (port);
  message->event = GUINT16_TO_LE (event);
  message->value = GUINT16_TO_LE (value);
  virtio_guest_run (guest, CONTROL_TX, OUT + 0x4000, sizeof *message, 0, 0);
  virtio_guest_settle (guest);
}

/* The next message of the device. */
static void
expect_message (VirtioGuest *guest, guint32 port, guint16 event, guint16 value, const char *text)
{
  const struct virtio_console_control *message;
  guint32 id, written;

  g_assert_true (test_ring_take (&guest->rings[CONTROL_RX], &id, &written));
  message = virtio_guest_at (guest, MESSAGES + id / 2 * MESSAGE_SIZE);
  g_assert_cmpuint (GUINT32_FROM_LE (message->id), ==, port);
  g_assert_cmpuint (GUINT16_FROM_LE (message->event), ==, event);
  g_assert_cmpuint (GUINT16_FROM_LE (message->value), ==, value);
  g_assert_cmpmem (message + 1, written - sizeof *message, text, strlen (text));
}

static void
expect_no_message (VirtioGuest *guest)
{
  guint32 id, written;

  g_assert_false (test_ring_take (&guest->rings[CONTROL_RX], &id, &written));
}

static void
write_text (VirtioGuest *guest, guint queue, const char *text)
{
  memcpy (virtio_guest_at (guest, OUT), text, strlen (text));
  virtio_guest_add (guest, queue, OUT, strlen (text), 0, 0);
  virtio_guest_kick (guest, queue);
  virtio_guest_settle (guest);
}

static guint
n_used (VirtioGuest *guest, guint queue)
{
  return test_ring_used_idx (&guest->rings[queue]);
}

/* --- tests --- */

/* A driver that knows one port only: VIRTIO 1.2 §5.3.5, as for early consoles. */
static void
test_single (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;
  TestChardev *chardev = add_chardev (fixture, "c0");
  guint32 written;

  add_port (fixture, "virtconsole", "{'chardev': 'c0'}");
  connect_peer (chardev, TRUE);
  g_assert_cmpuint (virtio_guest_read (guest, VIRTIO_MMIO_DEVICE_ID), ==, VIRTIO_ID_CONSOLE);
  virtio_guest_start (guest, 2, MULTIPORT);
  write_text (guest, TX0, "hello ");
  write_text (guest, TX0, "world");
  test_chardev_assert_output (chardev, "hello world");
  g_assert_cmpuint (n_used (guest, TX0), ==, 2);

  /* What the peer sends waits for buffers, and fills as many as it takes. */
  g_string_assign (chardev->input, "0123456789");
  test_chardev_deliver (chardev);
  g_assert_cmpuint (chardev->input->len, ==, 10);
  virtio_guest_add (guest, RX0, 0, 0, IN, 4);
  virtio_guest_add (guest, RX0, 0, 0, IN + 4, 100);
  virtio_guest_kick (guest, RX0);
  virtio_guest_wait (guest, RX0, &written);
  g_assert_cmpuint (written, ==, 4);
  virtio_guest_wait (guest, RX0, &written);
  g_assert_cmpuint (written, ==, 6);
  g_assert_cmpmem (virtio_guest_at (guest, IN), 10, "0123456789", 10);
  g_assert_cmpuint (chardev->input->len, ==, 0);

  /* A character without a queue */
  virtio_guest_write_config (guest, offsetof (struct virtio_console_config, emerg_wr), '!', 4);
  test_chardev_assert_output (chardev, "!");
}

static void
test_multiport (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;
  TestChardev *console = add_chardev (fixture, "c0");
  TestChardev *agent = add_chardev (fixture, "c1");

  add_port (fixture, "virtserialport", "{'chardev': 'c1', 'name': 'org.example.agent'}");
  add_port (fixture, "virtconsole", "{'chardev': 'c0'}");
  g_assert_cmpuint (virtio_guest_read_config (guest, 4, 4), ==, 2);
  virtio_guest_start (guest, 6, 0);
  g_assert_cmphex (guest->features & MULTIPORT, !=, 0);

  /* The answers wait for buffers. */
  send_message (guest, 0xffffffff, VIRTIO_CONSOLE_DEVICE_READY, 1);
  expect_no_message (guest);
  give_message_buffers (guest, 1);
  expect_message (guest, 0, VIRTIO_CONSOLE_PORT_ADD, 1, "");
  expect_no_message (guest);
  give_message_buffers (guest, 8);
  expect_message (guest, 1, VIRTIO_CONSOLE_PORT_ADD, 1, "");
  send_message (guest, 0, VIRTIO_CONSOLE_PORT_READY, 1);
  expect_message (guest, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, "");
  expect_message (guest, 0, VIRTIO_CONSOLE_PORT_OPEN, 1, "");
  send_message (guest, 1, VIRTIO_CONSOLE_PORT_READY, 1);
  expect_message (guest, 1, VIRTIO_CONSOLE_PORT_NAME, 1, "org.example.agent");
  expect_no_message (guest);

  /* The peer of a port, but not of a console, is told of. */
  connect_peer (agent, TRUE);
  expect_message (guest, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, "");
  connect_peer (console, TRUE);
  expect_no_message (guest);

  /* Input waits until a program listens. */
  virtio_guest_add (guest, RX1, 0, 0, IN, 64);
  virtio_guest_kick (guest, RX1);
  virtio_guest_settle (guest);
  g_string_assign (agent->input, "ping");
  test_chardev_deliver (agent);
  g_assert_cmpuint (n_used (guest, RX1), ==, 0);
  send_message (guest, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
  g_assert_cmpuint (n_used (guest, RX1), ==, 1);
  g_assert_cmpmem (virtio_guest_at (guest, IN), 4, "ping", 4);
  write_text (guest, TX1, "pong");
  test_chardev_assert_output (agent, "pong");
  write_text (guest, TX0, "login: ");
  test_chardev_assert_output (console, "login: ");
  connect_peer (agent, FALSE);
  expect_message (guest, 1, VIRTIO_CONSOLE_PORT_OPEN, 0, "");

  /* A new start begins from the start. */
  virtio_guest_start (guest, 6, 0);
  g_string_assign (agent->input, "more");
  virtio_guest_add (guest, RX1, 0, 0, IN, 64);
  virtio_guest_kick (guest, RX1);
  virtio_guest_settle (guest);
  g_assert_cmpuint (n_used (guest, RX1), ==, 0);
  give_message_buffers (guest, 8);
  expect_no_message (guest);
}

/* A port without a peer keeps the guest's bytes in the ring; so does a peer that takes no more. */
static void
test_flow_control (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;
  TestChardev *chardev = add_chardev (fixture, "c1");

  add_port (fixture, "virtserialport", "{'chardev': 'c1', 'nr': 1}");
  virtio_guest_start (guest, 6, 0);
  write_text (guest, TX1, "one ");
  write_text (guest, TX1, "one ");
  g_assert_cmpuint (n_used (guest, TX1), ==, 0);

  /* Half of a buffer is taken; a pause does not repeat it. */
  chardev->room = 6;
  connect_peer (chardev, TRUE);
  virtio_guest_settle (guest);
  g_assert_cmpuint (n_used (guest, TX1), ==, 1);
  sv_device_quiesce (SV_DEVICE (guest->device));
  g_assert_cmpuint (sv_virtqueue_get_in_flight (sv_virtio_device_get_queue (guest->device, TX1)),
                    ==, 0);
  chardev->room = 100;
  sv_chardev_writable (SV_CHARDEV (chardev));
  g_string_assign (chardev->input, "while paused");
  test_chardev_deliver (chardev);
  g_assert_cmpuint (chardev->input->len, ==, 12);
  virtio_guest_settle (guest);
  g_assert_cmpuint (n_used (guest, TX1), ==, 1);
  sv_device_resume (SV_DEVICE (guest->device));
  virtio_guest_settle (guest);
  g_assert_cmpuint (n_used (guest, TX1), ==, 2);
  test_chardev_assert_output (chardev, "one one ");

  connect_peer (chardev, FALSE);
  write_text (guest, TX1, "two");
  g_assert_cmpuint (n_used (guest, TX1), ==, 2);
  connect_peer (chardev, TRUE);
  virtio_guest_settle (guest);
  g_assert_cmpuint (n_used (guest, TX1), ==, 3);
  test_chardev_assert_output (chardev, "two");

  /* Without the port nobody will ever take it. */
  connect_peer (chardev, FALSE);
  write_text (guest, TX1, "three");
  g_assert_cmpuint (n_used (guest, TX1), ==, 3);
  remove_port (fixture, 0);
  virtio_guest_settle (guest);
  g_assert_cmpuint (n_used (guest, TX1), ==, 4);
}

/* A console does not keep the guest waiting: the next peer gets what was written meanwhile, up to a
 * mebibyte. */
static void
test_backlog (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;
  TestChardev *chardev = add_chardev (fixture, "c0");
  const guint block = 0x4000;
  g_autoptr (GString) expected = g_string_new (NULL);

  add_port (fixture, "virtconsole", "{'chardev': 'c0'}");
  virtio_guest_start (guest, 4, 0);
  for (guint i = 0; i < 100; i++)
    {
      memset (virtio_guest_at (guest, OUT), 'a' + i % 26, block);
      for (guint j = 0; j < block && i >= 50; j++)
        g_string_append_c (expected, 'a' + i % 26);
      virtio_guest_run (guest, TX0, OUT, block, 0, 0);
      if (i == 30)
        {
          connect_peer (chardev, TRUE);
          g_assert_cmpuint (chardev->output->len, ==, 31 * block);
          g_string_truncate (chardev->output, 0);
          connect_peer (chardev, FALSE);
        }
    }
  chardev->room = 1000;
  connect_peer (chardev, TRUE);
  g_assert_cmpuint (chardev->output->len, ==, 1000);
  /* New output comes behind the old. */
  write_text (guest, TX0, "the end");
  g_assert_cmpuint (n_used (guest, TX0), ==, 100);
  chardev->room = 2 << 20;
  sv_chardev_writable (SV_CHARDEV (chardev));
  virtio_guest_settle (guest);
  g_assert_cmpuint (n_used (guest, TX0), ==, 101);
  g_string_append (expected, "the end");
  g_assert_cmpuint (chardev->output->len, <=, (1 << 20) + 7);
  g_assert_true (g_str_has_suffix (chardev->output->str, expected->str));
}

/* However much there is to write: after a mebibyte others have their turn. */
static void
test_long_output (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;
  TestChardev *chardev = add_chardev (fixture, "c0");
  const gsize block = 0xc0000;

  add_port (fixture, "virtconsole", "{'chardev': 'c0'}");
  virtio_guest_start (guest, 4, 0);
  connect_peer (chardev, TRUE);
  for (guint i = 0; i < 6; i++)
    virtio_guest_add (guest, TX0, GUEST_DATA, block, 0, 0);
  virtio_guest_kick (guest, TX0);
  for (gsize before = 0; chardev->output->len < 6 * block; before = chardev->output->len)
    {
      g_main_context_iteration (NULL, TRUE);
      g_assert_cmpuint (chardev->output->len - before, <=, 1 << 20);
    }
  virtio_guest_settle (guest);
  g_assert_cmpuint (chardev->output->len, ==, 6 * block);
  g_assert_cmpuint (n_used (guest, TX0), ==, 6);
}

/* Ports come and go while the driver works. */
static void
test_hotplug (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;
  TestChardev *chardev = add_chardev (fixture, "c1");

  g_assert_cmpuint (virtio_guest_read_config (guest, 4, 4), ==, 3);
  virtio_guest_start (guest, 8, 0);
  give_message_buffers (guest, 16);
  add_port (fixture, "virtserialport", "{'nr': 2}");
  expect_no_message (guest);
  send_message (guest, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
  expect_message (guest, 2, VIRTIO_CONSOLE_PORT_ADD, 1, "");
  add_port (fixture, "virtserialport", "{'chardev': 'c1'}");
  expect_message (guest, 1, VIRTIO_CONSOLE_PORT_ADD, 1, "");
  send_message (guest, 1, VIRTIO_CONSOLE_PORT_READY, 1);
  send_message (guest, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
  remove_port (fixture, 1);
  expect_message (guest, 1, VIRTIO_CONSOLE_PORT_REMOVE, 1, "");
  g_assert_false (sv_chardev_is_attached (SV_CHARDEV (chardev)));
  add_port (fixture, "virtserialport", "{'chardev': 'c1'}");
  expect_message (guest, 1, VIRTIO_CONSOLE_PORT_ADD, 1, "");
  /* It is a new port, which nobody opened. */
  virtio_guest_add (guest, RX1, 0, 0, IN, 64);
  virtio_guest_kick (guest, RX1);
  virtio_guest_settle (guest);
  g_string_assign (chardev->input, "x");
  test_chardev_deliver (chardev);
  g_assert_cmpuint (n_used (guest, RX1), ==, 0);

  /* The device goes first: its ports are dead, not dangling. */
  virtio_guest_unplug (guest);
  connect_peer (chardev, TRUE);
  test_chardev_deliver (chardev);
}

/* Messages about what is not there, cut short, without end; buffers of no use. */
static void
test_hostile (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;

  add_port (fixture, "virtconsole", "{}");
  virtio_guest_start (guest, 4, 0);
  for (guint32 port = 0; port < 70; port++)
    for (guint16 event = 0; event < 10; event++)
      send_message (guest, port * 0x3fffff, event, event % 3);
  for (guint i = 0; i < 1000; i++)
    send_message (guest, 0, VIRTIO_CONSOLE_PORT_READY, 1);
  g_assert_cmpuint (virtio_guest_run (guest, CONTROL_TX, OUT, 7, 0, 0), ==, 0);
  g_assert_cmpuint (virtio_guest_run (guest, CONTROL_TX, 0, 0, IN, 8), ==, 0);
  virtio_guest_add (guest, CONTROL_RX, OUT, 8, 0, 0);
  virtio_guest_add (guest, CONTROL_RX, 0, 0, IN, 3);
  virtio_guest_add (guest, RX0, OUT, 8, 0, 0);
  virtio_guest_kick (guest, CONTROL_RX);
  virtio_guest_kick (guest, RX0);
  virtio_guest_settle (guest);
  /* Output to a port without a character device is dropped. */
  write_text (guest, TX0, "nobody");
  g_assert_cmpuint (n_used (guest, TX0), ==, 1);
  g_assert_false (virtio_guest_is_broken (guest));
}

static void
assert_refused (Fixture *fixture, const char *type, const char *json, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (try_port (fixture, type, json, &error));
  g_assert_nonnull (error);
  if (strstr (error->message, part) == NULL)
    g_test_fail_printf ("'%s' is not in: %s", part, error->message);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  gint number;

  add_chardev (fixture, "c0");
  assert_refused (fixture, "virtserialport", "{'nr': 0}", "for a virtconsole");
  assert_refused (fixture, "virtserialport", "{'nr': 3}", "max_ports");
  add_port (fixture, "virtconsole", "{'chardev': 'c0'}");
  g_object_get (fixture->ports[0], "nr", &number, NULL);
  g_assert_cmpint (number, ==, 0);
  assert_refused (fixture, "virtconsole", "{'nr': 0}", "nr=0 of the virtio-serial device is taken");
  assert_refused (fixture, "virtserialport", "{'chardev': 'c0'}", "c0");
  add_port (fixture, "virtserialport", "{}");
  add_port (fixture, "virtserialport", "{}");
  assert_refused (fixture, "virtserialport", "{}", "max_ports");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, json, function)                                                                  \
  g_test_add ("/virtio-serial/" name, Fixture, json, set_up, function, tear_down)
  ADD ("single", NULL, test_single);
  ADD ("multiport", NULL, test_multiport);
  ADD ("flow-control", NULL, test_flow_control);
  ADD ("backlog", NULL, test_backlog);
  ADD ("long-output", NULL, test_long_output);
  ADD ("hotplug", "{'max_ports': 3}", test_hotplug);
  ADD ("hostile", NULL, test_hostile);
  ADD ("refused", "{'max_ports': 3}", test_refused);
  return g_test_run ();
}
