/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A UART: what drivers look for, registers, loopback, the receiver. */

#include "tests/unit/uart-fixture.h"

/* Linux, drivers/tty/serial/8250/8250_port.c: autoconfig() and autoconfig_16550a() for a 16550A */
static void
test_autoconfig (UartFixture *f, gconstpointer data)
{
  guint8 status1;

  uart_out (f, SV_UART_IER, 0);
  g_assert_cmphex (uart_in (f, SV_UART_IER) & 0x0f, ==, 0);
  uart_out (f, SV_UART_IER, 0x0f);
  g_assert_cmphex (uart_in (f, SV_UART_IER) & 0x0f, ==, 0x0f);
  uart_out (f, SV_UART_IER, 0);

  uart_out (f, SV_UART_MCR, SV_UART_MCR_LOOP | 0x0a);
  g_assert_cmphex (uart_in (f, SV_UART_MSR) & 0xf0, ==, 0x90);
  uart_out (f, SV_UART_MCR, 0);

  uart_out (f, SV_UART_LCR, 0xbf);
  uart_out (f, 2, 0);
  uart_out (f, SV_UART_LCR, 0);
  uart_out (f, SV_UART_FCR, SV_UART_FCR_ENABLE);
  g_assert_cmphex (uart_in (f, SV_UART_IIR) >> 6, ==, 3);

  /* Not a 16650, 16850: their EFR reads 0. */
  uart_out (f, SV_UART_LCR, 0x80);
  g_assert_cmphex (uart_in (f, 2), !=, 0);
  uart_out (f, SV_UART_LCR, 0xbf);
  g_assert_cmphex (uart_in (f, 2), !=, 0);

  /* Not a NS16550A of National with its second bank: LOOP shows in EXCR1. */
  uart_out (f, SV_UART_LCR, 0);
  status1 = uart_in (f, SV_UART_MCR);
  uart_out (f, SV_UART_MCR, status1 ^ SV_UART_MCR_LOOP);
  uart_out (f, SV_UART_LCR, 0xe0);
  g_assert_cmphex ((uart_in (f, 2) ^ status1) & SV_UART_MCR_LOOP, ==, 0);
  uart_out (f, SV_UART_LCR, 0);
  uart_out (f, SV_UART_MCR, status1);

  /* Not a 16750: no 64-byte FIFO, whatever LCR says. */
  uart_out (f, SV_UART_FCR, 0x21);
  g_assert_cmphex (uart_in (f, SV_UART_IIR) >> 5, ==, 6);
  uart_out (f, SV_UART_FCR, SV_UART_FCR_ENABLE);
  uart_out (f, SV_UART_LCR, 0x80);
  uart_out (f, SV_UART_FCR, 0x21);
  g_assert_cmphex (uart_in (f, SV_UART_IIR) >> 5, ==, 6);
  uart_out (f, SV_UART_LCR, 0);

  /* Not an XScale: no UUE bit. */
  uart_out (f, SV_UART_IER, 0x40);
  g_assert_cmphex (uart_in (f, SV_UART_IER) & 0x40, ==, 0);
  g_assert_cmphex (uart_in (f, SV_UART_MCR), ==, 0);
}

/* The same file, serial8250_do_startup(): the tests for UART_BUG_TXEN and UART_BUG_THRE */
static void
test_startup_probes (UartFixture *f, gconstpointer data)
{
  uart_enable_fifos (f, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmphex (uart_in (f, SV_UART_LSR) & SV_UART_LSR_TEMT, !=, 0);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_THRI);
  uart_out (f, SV_UART_IER, 0);

  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_THRI);
  uart_out (f, SV_UART_IER, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_THRI);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_NONE);
  uart_out (f, SV_UART_IER, 0);
}

