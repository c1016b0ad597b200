/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "chardev-fixture.h"
#include "hw/acpi/sv-acpi-build.h"
#include "hw/char/sv-serial.h"
#include "hw/char/sv-uart.h"
#include "isa-fixture.h"
#include "src/runtime/sv-vm-lock.h"

#define COM1 0x3f8
#define IRQ 4

typedef struct
{
  IsaFixture isa;
  TestChardev *chardev;
  SvSerial *serial;
  gboolean zone; /* COM1's transmit register is coalesced */
  char kept;     /* a write that the kernel keeps */
  guint flushes;
} Fixture;

static void
on_coalesced_add (gpointer opaque, guint64 address, guint64 size)
{
  Fixture *f = opaque;

  g_assert_cmphex (address, ==, COM1);
  g_assert_cmpuint (size, ==, 1);
  g_assert_false (f->zone);
  f->zone = TRUE;
}

static void
on_coalesced_remove (gpointer opaque, guint64 address, guint64 size)
{
  Fixture *f = opaque;

  g_assert_true (f->zone);
  f->zone = FALSE;
}

static const SvMemoryListener listener = {
  .coalesced_add = on_coalesced_add,
  .coalesced_remove = on_coalesced_remove,
};

static void
replay (gpointer opaque)
{
  Fixture *f = opaque;

  f->flushes++;
  if (f->kept != '\0')
    isa_out (&f->isa, COM1, f->kept);
  f->kept = '\0';
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  sv_vm_lock ();
  isa_set_up (&f->isa);
  sv_address_space_add_listener (f->isa.io, &listener, f);
  f->chardev = g_object_new (TEST_TYPE_CHARDEV, NULL);
  g_assert_true (sv_object_add_child (f->isa.root, "c0", SV_OBJECT (f->chardev), NULL));
  f->serial = g_object_new (SV_TYPE_SERIAL, "chardev", f->chardev, NULL);
  sv_serial_set_flush_func (f->serial, replay, f);
  isa_plug (&f->isa, SV_DEVICE (f->serial), &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  isa_unplug (SV_DEVICE (f->serial));
  g_assert_finalize_object (f->serial);
  g_assert_false (sv_chardev_is_attached (SV_CHARDEV (f->chardev)));
  g_assert_cmphex (isa_in (&f->isa, COM1 + SV_UART_LSR), ==, 0xff);
  sv_address_space_remove_listener (f->isa.io, &listener, f);
  sv_object_unparent (SV_OBJECT (f->chardev));
  g_object_unref (f->chardev);
  isa_tear_down (&f->isa);
  sv_vm_unlock ();
}

static guint8
in (Fixture *f, guint offset)
{
  return isa_in (&f->isa, COM1 + offset);
}

static void
out (Fixture *f, guint offset, guint8 value)
{
  isa_out (&f->isa, COM1 + offset, value);
}

static void
test_first_byte (Fixture *f, gconstpointer data)
{
  out (f, 0, 'A');
  test_chardev_assert_output (f->chardev, "A");
  g_assert_cmpuint (run_ready (), ==, 0);
  g_assert_false (f->zone);
}

/* As Linux's interrupt handler reads: until LSR shows no more data. */
static void
test_input (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) sent = g_string_new (NULL);
  g_autoptr (GString) seen = g_string_new (NULL);

  for (guint i = 0; i < 5000; i++)
    g_string_append_c (sent, 'a' + i % 26);
  out (f, SV_UART_FCR, SV_UART_FCR_ENABLE | 0x80);
  out (f, SV_UART_IER, SV_UART_IER_RDI);
  g_string_append (f->chardev->input, sent->str);
  test_chardev_deliver (f->chardev);
  g_assert_cmpuint (f->chardev->input->len, ==, sent->len - 16);

  while (f->isa.level[IRQ])
    {
      g_assert_cmphex (in (f, SV_UART_IIR) & 1, ==, 0);
      while ((in (f, SV_UART_LSR) & SV_UART_LSR_DR) != 0)
        g_string_append_c (seen, in (f, 0));
    }
  g_assert_cmpstr (seen->str, ==, sent->str);
}

static void
test_receive_edges (Fixture *f, gconstpointer data)
{
  out (f, SV_UART_FCR, SV_UART_FCR_ENABLE | 0xc0);
  out (f, SV_UART_IER, SV_UART_IER_RDI);
  g_string_append (f->chardev->input, "ab");
  test_chardev_deliver (f->chardev);
  g_assert_cmpuint (f->isa.edges[IRQ], ==, 1);
  /* A driver that takes one character an interrupt gets another interrupt for the second. */
  g_assert_cmphex (in (f, 0), ==, 'a');
  g_assert_false (f->isa.level[IRQ]);
  run_until (f->isa.level[IRQ]);
  g_assert_cmpuint (f->isa.edges[IRQ], ==, 2);
  g_assert_cmphex (in (f, 0), ==, 'b');
  g_assert_false (f->isa.level[IRQ]);

  /* No timer is left. */
  g_assert_cmpuint (run_ready (), <=, 1);
  g_assert_false (f->isa.level[IRQ]);
}

