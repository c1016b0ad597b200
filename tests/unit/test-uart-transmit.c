/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A UART's transmitter: its interrupt, a device that takes no more, writes that the kernel may keep back. */

#include "tests/unit/uart-fixture.h"

static void
test_transmit_interrupt (UartFixture *f, gconstpointer data)
{
  uart_enable_fifos (f, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_THRI);
  g_assert_false (sv_uart_has_interrupt (&f->uart));

  /* A few bytes are sent when the driver looks again. */
  for (const char *p = "hello"; *p != '\0'; p++)
    uart_out (f, 0, *p);
  test_chardev_assert_output (f->chardev, "");
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_THRI);
  test_chardev_assert_output (f->chardev, "hello");
  g_assert_cmpuint (f->chardev->n_writes, ==, 1);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_NONE);

  /* One that does not look hears of it soon. */
  uart_out (f, 0, 'x');
  g_assert_cmpint (f->uart.tx.drain_deadline, ==, f->now + SV_SERIAL_DRAIN_DELAY_US);
  f->now += SV_SERIAL_DRAIN_DELAY_US;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  test_chardev_assert_output (f->chardev, "x");
  g_assert_true (sv_uart_has_interrupt (&f->uart));

  /* A full FIFO is sent at once: the line falls and rises. */
  for (guint i = 0; i < 15; i++)
    uart_out (f, 0, 'a');
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  g_assert_true (uart_out (f, 0, 'b'));
  g_assert_true (sv_uart_has_interrupt (&f->uart));
  test_chardev_assert_output (f->chardev, "aaaaaaaaaaaaaaab");

  /* Switching the interrupt off sends the rest. */
  uart_out (f, 0, 'z');
  uart_out (f, SV_UART_IER, 0);
  test_chardev_assert_output (f->chardev, "z");
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT);
}

/* A program that writes word by word */
static void
test_rest (UartFixture *f, gconstpointer data)
{
  uart_enable_fifos (f, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_true (sv_uart_has_interrupt (&f->uart));
  uart_out (f, 0, 'a');
  uart_out (f, SV_UART_IER, 0);
  test_chardev_assert_output (f->chardev, "a");

  f->now += 100;
  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  f->now += SV_SERIAL_REST_US - 101;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  f->now++;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  g_assert_true (sv_uart_has_interrupt (&f->uart));
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_THRI);

  /* One that looks need not wait: Linux takes the lack of the interrupt for a defect. */
  uart_out (f, 0, 'b');
  uart_out (f, SV_UART_IER, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_THRI);
  uart_out (f, 0, 'c');
  uart_out (f, SV_UART_IER, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT);
  g_assert_true (sv_uart_has_interrupt (&f->uart));

  /* Nor does it go on resting when it writes without being asked, or loses interest. */
  uart_out (f, 0, 'd');
  uart_out (f, SV_UART_IER, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  uart_out (f, 0, 'e');
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_THRI);
  uart_out (f, SV_UART_IER, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  uart_out (f, SV_UART_IER, 0);
  g_assert_cmpint (f->uart.tx.drain_deadline, ==, 0);
  test_chardev_assert_output (f->chardev, "bcde");
}

/* A handler that goes on as long as there is work must come to an end. */
static void
test_endless_handler (UartFixture *f, gconstpointer data)
{
  guint rounds = 0;

  uart_enable_fifos (f, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  while (uart_iir (f) == SV_UART_IIR_THRI && rounds < 512)
    {
      for (guint i = 0; i < 16; i++)
        uart_out (f, 0, 'a');
      rounds++;
    }
  g_assert_cmpuint (rounds, <, 128);

  g_assert_false (sv_uart_has_interrupt (&f->uart));
  f->now += SV_SERIAL_DRAIN_DELAY_US;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_THRI);
  g_assert_cmpuint (f->chardev->output->len, ==, rounds * 16);
}

static void
test_back_pressure (UartFixture *f, gconstpointer data)
{
  uart_enable_fifos (f, 0);
  f->chardev->room = 2;
  uart_out (f, 0, 'a');
  uart_out (f, 0, 'b');
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT);
  uart_out (f, 0, 'c');
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, 0);
  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmphex (uart_iir (f), ==, SV_UART_IIR_NONE);

  /* A driver that does not heed it fills the FIFO, and then loses. */
  for (guint i = 0; i < 1000; i++)
    uart_out (f, 0, 'd');
  f->chardev->room = 3;
  sv_serial_transmitter_unblock (&f->uart.tx, SV_CHARDEV (f->chardev));
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, 0);
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  f->chardev->room = G_MAXSIZE;
  sv_serial_transmitter_unblock (&f->uart.tx, SV_CHARDEV (f->chardev));
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT);
  g_assert_true (sv_uart_has_interrupt (&f->uart));
  g_assert_cmpmem (f->chardev->output->str, 4, "abcd", 4);
  g_assert_cmpuint (f->chardev->output->len, <=, 3 + SV_SERIAL_GATHER_SIZE);
  g_assert_cmpuint (f->chardev->output->len, >=, 3 + 16);

  /* A device that goes away is no reason to wait. */
  f->chardev->room = 0;
  uart_out (f, SV_UART_IER, 0);
  uart_out (f, 0, 'x');
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, 0);
  g_assert_cmphex (sv_uart_read (&f->uart, NULL, SV_UART_LSR, f->now), ==, THRE_TEMT);
}