static void
test_registers (UartFixture *f, gconstpointer data)
{
  uart_out (f, SV_UART_SCR, 0x5a);
  g_assert_cmphex (uart_in (f, SV_UART_SCR), ==, 0x5a);
  uart_out (f, SV_UART_MCR, 0xef);
  g_assert_cmphex (uart_in (f, SV_UART_MCR), ==, 0x0f);
  uart_out (f, SV_UART_IER, 0xff);
  g_assert_cmphex (uart_in (f, SV_UART_IER), ==, 0x0f);

  uart_out (f, SV_UART_LCR, SV_UART_LCR_DLAB | 3);
  uart_out (f, 0, 0x34);
  uart_out (f, 1, 0x12);
  g_assert_cmphex (uart_in (f, 0), ==, 0x34);
  g_assert_cmphex (uart_in (f, 1), ==, 0x12);
  uart_out (f, SV_UART_LCR, 3);
  g_assert_cmphex (uart_in (f, SV_UART_LCR), ==, 3);
  g_assert_cmphex (uart_in (f, SV_UART_IER), ==, 0x0f);
  test_chardev_assert_output (f->chardev, "");

  sv_uart_reset (&f->uart);
  g_assert_cmphex (uart_in (f, SV_UART_IER), ==, 0);
  g_assert_cmphex (uart_in (f, SV_UART_IIR), ==, SV_UART_IIR_NONE);
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT);
  g_assert_cmphex (uart_in (f, SV_UART_MSR), ==, SV_UART_MSR_DCD | SV_UART_MSR_DSR | SV_UART_MSR_CTS);
}

static void
test_loopback (UartFixture *f, gconstpointer data)
{
  uart_enable_fifos (f, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_RDI | SV_UART_IER_MSI);
  uart_out (f, SV_UART_MCR, SV_UART_MCR_LOOP);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 0);
  /* DCD, DSR and CTS fell. */
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_MSI);
  g_assert_cmphex (uart_in (f, SV_UART_MSR), ==, 0x0b);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_NONE);

  uart_out (f, SV_UART_MCR, SV_UART_MCR_LOOP | SV_UART_MCR_OUT1 | SV_UART_MCR_DTR);
  g_assert_cmphex (uart_in (f, SV_UART_MSR), ==, SV_UART_MSR_RI | SV_UART_MSR_DSR | 0x02);
  uart_out (f, SV_UART_MCR, SV_UART_MCR_LOOP);
  g_assert_cmphex (uart_in (f, SV_UART_MSR), ==, SV_UART_MSR_TERI | 0x02);

  uart_out (f, 0, 'x');
  uart_out (f, 0, 'y');
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_RDI);
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT | SV_UART_LSR_DR);
  g_assert_cmphex (uart_in (f, 0), ==, 'x');
  g_assert_cmphex (uart_in (f, 0), ==, 'y');
  for (guint i = 0; i < 17; i++)
    uart_out (f, 0, i);
  g_assert_cmphex (uart_in (f, SV_UART_LSR) & SV_UART_LSR_OE, !=, 0);
  for (guint i = 0; i < 16; i++)
    g_assert_cmphex (uart_in (f, 0), ==, i);
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT);
  test_chardev_assert_output (f->chardev, "");

  uart_out (f, SV_UART_MCR, 0);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 16);
}

static void
test_trigger_levels (UartFixture *f, gconstpointer data)
{
  static const guint levels[] = { 1, 4, 8, 14 };

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      uart_enable_fifos (f, i);
      uart_out (f, SV_UART_IER, SV_UART_IER_RDI);
      for (guint n = 1; n < levels[i]; n++)
        {
          uart_receive (f, "a");
          g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_TIMEOUT);
        }
      uart_receive (f, "a");
      g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_RDI);
      g_assert_cmphex (uart_in (f, 0), ==, 'a');
      /* Below the level again; no time has passed since. */
      g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_NONE);
      uart_out (f, SV_UART_FCR, SV_UART_FCR_ENABLE | SV_UART_FCR_CLEAR_RX);
      g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT);
      uart_out (f, SV_UART_FCR, 0);
    }
}

static void
test_receive_timeout (UartFixture *f, gconstpointer data)
{
  uart_enable_fifos (f, 3);
  uart_out (f, SV_UART_IER, SV_UART_IER_RDI);
  uart_receive (f, "abc");
  g_assert_true (sv_uart_has_interrupt (&f->uart));
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_TIMEOUT);
  /* IIR does not take it away, reading does, and for the rest it comes again. */
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_TIMEOUT);
  g_assert_cmphex (uart_in (f, 0), ==, 'a');
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  g_assert_cmpint (f->uart.rx.deadline, ==, f->now + SV_SERIAL_RX_TIMEOUT_US);

  f->now += SV_SERIAL_RX_TIMEOUT_US - 1;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  f->now++;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_TIMEOUT);
  g_assert_cmphex (uart_in (f, 0), ==, 'b');
  g_assert_cmphex (uart_in (f, 0), ==, 'c');
  f->now += 2 * SV_SERIAL_RX_TIMEOUT_US;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_NONE);
}