static void
test_transmit_edges (Fixture *f, gconstpointer data)
{
  /* Each byte's interrupt is an edge of its own. */
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmpuint (f->isa.edges[IRQ], ==, 1);
  out (f, 0, 'a');
  g_assert_cmpuint (f->isa.edges[IRQ], ==, 2);
  out (f, 0, 'b');
  g_assert_cmpuint (f->isa.edges[IRQ], ==, 3);
  test_chardev_assert_output (f->chardev, "ab");

  /* A burst that nothing follows is sent by the timer. */
  out (f, SV_UART_FCR, SV_UART_FCR_ENABLE);
  out (f, 0, 'c');
  out (f, 0, 'd');
  g_assert_false (f->isa.level[IRQ]);
  run_until (f->isa.level[IRQ]);
  test_chardev_assert_output (f->chardev, "cd");
}

static void
test_back_pressure (Fixture *f, gconstpointer data)
{
  f->chardev->room = 0;
  out (f, SV_UART_FCR, SV_UART_FCR_ENABLE);
  out (f, 0, 'a');
  g_assert_cmphex (in (f, SV_UART_LSR) & SV_UART_LSR_THRE, ==, 0);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_false (f->isa.level[IRQ]);
  f->chardev->room = G_MAXSIZE;
  sv_chardev_writable (SV_CHARDEV (f->chardev));
  test_chardev_assert_output (f->chardev, "a");
  g_assert_true (f->isa.level[IRQ]);
}

static void
test_break (Fixture *f, gconstpointer data)
{
  out (f, SV_UART_IER, SV_UART_IER_RLSI);
  sv_chardev_event (SV_CHARDEV (f->chardev), SV_CHARDEV_BREAK);
  g_assert_true (f->isa.level[IRQ]);
  g_assert_cmphex (in (f, SV_UART_LSR) & SV_UART_LSR_BI, !=, 0);
  g_assert_false (f->isa.level[IRQ]);
}

static void
poll_and_write (Fixture *f, const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    {
      g_assert_cmphex (in (f, SV_UART_LSR) & SV_UART_LSR_THRE, !=, 0);
      out (f, 0, *p);
    }
}

static void
test_coalescing (Fixture *f, gconstpointer data)
{
  poll_and_write (f, "abc");
  g_assert_false (f->zone);
  poll_and_write (f, "d");
  g_assert_true (f->zone);
  f->kept = 'e';

  /* A guest that falls silent: the kept byte comes out, and when nothing more comes the zone and
   * the timer go. */
  run_until (f->flushes > 0);
  test_chardev_assert_output (f->chardev, "abcde");
  run_until (!f->zone);
  g_assert_cmpuint (f->flushes, >=, 2);
  f->flushes = 0;
  g_assert_cmpuint (run_ready (), ==, 0);
  g_assert_cmpuint (f->flushes, ==, 0);
}

static void
test_coalescing_and_interrupts (Fixture *f, gconstpointer data)
{
  poll_and_write (f, "abcdef");
  g_assert_true (f->zone);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_false (f->zone);
  test_chardev_assert_output (f->chardev, "abcdef");
}

static void
test_stop (Fixture *f, gconstpointer data)
{
  poll_and_write (f, "abcdef");
  f->kept = 'g';
  sv_device_quiesce (SV_DEVICE (f->serial));
  test_chardev_assert_output (f->chardev, "abcdefg");

  poll_and_write (f, "h");
  f->kept = 'i';
  sv_device_reset (SV_DEVICE (f->serial));
  test_chardev_assert_output (f->chardev, "hi");
  g_assert_false (f->zone);

  poll_and_write (f, "12345");
  f->kept = '6';
  sv_device_unrealize (SV_DEVICE (f->serial));
  test_chardev_assert_output (f->chardev, "123456");
  g_assert_false (f->zone);
}

static void
test_reset (Fixture *f, gconstpointer data)
{
  out (f, SV_UART_FCR, SV_UART_FCR_ENABLE);
  out (f, SV_UART_IER, SV_UART_IER_RDI);
  g_string_append (f->chardev->input, "abcdefghijklmnopq");
  test_chardev_deliver (f->chardev);
  g_assert_true (f->isa.level[IRQ]);
  sv_device_reset (SV_DEVICE (f->serial));
  g_assert_false (f->isa.level[IRQ]);
  g_assert_cmphex (in (f, SV_UART_IER), ==, 0);
  /* What was not delivered yet comes to the new system. */
  g_assert_cmphex (in (f, SV_UART_LSR) & SV_UART_LSR_DR, !=, 0);
  g_assert_cmphex (in (f, 0), ==, 'q');
}

