/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of a device on its transport: start, reset, pause, plugging. */

#include "mmio-guest.h"

#include <string.h>

#include "hw/acpi/sv-acpi-build.h"
#include "qom/sv-property.h"
#include "src/runtime/sv-log.h"

#define OFFERED (F_VERSION_1 | F_INDIRECT | F_EVENT_IDX | ECHO_F_A | ECHO_F_B)
#define S_UP (S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK)

static void
set_up (MmioGuest *guest, gconstpointer data)
{
  mmio_guest_init (guest, NULL, GPOINTER_TO_INT (data));
}

static void
tear_down (MmioGuest *guest, gconstpointer data)
{
  mmio_guest_clear (guest);
}

static void
assert_config_interrupt (MmioGuest *guest)
{
  g_assert_cmpuint (mmio_take_irqs (guest), >=, 1);
  g_assert_true (mmio_read (guest, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
  mmio_write (guest, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
  g_assert_false (mmio_read (guest, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
}

static void
test_broken (MmioGuest *guest, gconstpointer data)
{
  mmio_handshake (guest, 0);
  mmio_settle ();
  test_ring_desc (&guest->rings[2], 0, RAM_END, 4, 0, 0);
  test_ring_add (&guest->rings[2], 0);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_NOTIFY, 2);
  mmio_settle ();
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, S_UP | S_NEEDS_RESET);
  assert_config_interrupt (guest);

  /* No queue works, and no status but 0 changes that. */
  mmio_send (guest, 0, 0, 1);
  mmio_settle ();
  g_assert_cmpuint (test_ring_used_idx (&guest->rings[0]), ==, 0);
  mmio_write (guest, VIRTIO_MMIO_STATUS, S_UP);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, S_UP | S_NEEDS_RESET);

  mmio_write (guest, VIRTIO_MMIO_STATUS, 0);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, 0);
  mmio_handshake (guest, 0);
  mmio_send (guest, 0, 0, 1);
  mmio_expect_echo (guest, 0, 0, 1);
}

/* Said, but not each time: a guest can make it happen as often as it likes. */
static void
test_failed_start_is_told (MmioGuest *guest, gconstpointer data)
{
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      g_test_trap_assert_stderr ("*no echo today\n*no echo today (repeated; not shown every time)\n*");
      return;
    }

  g_assert_true (sv_log_init (NULL, NULL));
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  guest->echo->fail_start = TRUE;
  for (guint i = 0; i < 100; i++)
    {
      mmio_write (guest, VIRTIO_MMIO_STATUS, 0);
      g_assert_true (mmio_negotiate (guest, F_VERSION_1));
      mmio_set_up_queue (guest, 0, 16, FALSE);
      mmio_write (guest, VIRTIO_MMIO_STATUS, S_UP);
    }
}

static void
test_failed_start (MmioGuest *guest, gconstpointer data)
{
  guest->echo->fail_start = TRUE;
  g_assert_true (mmio_negotiate (guest, F_VERSION_1));
  mmio_set_up_queue (guest, 0, 16, FALSE);
  mmio_write (guest, VIRTIO_MMIO_STATUS, S_UP);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, S_UP | S_NEEDS_RESET);
  g_assert_cmpint (guest->ioeventfds[0], ==, -1);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
  mmio_settle ();
  g_assert_cmpuint (guest->echo->n_handled[0], ==, 0);

  guest->echo->fail_start = FALSE;
  mmio_write (guest, VIRTIO_MMIO_STATUS, 0);
  mmio_handshake (guest, 0);
  g_assert_cmpuint (guest->echo->n_stops, ==, 0);
}