static void
test_priority (UartFixture *f, gconstpointer data)
{
  uart_enable_fifos (f, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_MASK);
  uart_out (f, SV_UART_MCR, SV_UART_MCR_LOOP | SV_UART_MCR_RTS);
  for (guint i = 0; i < 17; i++)
    uart_out (f, 0, i);

  g_assert_cmphex (uart_in (f, SV_UART_IIR), ==, SV_UART_IIR_FIFOS | SV_UART_IIR_RLSI);
  g_assert_cmphex (uart_in (f, SV_UART_LSR) & SV_UART_LSR_OE, !=, 0);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_RDI);
  for (guint i = 0; i < 16; i++)
    uart_in (f, 0);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_THRI);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_MSI);
  uart_in (f, SV_UART_MSR);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_NONE);
  g_assert_false (sv_uart_has_interrupt (&f->uart));
}

static void
test_16450 (UartFixture *f, gconstpointer data)
{
  uart_out (f, SV_UART_IER, SV_UART_IER_RDI);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 1);
  uart_receive (f, "a");
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 0);
  g_assert_cmphex (uart_in (f, SV_UART_IIR), ==, SV_UART_IIR_RDI);
  uart_receive (f, "b");
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT | SV_UART_LSR_DR | SV_UART_LSR_OE);
  g_assert_cmphex (uart_in (f, 0), ==, 'a');
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT);

  /* Trigger bits without the enabling bit count for nothing; switching clears. */
  uart_receive (f, "a");
  uart_out (f, SV_UART_FCR, 0xc0);
  g_assert_cmphex (uart_in (f, SV_UART_IIR), ==, SV_UART_IIR_RDI);
  uart_enable_fifos (f, 0);
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 16);
}

static void
test_break (UartFixture *f, gconstpointer data)
{
  uart_enable_fifos (f, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_RLSI);
  uart_receive (f, "a");
  sv_serial_receiver_push_break (&f->uart.rx);
  /* It shows when it is next, though that there is one shows at once. */
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_NONE);
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT | SV_UART_LSR_DR | SV_UART_LSR_FIFO_ERROR);
  g_assert_cmphex (uart_in (f, 0), ==, 'a');
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_RLSI);
  g_assert_cmphex (uart_in (f, SV_UART_LSR) & SV_UART_LSR_BI, !=, 0);
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT | SV_UART_LSR_DR);
  g_assert_cmphex (uart_in (f, 0), ==, 0);

  /* It waits for room, and what comes after it waits too. */
  uart_receive (f, "0123456789abcdef");
  sv_serial_receiver_push_break (&f->uart.rx);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 0);
  for (const char *p = "0123456789abcdef"; *p != '\0'; p++)
    g_assert_cmphex (uart_in (f, 0), ==, *p);
  g_assert_cmphex (uart_in (f, SV_UART_LSR) & SV_UART_LSR_BI, !=, 0);
  g_assert_cmphex (uart_in (f, 0), ==, 0);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 16);

  uart_receive (f, "0123456789abcdef");
  sv_serial_receiver_push_break (&f->uart.rx);
  uart_out (f, SV_UART_FCR, SV_UART_FCR_ENABLE | SV_UART_FCR_CLEAR_RX);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 16);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  UART_FIXTURE_ADD ("/uart/autoconfig", test_autoconfig);
  UART_FIXTURE_ADD ("/uart/startup-probes", test_startup_probes);
  UART_FIXTURE_ADD ("/uart/registers", test_registers);
  UART_FIXTURE_ADD ("/uart/loopback", test_loopback);
  UART_FIXTURE_ADD ("/uart/trigger-levels", test_trigger_levels);
  UART_FIXTURE_ADD ("/uart/receive-timeout", test_receive_timeout);
  UART_FIXTURE_ADD ("/uart/priority", test_priority);
  UART_FIXTURE_ADD ("/uart/16450", test_16450);
  UART_FIXTURE_ADD ("/uart/break", test_break);
  return g_test_run ();
}