static void
test_ports (Fixture *f, gconstpointer data)
{
  SvSerial *others[3];
  g_autoptr (GError) error = NULL;
  g_autoptr (SvSerial) fifth = g_object_new (SV_TYPE_SERIAL, NULL);
  g_autoptr (SvSerial) again = g_object_new (SV_TYPE_SERIAL, "index", 2, NULL);
  g_autoptr (SvSerial) odd = g_object_new (SV_TYPE_SERIAL, "irq", 16, NULL);
  g_autoptr (SvSerial) high = g_object_new (SV_TYPE_SERIAL, "iobase", 0xfff9, NULL);
  g_autoptr (SvSerial) busy = g_object_new (SV_TYPE_SERIAL, "chardev", f->chardev, NULL);

  g_assert_false (isa_plug (&f->isa, SV_DEVICE (odd), &error));
  g_assert_nonnull (strstr (error->message, "interrupt 16"));
  g_clear_error (&error);
  g_assert_false (isa_plug (&f->isa, SV_DEVICE (high), &error));
  g_assert_nonnull (strstr (error->message, "0xfff9"));
  g_clear_error (&error);
  g_assert_false (isa_plug (&f->isa, SV_DEVICE (busy), &error));
  g_assert_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "'c0'"));
  g_clear_error (&error);

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      others[i] = g_object_new (SV_TYPE_SERIAL, NULL);
      isa_plug (&f->isa, SV_DEVICE (others[i]), &error);
      g_assert_no_error (error);
    }
  g_assert_cmphex (isa_in (&f->isa, 0x2f8 + SV_UART_LSR), ==, 0x60);
  g_assert_cmphex (isa_in (&f->isa, 0x3e8 + SV_UART_LSR), ==, 0x60);
  g_assert_cmphex (isa_in (&f->isa, 0x2e8 + SV_UART_LSR), ==, 0x60);
  isa_out (&f->isa, 0x2f8 + SV_UART_IER, SV_UART_IER_THRI);
  g_assert_true (f->isa.level[3]);
  isa_out (&f->isa, 0x2f8 + SV_UART_IER, 0);
  isa_out (&f->isa, 0x2f8, 'x');

  g_assert_false (isa_plug (&f->isa, SV_DEVICE (fifth), &error));
  g_assert_nonnull (strstr (error->message, "no serial port is left"));
  g_clear_error (&error);
  g_assert_false (isa_plug (&f->isa, SV_DEVICE (again), &error));
  g_assert_nonnull (strstr (error->message, "index"));

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      isa_unplug (SV_DEVICE (others[i]));
      g_object_unref (others[i]);
    }
  test_chardev_assert_output (f->chardev, "");
}

/* The back end may be taken away while the guest writes. */
static void
test_lost_chardev (Fixture *f, gconstpointer data)
{
  f->chardev->room = 0;
  out (f, 0, 'a');
  sv_object_unparent (SV_OBJECT (f->chardev));
  g_assert_cmphex (in (f, SV_UART_LSR), ==, 0x60);
  out (f, 0, 'b');
  g_assert_cmphex (in (f, 0), ==, 0);
  sv_chardev_detach (SV_CHARDEV (f->chardev));
}

static void
test_acpi (Fixture *f, gconstpointer data)
{
  /* EISAID ("PNP0501"); IO (Decode16, 0x3f8, 0x3f8, 1, 8); IRQNoFlags {4} */
  static const guint8 pnp0501[] = { 0x0c, 0x41, 0xd0, 0x05, 0x01 };
  static const guint8 io[] = { 0x47, 0x01, 0xf8, 0x03, 0xf8, 0x03, 0x01, 0x08, 0x22, 0x10, 0x00 };
  g_autoptr (GByteArray) aml = g_byte_array_new ();
  SvAcpiDescribed *described = SV_ACPI_DESCRIBED (f->serial);

  SV_ACPI_DESCRIBED_GET_IFACE (described)->build_aml (described, aml);
  g_assert_nonnull (memmem (aml->data, aml->len, "COM1", 4));
  g_assert_nonnull (memmem (aml->data, aml->len, pnp0501, sizeof pnp0501));
  g_assert_nonnull (memmem (aml->data, aml->len, io, sizeof io));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/serial/first-byte", test_first_byte);
  ADD ("/serial/input", test_input);
  ADD ("/serial/receive-edges", test_receive_edges);
  ADD ("/serial/transmit-edges", test_transmit_edges);
  ADD ("/serial/back-pressure", test_back_pressure);
  ADD ("/serial/break", test_break);
  ADD ("/serial/coalescing", test_coalescing);
  ADD ("/serial/coalescing-and-interrupts", test_coalescing_and_interrupts);
  ADD ("/serial/stop", test_stop);
  ADD ("/serial/reset", test_reset);
  ADD ("/serial/ports", test_ports);
  ADD ("/serial/lost-chardev", test_lost_chardev);
  ADD ("/serial/acpi", test_acpi);
  return g_test_run ();
}
