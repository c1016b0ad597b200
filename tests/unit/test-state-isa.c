/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What devices with ports save: i8042, CMOS clock, serial port. */

#include <string.h>

#include "chardev-fixture.h"
#include "hw/char/sv-serial.h"
#include "hw/char/sv-uart.h"
#include "hw/core/sv-rtc-base.h"
#include "hw/misc/sv-cmos-rtc.h"
#include "hw/misc/sv-i8042.h"
#include "isa-fixture.h"
#include "src/runtime/sv-vm-lock.h"
#include "state-fixture.h"

#define COM1 0x3f8
#define COM1_IRQ 4
#define RTC_IRQ 8

/* Two machines: the one that is saved, the one that goes on. */
typedef struct
{
  IsaFixture isa[2];
  SvObject *device[2];
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  sv_vm_lock ();
  for (guint i = 0; i < 2; i++)
    isa_set_up (&f->isa[i]);
}

static void
plug (Fixture *f, guint i, gpointer device)
{
  g_autoptr (GError) error = NULL;

  f->device[i] = device;
  isa_plug (&f->isa[i], device, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      isa_unplug (SV_DEVICE (f->device[i]));
      g_assert_finalize_object (f->device[i]);
      isa_tear_down (&f->isa[i]);
    }
  sv_vm_unlock ();
}

static guint8
in (Fixture *f, guint i, guint16 port)
{
  return isa_in (&f->isa[i], port);
}

static void
out (Fixture *f, guint16 port, guint8 value)
{
  isa_out (&f->isa[0], port, value);
}

/* --- i8042 --- */

static void
on_reset (SvI8042 *device, guint *resets)
{
  ++*resets;
}

static void
test_i8042 (Fixture *f, gconstpointer data)
{
  guint resets = 0;

  for (guint i = 0; i < 2; i++)
    plug (f, i, g_object_new (SV_TYPE_I8042, NULL));
  g_signal_connect (f->device[1], "reset-requested", G_CALLBACK (on_reset), &resets);

  /* The command comes before, its argument after. */
  out (f, SV_I8042_COMMAND_PORT, 0xd1);
  state_copy (f->device[0], f->device[1]);
  isa_out (&f->isa[1], SV_I8042_DATA_PORT, 0x02);
  g_assert_cmpuint (resets, ==, 1);
  state_torture (f->device[0], f->device[1]);
}

/* --- CMOS --- */

static gint64 host_time[2];

static gint64
get_time (gpointer opaque)
{
  return *(gint64 *)opaque;
}

static guint8
cmos (Fixture *f, guint i, guint8 index)
{
  isa_out (&f->isa[i], SV_CMOS_RTC_PORT, index);
  return in (f, i, SV_CMOS_RTC_PORT + 1);
}

static void
set_cmos (Fixture *f, guint8 index, guint8 value)
{
  out (f, SV_CMOS_RTC_PORT, index);
  out (f, SV_CMOS_RTC_PORT + 1, value);
}

static void
plug_clocks (Fixture *f, SvRtcClock kind)
{
  for (guint i = 0; i < 2; i++)
    {
      SvCmosRtc *rtc = g_object_new (SV_TYPE_CMOS_RTC, "clock", kind, NULL);

      /* Hosts whose clocks have nothing to do with each other */
      host_time[i] = (i == 0 ? 1000000 : 86400000) * (gint64)G_USEC_PER_SEC;
      sv_cmos_rtc_set_clock (rtc, get_time, &host_time[i]);
      plug (f, i, rtc);
    }
}

static void
test_cmos (Fixture *f, gconstpointer data)
{
  plug_clocks (f, SV_RTC_CLOCK_VM);
  set_cmos (f, 0x0a, 0x2f);
  set_cmos (f, 0x0b, 0x06 | 0x20); /* binary, alarm interrupt */
  set_cmos (f, 0x04, 17);
  set_cmos (f, 0x02, 42);
  set_cmos (f, 0x01, 0xff);
  set_cmos (f, 0x40, 0x5a);
  out (f, SV_CMOS_RTC_PORT, 0x40);
  /* An alarm that the guest has not looked at */
  host_time[0] += 61 * (gint64)G_USEC_PER_SEC;
  set_cmos (f, 0x0b, 0x06 | 0x20 | 0x10);
  out (f, SV_CMOS_RTC_PORT, 0x40);

  state_copy (f->device[0], f->device[1]);
  /* The index is kept, so the next read of the data port says what it would have. */
  g_assert_cmphex (in (f, 1, SV_CMOS_RTC_PORT + 1), ==, 0x5a);
  g_assert_cmphex (cmos (f, 1, 0x0a), ==, cmos (f, 0, 0x0a));
  for (guint8 index = 0; index < 10; index++)
    g_assert_cmphex (cmos (f, 1, index), ==, cmos (f, 0, index));
  g_assert_true (f->isa[1].level[RTC_IRQ]);
  g_assert_cmphex (cmos (f, 1, 0x0c), ==, cmos (f, 0, 0x0c));
  g_assert_false (f->isa[1].level[RTC_IRQ]);

  state_assert_refused (f->device[0], f->device[1], "0/2/0/0", g_variant_new_byte (0x80), "*index is 128*");
  state_assert_refused (f->device[0], f->device[1], "0/2/0/1/1", g_variant_new_int64 (G_MAXINT64), "*time is 9223372036854775807*");
  g_assert_cmpuint (state_torture (f->device[0], f->device[1]), >, 5);
}