static void
test_reset (MmioGuest *guest, gconstpointer data)
{
  mmio_handshake (guest, 0);
  guest->echo->hold = TRUE;
  mmio_send (guest, 0, 0, 1);
  mmio_settle ();
  g_assert_cmpuint (guest->echo->n_held[0], ==, 1);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_SEL, 2);
  mmio_write (guest, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);

  /* What was in flight is done, and seen, before the status reads 0. */
  mmio_write (guest, VIRTIO_MMIO_STATUS, 0);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, 0);
  g_assert_cmpuint (guest->echo->n_held[0], ==, 0);
  g_assert_cmpuint (test_ring_used_idx (&guest->rings[0]), ==, 1);
  g_assert_cmpuint (guest->echo->n_stops, ==, 1);
  for (guint i = 0; i < ECHO_QUEUES; i++)
    {
      g_assert_cmpint (guest->ioeventfds[i], ==, -1);
      mmio_write (guest, VIRTIO_MMIO_QUEUE_SEL, i);
      g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_QUEUE_READY), ==, 0);
    }
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_INTERRUPT_STATUS), ==, 0);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_DEVICE_FEATURES), ==, (guint32)OFFERED);
  mmio_take_irqs (guest);

  guest->echo->hold = FALSE;
  mmio_handshake (guest, F_EVENT_IDX);
  mmio_send (guest, 0, 1, 2);
  mmio_expect_echo (guest, 0, 1, 2);

  /* The machine's way, in either order */
  sv_device_quiesce (SV_DEVICE (guest->echo));
  sv_device_reset (SV_DEVICE (guest->echo));
  sv_device_reset (SV_DEVICE (guest->mmio));
  sv_device_resume (SV_DEVICE (guest->echo));
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, 0);
  g_assert_cmpuint (guest->echo->n_stops, ==, 2);
}

static void
test_quiesce (MmioGuest *guest, gconstpointer data)
{
  mmio_handshake (guest, 0);
  mmio_settle ();
  guest->echo->hold = TRUE;
  mmio_send (guest, 0, 0, 1);
  mmio_settle ();
  sv_device_quiesce (SV_DEVICE (guest->echo));
  g_assert_cmpuint (guest->echo->n_held[0], ==, 0);
  mmio_expect_echo (guest, 0, 0, 1);

  mmio_send (guest, 0, 1, 2);
  mmio_settle ();
  g_assert_cmpuint (test_ring_used_idx (&guest->rings[0]), ==, 1);
  guest->echo->hold = FALSE;
  sv_device_resume (SV_DEVICE (guest->echo));
  mmio_expect_echo (guest, 0, 1, 2);
}

static void
test_plug (MmioGuest *guest, gconstpointer data)
{
  g_autoptr (SvDevice) second = g_object_new (ECHO_TYPE_DEVICE, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (sv_bus_plug (sv_virtio_mmio_get_bus (guest->mmio), second, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY);
  g_clear_error (&error);
  /* On no bus at all */
  g_assert_false (sv_object_complete (SV_OBJECT (second), &error));
  g_assert_nonnull (error);
  g_clear_error (&error);

  mmio_handshake (guest, 0);
  g_assert_false (sv_virtio_mmio_is_empty (guest->mmio));
  mmio_guest_unplug (guest);
  g_assert_true (sv_virtio_mmio_is_empty (guest->mmio));
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_MAGIC_VALUE), ==, 0x74726976);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_DEVICE_ID), ==, 0);
  for (guint offset = 0; offset < SV_VIRTIO_MMIO_SIZE; offset += 4)
    mmio_write (guest, offset, 1);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, 0);

  ECHO_DEVICE (second)->fail_setup = TRUE;
  g_assert_true (sv_bus_plug (sv_virtio_mmio_get_bus (guest->mmio), second, &error));
  g_assert_false (sv_object_complete (SV_OBJECT (second), &error));
  g_assert_cmpstr (error->message, ==, "no echo here");
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_DEVICE_ID), ==, 0);
  g_assert_cmpuint (ECHO_DEVICE (second)->n_teardowns, ==, 0);
  sv_bus_unplug (sv_virtio_mmio_get_bus (guest->mmio), second);

  mmio_guest_plug (guest, NULL);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_DEVICE_ID), ==, ECHO_DEVICE_ID);
  mmio_handshake (guest, 0);
  mmio_send (guest, 0, 0, 3);
  mmio_expect_echo (guest, 0, 0, 3);
}