/* What the device did not take yet outlives a reset. */
static void
test_reset_keeps_output (UartFixture *f, gconstpointer data)
{
  f->chardev->room = 0;
  uart_out (f, 0, 'a');
  uart_receive (f, "lost");
  uart_out (f, SV_UART_IER, SV_UART_IER_MASK);
  sv_uart_reset (&f->uart);
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, 0);
  f->chardev->room = G_MAXSIZE;
  sv_serial_transmitter_unblock (&f->uart.tx, SV_CHARDEV (f->chardev));
  test_chardev_assert_output (f->chardev, "a");
  g_assert_cmphex (uart_in (f, SV_UART_LSR), ==, THRE_TEMT);
}

static void
poll_and_write (UartFixture *f, const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    {
      g_assert_cmphex (uart_in (f, SV_UART_LSR) & SV_UART_LSR_THRE, !=, 0);
      uart_out (f, 0, *p);
      f->now += 100;
    }
}

static void
test_pacer_starts (UartFixture *f, gconstpointer data)
{
  /* Single bytes come out at once. */
  poll_and_write (f, "abc");
  test_chardev_assert_output (f->chardev, "abc");
  g_assert_false (f->uart.tx.pacer.active);
  uart_out (f, 0, '!');
  uart_out (f, 0, '!');
  test_chardev_assert_output (f->chardev, "!!");
  g_assert_false (f->uart.tx.pacer.active);

  poll_and_write (f, "d");
  g_assert_true (f->uart.tx.pacer.active);
  g_assert_cmpint (f->uart.tx.tick_deadline, ==, f->now - 100 + SV_SERIAL_PACER_PERIOD_US);
  g_string_truncate (f->chardev->output, 0);

  /* From now on a line costs one write. */
  f->chardev->n_writes = 0;
  poll_and_write (f, "one line");
  test_chardev_assert_output (f->chardev, "");
  poll_and_write (f, "\r\n");
  g_assert_cmpuint (f->chardev->n_writes, ==, 1);
  test_chardev_assert_output (f->chardev, "done line\r\n");
  for (guint i = 0; i < SV_SERIAL_GATHER_SIZE; i++)
    poll_and_write (f, "x");
  g_assert_cmpuint (f->chardev->n_writes, ==, 2);
}

static void
test_pacer_wants_haste (UartFixture *f, gconstpointer data)
{
  for (guint i = 0; i < 20; i++)
    {
      poll_and_write (f, "a");
      f->now += SV_SERIAL_PACER_PERIOD_US;
      g_assert_false (f->uart.tx.pacer.active);
    }
}

static void
test_pacer_ends (UartFixture *f, gconstpointer data)
{
  SvSerialPacer *pacer = &f->uart.tx.pacer;

  poll_and_write (f, "abcdef");
  g_assert_true (sv_serial_pacer_tick (pacer));
  /* Activity of either kind keeps it going. */
  g_assert_true (sv_serial_pacer_tick (pacer));
  uart_in (f, SV_UART_LSR);
  g_assert_true (sv_serial_pacer_tick (pacer));
  g_assert_true (sv_serial_pacer_tick (pacer));
  uart_out (f, 0, 'x');
  g_assert_true (sv_serial_pacer_tick (pacer));
  g_assert_true (sv_serial_pacer_tick (pacer));
  g_assert_false (sv_serial_pacer_tick (pacer));
  g_assert_false (pacer->active);
  poll_and_write (f, "abc");
  g_assert_false (pacer->active);
}

static void
test_pacer_and_interrupts (UartFixture *f, gconstpointer data)
{
  poll_and_write (f, "abcdefg");
  g_assert_true (f->uart.tx.pacer.active);
  uart_out (f, SV_UART_IER, SV_UART_IER_RDI);
  g_assert_true (f->uart.tx.pacer.active);
  uart_out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_false (f->uart.tx.pacer.active);
  test_chardev_assert_output (f->chardev, "abcdefg");

  poll_and_write (f, "abcdefg");
  g_assert_false (f->uart.tx.pacer.active);
  uart_out (f, SV_UART_IER, 0);

  /* Neither the divisor latch nor loopback is a transmit register. */
  uart_out (f, SV_UART_MCR, SV_UART_MCR_LOOP);
  poll_and_write (f, "abcdefg");
  uart_out (f, SV_UART_MCR, 0);
  uart_out (f, SV_UART_LCR, SV_UART_LCR_DLAB);
  poll_and_write (f, "abcdefg");
  uart_out (f, SV_UART_LCR, 0);
  g_assert_false (f->uart.tx.pacer.active);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  UART_FIXTURE_ADD ("/uart/transmit-interrupt", test_transmit_interrupt);
  UART_FIXTURE_ADD ("/uart/rest", test_rest);
  UART_FIXTURE_ADD ("/uart/endless-handler", test_endless_handler);
  UART_FIXTURE_ADD ("/uart/back-pressure", test_back_pressure);
  UART_FIXTURE_ADD ("/uart/reset-keeps-output", test_reset_keeps_output);
  UART_FIXTURE_ADD ("/uart/pacer/starts", test_pacer_starts);
  UART_FIXTURE_ADD ("/uart/pacer/wants-haste", test_pacer_wants_haste);
  UART_FIXTURE_ADD ("/uart/pacer/ends", test_pacer_ends);
  UART_FIXTURE_ADD ("/uart/pacer/interrupts", test_pacer_and_interrupts);
  return g_test_run ();
}