/* --- serial port --- */

static TestChardev *lines[2];

static void
plug_ports (Fixture *f)
{
  for (guint i = 0; i < 2; i++)
    {
      lines[i] = g_object_new (TEST_TYPE_CHARDEV, NULL);
      g_assert_true (sv_object_add_child (f->isa[i].root, "c0", SV_OBJECT (lines[i]), NULL));
      g_object_unref (lines[i]);
      plug (f, i, g_object_new (SV_TYPE_SERIAL, "chardev", lines[i], NULL));
    }
}

static void
test_serial_receive (Fixture *f, gconstpointer data)
{
  plug_ports (f);
  out (f, COM1 + SV_UART_FCR, SV_UART_FCR_ENABLE | 0xc0);
  out (f, COM1 + SV_UART_IER, SV_UART_IER_RDI);
  out (f, COM1 + SV_UART_SCR, 0x5a);
  out (f, COM1 + SV_UART_LCR, SV_UART_LCR_DLAB | 3);
  out (f, COM1 + SV_UART_DATA, 1);
  out (f, COM1 + SV_UART_LCR, 3);
  g_string_append (lines[0]->input, "Hello");
  test_chardev_deliver (lines[0]);
  g_assert_cmphex (in (f, 0, COM1), ==, 'H');

  state_copy (f->device[0], f->device[1]);
  g_assert_cmpint (f->isa[1].level[COM1_IRQ], ==, f->isa[0].level[COM1_IRQ]);
  g_assert_cmphex (in (f, 1, COM1 + SV_UART_SCR), ==, 0x5a);
  for (const char *c = "ello"; *c != '\0'; c++)
    {
      g_assert_cmphex (in (f, 1, COM1 + SV_UART_LSR) & SV_UART_LSR_DR, ==, SV_UART_LSR_DR);
      g_assert_cmphex (in (f, 1, COM1), ==, *c);
    }
  g_assert_cmphex (in (f, 1, COM1 + SV_UART_LSR) & SV_UART_LSR_DR, ==, 0);
  g_assert_cmpuint (state_torture (f->device[0], f->device[1]), >, 20);
}

static void
test_serial_transmit (Fixture *f, gconstpointer data)
{
  plug_ports (f);
  /* Nobody reads there: what was written waits, and is sent from here. */
  lines[0]->room = 0;
  out (f, COM1 + SV_UART_IER, SV_UART_IER_THRI);
  for (const char *c = "lost?"; *c != '\0'; c++)
    out (f, COM1, (guint8)*c);
  sv_device_quiesce (SV_DEVICE (f->device[0]));
  g_assert_cmphex (in (f, 0, COM1 + SV_UART_LSR) & SV_UART_LSR_THRE, ==, 0);
  lines[1]->room = 0;
  state_copy (f->device[0], f->device[1]);
  g_assert_cmphex (in (f, 1, COM1 + SV_UART_LSR) & SV_UART_LSR_THRE, ==, 0);
  lines[1]->room = 100;
  sv_chardev_writable (SV_CHARDEV (lines[1]));
  test_chardev_assert_output (lines[1], "lost?");
  g_assert_true (f->isa[1].level[COM1_IRQ]);
  g_assert_cmphex (in (f, 1, COM1 + SV_UART_IIR) & 0xf, ==, SV_UART_IIR_THRI);

  state_assert_refused (f->device[0], f->device[1], "0/2/0/0/0", g_variant_new_byte (0x10), "*IER is 0x10*");
  state_torture (f->device[0], f->device[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/state/i8042", Fixture, NULL, set_up, test_i8042, tear_down);
  g_test_add ("/state/cmos", Fixture, NULL, set_up, test_cmos, tear_down);
  g_test_add ("/state/serial/receive", Fixture, NULL, set_up, test_serial_receive, tear_down);
  g_test_add ("/state/serial/transmit", Fixture, NULL, set_up, test_serial_transmit, tear_down);
  return g_test_run ();
}