/* The bank goes first: the transport keeps its registers to itself. */
static void
test_bank_goes (MmioGuest *guest, gconstpointer data)
{
  if (guest->bank == NULL)
    return;

  mmio_handshake (guest, 0);
  sv_memory_region_remove (guest->memory.root, sv_virtio_mmio_bank_get_region (guest->bank));
  g_assert_finalize_object (guest->bank);
  guest->bank = NULL;
  g_assert_false (sv_device_is_realized (SV_DEVICE (guest->echo)));
  sv_memory_region_add (guest->memory.root, MMIO_BASE, sv_virtio_mmio_get_region (guest->mmio), 0);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_MAGIC_VALUE), ==, 0x74726976);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_DEVICE_ID), ==, 0);
}

/* The transport's end while its device is at work */
static void
test_transport_goes (MmioGuest *guest, gconstpointer data)
{
  mmio_handshake (guest, 0);
  mmio_guest_remove_transport (guest);
  g_assert_false (sv_device_is_realized (SV_DEVICE (guest->echo)));
  g_assert_cmpuint (guest->echo->n_teardowns, ==, 1);
  g_assert_cmpint (guest->irqfd, ==, -1);

  if (guest->bank != NULL)
    g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_MAGIC_VALUE), ==, 0);
  mmio_guest_add_transport (guest);
  sv_object_unparent (SV_OBJECT (guest->echo));
  g_clear_object (&guest->echo);
}

static void
test_properties (MmioGuest *guest, gconstpointer data)
{
  g_autofree char *cmdline = sv_virtio_mmio_dup_cmdline (guest->mmio);
  g_autoptr (EchoDevice) plain = g_object_new (ECHO_TYPE_DEVICE, NULL);
  g_autoptr (GByteArray) aml = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  guint64 base;
  guint gsi, slot;

  g_object_get (guest->mmio, "base", &base, "gsi", &gsi, "slot", &slot, NULL);
  g_assert_cmphex (base, ==, MMIO_BASE);
  g_assert_cmpuint (gsi, ==, MMIO_GSI);
  g_assert_cmpuint (slot, ==, 2);
  g_assert_cmpstr (cmdline, ==, "virtio_mmio.device=512@0x40000400:12");
  g_assert_cmpstr (sv_object_get_id (SV_OBJECT (sv_virtio_mmio_get_bus (guest->mmio))), ==,
                   "virtio-mmio-bus.2");

  SV_ACPI_DESCRIBED_GET_IFACE (guest->mmio)->build_aml (SV_ACPI_DESCRIBED (guest->mmio), aml);
  g_assert_nonnull (memmem (aml->data, aml->len, "LNRO0005", 9));

  /* Ring features can be withheld. */
  mmio_guest_unplug (guest);
  guest->echo = g_steal_pointer (&plain);
  g_assert_true (sv_object_set_property_string (SV_OBJECT (guest->echo), "event_idx", "off", NULL,
                                                &error));
  g_assert_true (sv_object_set_property_string (SV_OBJECT (guest->echo), "indirect_desc", "off",
                                                NULL, &error));
  sv_object_add_child (guest->tree, "plain", SV_OBJECT (guest->echo), &error);
  g_assert_true (
      sv_bus_plug (sv_virtio_mmio_get_bus (guest->mmio), SV_DEVICE (guest->echo), &error));
  g_assert_true (sv_object_complete (SV_OBJECT (guest->echo), &error));
  g_assert_no_error (error);
  g_assert_cmphex (mmio_read_features (guest), ==, F_VERSION_1 | ECHO_F_A | ECHO_F_B);
}

/* In a region of its own, and in a bank that reads without exits */
#define ADD(path, func)                                                                            \
  g_test_add (path, MmioGuest, GINT_TO_POINTER (FALSE), set_up, func, tear_down);                  \
  g_test_add (path "/banked", MmioGuest, GINT_TO_POINTER (TRUE), set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/virtio/device/broken", test_broken);
  ADD ("/virtio/device/failed-start", test_failed_start);
  ADD ("/virtio/device/failed-start-is-told", test_failed_start_is_told);
  ADD ("/virtio/device/reset", test_reset);
  ADD ("/virtio/device/quiesce", test_quiesce);
  ADD ("/virtio/device/plug", test_plug);
  ADD ("/virtio/device/bank-goes", test_bank_goes);
  ADD ("/virtio/device/transport-goes", test_transport_goes);
  ADD ("/virtio/device/properties", test_properties);

  return g_test_run ();
}
