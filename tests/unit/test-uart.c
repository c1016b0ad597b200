/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "chardev-fixture.h"
#include "hw/char/sv-uart.h"

#define THRE_TEMT (SV_UART_LSR_THRE | SV_UART_LSR_TEMT)

typedef struct
{
  SvUart uart;
  TestChardev *chardev;
  gint64 now;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->chardev = g_object_new (TEST_TYPE_CHARDEV, NULL);
  f->now = 1000000;
  sv_uart_reset (&f->uart);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_object_unref (f->chardev);
}

static guint8
in (Fixture *f, guint offset)
{
  return sv_uart_read (&f->uart, SV_CHARDEV (f->chardev), offset, f->now);
}

static gboolean
out (Fixture *f, guint offset, guint8 value)
{
  return sv_uart_write (&f->uart, SV_CHARDEV (f->chardev), offset, value, f->now);
}

static guint8
iir (Fixture *f)
{
  return in (f, SV_UART_IIR) & 0x0f;
}

static void
receive (Fixture *f, const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    sv_serial_receiver_push (&f->uart.rx, *p);
  sv_serial_receiver_end_burst (&f->uart.rx);
}

static void
enable_fifos (Fixture *f, guint8 trigger)
{
  out (f, SV_UART_FCR, SV_UART_FCR_ENABLE | trigger << 6);
}

/* Linux, drivers/tty/serial/8250/8250_port.c: autoconfig() and autoconfig_16550a() for a 16550A */
static void
test_autoconfig (Fixture *f, gconstpointer data)
{
  guint8 status1;

  out (f, SV_UART_IER, 0);
  g_assert_cmphex (in (f, SV_UART_IER) & 0x0f, ==, 0);
  out (f, SV_UART_IER, 0x0f);
  g_assert_cmphex (in (f, SV_UART_IER) & 0x0f, ==, 0x0f);
  out (f, SV_UART_IER, 0);

  out (f, SV_UART_MCR, SV_UART_MCR_LOOP | 0x0a);
  g_assert_cmphex (in (f, SV_UART_MSR) & 0xf0, ==, 0x90);
  out (f, SV_UART_MCR, 0);

  out (f, SV_UART_LCR, 0xbf);
  out (f, 2, 0);
  out (f, SV_UART_LCR, 0);
  out (f, SV_UART_FCR, SV_UART_FCR_ENABLE);
  g_assert_cmphex (in (f, SV_UART_IIR) >> 6, ==, 3);

  /* Not a 16650, 16850: their EFR reads 0. */
  out (f, SV_UART_LCR, 0x80);
  g_assert_cmphex (in (f, 2), !=, 0);
  out (f, SV_UART_LCR, 0xbf);
  g_assert_cmphex (in (f, 2), !=, 0);

  /* Not a NS16550A of National with its second bank: LOOP shows in EXCR1. */
  out (f, SV_UART_LCR, 0);
  status1 = in (f, SV_UART_MCR);
  out (f, SV_UART_MCR, status1 ^ SV_UART_MCR_LOOP);
  out (f, SV_UART_LCR, 0xe0);
  g_assert_cmphex ((in (f, 2) ^ status1) & SV_UART_MCR_LOOP, ==, 0);
  out (f, SV_UART_LCR, 0);
  out (f, SV_UART_MCR, status1);

  /* Not a 16750: no 64-byte FIFO, whatever LCR says. */
  out (f, SV_UART_FCR, 0x21);
  g_assert_cmphex (in (f, SV_UART_IIR) >> 5, ==, 6);
  out (f, SV_UART_FCR, SV_UART_FCR_ENABLE);
  out (f, SV_UART_LCR, 0x80);
  out (f, SV_UART_FCR, 0x21);
  g_assert_cmphex (in (f, SV_UART_IIR) >> 5, ==, 6);
  out (f, SV_UART_LCR, 0);

  /* Not an XScale: no UUE bit. */
  out (f, SV_UART_IER, 0x40);
  g_assert_cmphex (in (f, SV_UART_IER) & 0x40, ==, 0);
  g_assert_cmphex (in (f, SV_UART_MCR), ==, 0);
}

/* The same file, serial8250_do_startup(): the tests for UART_BUG_TXEN and UART_BUG_THRE */
static void
test_startup_probes (Fixture *f, gconstpointer data)
{
  enable_fifos (f, 0);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmphex (in (f, SV_UART_LSR) & SV_UART_LSR_TEMT, !=, 0);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_THRI);
  out (f, SV_UART_IER, 0);

  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_THRI);
  out (f, SV_UART_IER, 0);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_THRI);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_NONE);
  out (f, SV_UART_IER, 0);
}

static void
test_registers (Fixture *f, gconstpointer data)
{
  out (f, SV_UART_SCR, 0x5a);
  g_assert_cmphex (in (f, SV_UART_SCR), ==, 0x5a);
  out (f, SV_UART_MCR, 0xef);
  g_assert_cmphex (in (f, SV_UART_MCR), ==, 0x0f);
  out (f, SV_UART_IER, 0xff);
  g_assert_cmphex (in (f, SV_UART_IER), ==, 0x0f);

  out (f, SV_UART_LCR, SV_UART_LCR_DLAB | 3);
  out (f, 0, 0x34);
  out (f, 1, 0x12);
  g_assert_cmphex (in (f, 0), ==, 0x34);
  g_assert_cmphex (in (f, 1), ==, 0x12);
  out (f, SV_UART_LCR, 3);
  g_assert_cmphex (in (f, SV_UART_LCR), ==, 3);
  g_assert_cmphex (in (f, SV_UART_IER), ==, 0x0f);
  test_chardev_assert_output (f->chardev, "");

  sv_uart_reset (&f->uart);
  g_assert_cmphex (in (f, SV_UART_IER), ==, 0);
  g_assert_cmphex (in (f, SV_UART_IIR), ==, SV_UART_IIR_NONE);
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT);
  g_assert_cmphex (in (f, SV_UART_MSR), ==, SV_UART_MSR_DCD | SV_UART_MSR_DSR | SV_UART_MSR_CTS);
}

static void
test_loopback (Fixture *f, gconstpointer data)
{
  enable_fifos (f, 0);
  out (f, SV_UART_IER, SV_UART_IER_RDI | SV_UART_IER_MSI);
  out (f, SV_UART_MCR, SV_UART_MCR_LOOP);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 0);
  /* DCD, DSR and CTS fell. */
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_MSI);
  g_assert_cmphex (in (f, SV_UART_MSR), ==, 0x0b);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_NONE);

  out (f, SV_UART_MCR, SV_UART_MCR_LOOP | SV_UART_MCR_OUT1 | SV_UART_MCR_DTR);
  g_assert_cmphex (in (f, SV_UART_MSR), ==, SV_UART_MSR_RI | SV_UART_MSR_DSR | 0x02);
  out (f, SV_UART_MCR, SV_UART_MCR_LOOP);
  g_assert_cmphex (in (f, SV_UART_MSR), ==, SV_UART_MSR_TERI | 0x02);

  out (f, 0, 'x');
  out (f, 0, 'y');
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_RDI);
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT | SV_UART_LSR_DR);
  g_assert_cmphex (in (f, 0), ==, 'x');
  g_assert_cmphex (in (f, 0), ==, 'y');
  for (guint i = 0; i < 17; i++)
    out (f, 0, i);
  g_assert_cmphex (in (f, SV_UART_LSR) & SV_UART_LSR_OE, !=, 0);
  for (guint i = 0; i < 16; i++)
    g_assert_cmphex (in (f, 0), ==, i);
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT);
  test_chardev_assert_output (f->chardev, "");

  out (f, SV_UART_MCR, 0);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 16);
}

static void
test_trigger_levels (Fixture *f, gconstpointer data)
{
  static const guint levels[] = { 1, 4, 8, 14 };

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      enable_fifos (f, i);
      out (f, SV_UART_IER, SV_UART_IER_RDI);
      for (guint n = 1; n < levels[i]; n++)
        {
          receive (f, "a");
          g_assert_cmphex (iir (f), ==, SV_UART_IIR_TIMEOUT);
        }
      receive (f, "a");
      g_assert_cmphex (iir (f), ==, SV_UART_IIR_RDI);
      g_assert_cmphex (in (f, 0), ==, 'a');
      /* Below the level again; no time has passed since. */
      g_assert_cmphex (iir (f), ==, SV_UART_IIR_NONE);
      out (f, SV_UART_FCR, SV_UART_FCR_ENABLE | SV_UART_FCR_CLEAR_RX);
      g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT);
      out (f, SV_UART_FCR, 0);
    }
}

static void
test_receive_timeout (Fixture *f, gconstpointer data)
{
  enable_fifos (f, 3);
  out (f, SV_UART_IER, SV_UART_IER_RDI);
  receive (f, "abc");
  g_assert_true (sv_uart_has_interrupt (&f->uart));
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_TIMEOUT);
  /* IIR does not take it away, reading does, and for the rest it comes again. */
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_TIMEOUT);
  g_assert_cmphex (in (f, 0), ==, 'a');
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  g_assert_cmpint (f->uart.rx.deadline, ==, f->now + SV_SERIAL_RX_TIMEOUT_US);

  f->now += SV_SERIAL_RX_TIMEOUT_US - 1;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  f->now++;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_TIMEOUT);
  g_assert_cmphex (in (f, 0), ==, 'b');
  g_assert_cmphex (in (f, 0), ==, 'c');
  f->now += 2 * SV_SERIAL_RX_TIMEOUT_US;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_NONE);
}

static void
test_priority (Fixture *f, gconstpointer data)
{
  enable_fifos (f, 0);
  out (f, SV_UART_IER, SV_UART_IER_MASK);
  out (f, SV_UART_MCR, SV_UART_MCR_LOOP | SV_UART_MCR_RTS);
  for (guint i = 0; i < 17; i++)
    out (f, 0, i);

  g_assert_cmphex (in (f, SV_UART_IIR), ==, SV_UART_IIR_FIFOS | SV_UART_IIR_RLSI);
  g_assert_cmphex (in (f, SV_UART_LSR) & SV_UART_LSR_OE, !=, 0);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_RDI);
  for (guint i = 0; i < 16; i++)
    in (f, 0);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_THRI);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_MSI);
  in (f, SV_UART_MSR);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_NONE);
  g_assert_false (sv_uart_has_interrupt (&f->uart));
}

static void
test_16450 (Fixture *f, gconstpointer data)
{
  out (f, SV_UART_IER, SV_UART_IER_RDI);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 1);
  receive (f, "a");
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 0);
  g_assert_cmphex (in (f, SV_UART_IIR), ==, SV_UART_IIR_RDI);
  receive (f, "b");
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT | SV_UART_LSR_DR | SV_UART_LSR_OE);
  g_assert_cmphex (in (f, 0), ==, 'a');
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT);

  /* Trigger bits without the enabling bit count for nothing; switching clears. */
  receive (f, "a");
  out (f, SV_UART_FCR, 0xc0);
  g_assert_cmphex (in (f, SV_UART_IIR), ==, SV_UART_IIR_RDI);
  enable_fifos (f, 0);
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 16);
}

static void
test_break (Fixture *f, gconstpointer data)
{
  enable_fifos (f, 0);
  out (f, SV_UART_IER, SV_UART_IER_RLSI);
  receive (f, "a");
  sv_serial_receiver_push_break (&f->uart.rx);
  /* It shows when it is next, though that there is one shows at once. */
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_NONE);
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT | SV_UART_LSR_DR | SV_UART_LSR_FIFO_ERROR);
  g_assert_cmphex (in (f, 0), ==, 'a');
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_RLSI);
  g_assert_cmphex (in (f, SV_UART_LSR) & SV_UART_LSR_BI, !=, 0);
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT | SV_UART_LSR_DR);
  g_assert_cmphex (in (f, 0), ==, 0);

  /* It waits for room, and what comes after it waits too. */
  receive (f, "0123456789abcdef");
  sv_serial_receiver_push_break (&f->uart.rx);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 0);
  for (const char *p = "0123456789abcdef"; *p != '\0'; p++)
    g_assert_cmphex (in (f, 0), ==, *p);
  g_assert_cmphex (in (f, SV_UART_LSR) & SV_UART_LSR_BI, !=, 0);
  g_assert_cmphex (in (f, 0), ==, 0);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 16);

  receive (f, "0123456789abcdef");
  sv_serial_receiver_push_break (&f->uart.rx);
  out (f, SV_UART_FCR, SV_UART_FCR_ENABLE | SV_UART_FCR_CLEAR_RX);
  g_assert_cmpuint (sv_uart_get_room (&f->uart), ==, 16);
}

static void
test_transmit_interrupt (Fixture *f, gconstpointer data)
{
  enable_fifos (f, 0);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_THRI);
  g_assert_false (sv_uart_has_interrupt (&f->uart));

  /* A few bytes are sent when the driver looks again. */
  for (const char *p = "hello"; *p != '\0'; p++)
    out (f, 0, *p);
  test_chardev_assert_output (f->chardev, "");
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_THRI);
  test_chardev_assert_output (f->chardev, "hello");
  g_assert_cmpuint (f->chardev->n_writes, ==, 1);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_NONE);

  /* One that does not look hears of it soon. */
  out (f, 0, 'x');
  g_assert_cmpint (f->uart.tx.drain_deadline, ==, f->now + SV_SERIAL_DRAIN_DELAY_US);
  f->now += SV_SERIAL_DRAIN_DELAY_US;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  test_chardev_assert_output (f->chardev, "x");
  g_assert_true (sv_uart_has_interrupt (&f->uart));

  /* A full FIFO is sent at once: the line falls and rises. */
  for (guint i = 0; i < 15; i++)
    out (f, 0, 'a');
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  g_assert_true (out (f, 0, 'b'));
  g_assert_true (sv_uart_has_interrupt (&f->uart));
  test_chardev_assert_output (f->chardev, "aaaaaaaaaaaaaaab");

  /* Switching the interrupt off sends the rest. */
  out (f, 0, 'z');
  out (f, SV_UART_IER, 0);
  test_chardev_assert_output (f->chardev, "z");
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT);
}

/* A program that writes word by word */
static void
test_rest (Fixture *f, gconstpointer data)
{
  enable_fifos (f, 0);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_true (sv_uart_has_interrupt (&f->uart));
  out (f, 0, 'a');
  out (f, SV_UART_IER, 0);
  test_chardev_assert_output (f->chardev, "a");

  f->now += 100;
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  f->now += SV_SERIAL_REST_US - 101;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  f->now++;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  g_assert_true (sv_uart_has_interrupt (&f->uart));
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_THRI);

  /* One that looks need not wait: Linux takes the lack of the interrupt for a defect. */
  out (f, 0, 'b');
  out (f, SV_UART_IER, 0);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_THRI);
  out (f, 0, 'c');
  out (f, SV_UART_IER, 0);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT);
  g_assert_true (sv_uart_has_interrupt (&f->uart));

  /* Nor does it go on resting when it writes without being asked, or loses interest. */
  out (f, 0, 'd');
  out (f, SV_UART_IER, 0);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  out (f, 0, 'e');
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_THRI);
  out (f, SV_UART_IER, 0);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  out (f, SV_UART_IER, 0);
  g_assert_cmpint (f->uart.tx.drain_deadline, ==, 0);
  test_chardev_assert_output (f->chardev, "bcde");
}

/* A handler that goes on as long as there is work must come to an end. */
static void
test_endless_handler (Fixture *f, gconstpointer data)
{
  guint rounds = 0;

  enable_fifos (f, 0);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  while (iir (f) == SV_UART_IIR_THRI && rounds < 512)
    {
      for (guint i = 0; i < 16; i++)
        out (f, 0, 'a');
      rounds++;
    }
  g_assert_cmpuint (rounds, <, 128);

  g_assert_false (sv_uart_has_interrupt (&f->uart));
  f->now += SV_SERIAL_DRAIN_DELAY_US;
  sv_uart_run_timers (&f->uart, SV_CHARDEV (f->chardev), f->now);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_THRI);
  g_assert_cmpuint (f->chardev->output->len, ==, rounds * 16);
}

static void
test_back_pressure (Fixture *f, gconstpointer data)
{
  enable_fifos (f, 0);
  f->chardev->room = 2;
  out (f, 0, 'a');
  out (f, 0, 'b');
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT);
  out (f, 0, 'c');
  g_assert_cmphex (in (f, SV_UART_LSR), ==, 0);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_cmphex (iir (f), ==, SV_UART_IIR_NONE);

  /* A driver that does not heed it fills the FIFO, and then loses. */
  for (guint i = 0; i < 1000; i++)
    out (f, 0, 'd');
  f->chardev->room = 3;
  sv_serial_transmitter_unblock (&f->uart.tx, SV_CHARDEV (f->chardev));
  g_assert_cmphex (in (f, SV_UART_LSR), ==, 0);
  g_assert_false (sv_uart_has_interrupt (&f->uart));
  f->chardev->room = G_MAXSIZE;
  sv_serial_transmitter_unblock (&f->uart.tx, SV_CHARDEV (f->chardev));
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT);
  g_assert_true (sv_uart_has_interrupt (&f->uart));
  g_assert_cmpmem (f->chardev->output->str, 4, "abcd", 4);
  g_assert_cmpuint (f->chardev->output->len, <=, 3 + SV_SERIAL_GATHER_SIZE);
  g_assert_cmpuint (f->chardev->output->len, >=, 3 + 16);

  /* A device that goes away is no reason to wait. */
  f->chardev->room = 0;
  out (f, SV_UART_IER, 0);
  out (f, 0, 'x');
  g_assert_cmphex (in (f, SV_UART_LSR), ==, 0);
  g_assert_cmphex (sv_uart_read (&f->uart, NULL, SV_UART_LSR, f->now), ==, THRE_TEMT);
}

/* What the device did not take yet outlives a reset. */
static void
test_reset_keeps_output (Fixture *f, gconstpointer data)
{
  f->chardev->room = 0;
  out (f, 0, 'a');
  receive (f, "lost");
  out (f, SV_UART_IER, SV_UART_IER_MASK);
  sv_uart_reset (&f->uart);
  g_assert_cmphex (in (f, SV_UART_LSR), ==, 0);
  f->chardev->room = G_MAXSIZE;
  sv_serial_transmitter_unblock (&f->uart.tx, SV_CHARDEV (f->chardev));
  test_chardev_assert_output (f->chardev, "a");
  g_assert_cmphex (in (f, SV_UART_LSR), ==, THRE_TEMT);
}

static void
poll_and_write (Fixture *f, const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    {
      g_assert_cmphex (in (f, SV_UART_LSR) & SV_UART_LSR_THRE, !=, 0);
      out (f, 0, *p);
      f->now += 100;
    }
}

static void
test_pacer_starts (Fixture *f, gconstpointer data)
{
  /* Single bytes come out at once. */
  poll_and_write (f, "abc");
  test_chardev_assert_output (f->chardev, "abc");
  g_assert_false (f->uart.tx.pacer.active);
  out (f, 0, '!');
  out (f, 0, '!');
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
test_pacer_wants_haste (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 20; i++)
    {
      poll_and_write (f, "a");
      f->now += SV_SERIAL_PACER_PERIOD_US;
      g_assert_false (f->uart.tx.pacer.active);
    }
}

static void
test_pacer_ends (Fixture *f, gconstpointer data)
{
  SvSerialPacer *pacer = &f->uart.tx.pacer;

  poll_and_write (f, "abcdef");
  g_assert_true (sv_serial_pacer_tick (pacer));
  /* Activity of either kind keeps it going. */
  g_assert_true (sv_serial_pacer_tick (pacer));
  in (f, SV_UART_LSR);
  g_assert_true (sv_serial_pacer_tick (pacer));
  g_assert_true (sv_serial_pacer_tick (pacer));
  out (f, 0, 'x');
  g_assert_true (sv_serial_pacer_tick (pacer));
  g_assert_true (sv_serial_pacer_tick (pacer));
  g_assert_false (sv_serial_pacer_tick (pacer));
  g_assert_false (pacer->active);
  poll_and_write (f, "abc");
  g_assert_false (pacer->active);
}

static void
test_pacer_and_interrupts (Fixture *f, gconstpointer data)
{
  poll_and_write (f, "abcdefg");
  g_assert_true (f->uart.tx.pacer.active);
  out (f, SV_UART_IER, SV_UART_IER_RDI);
  g_assert_true (f->uart.tx.pacer.active);
  out (f, SV_UART_IER, SV_UART_IER_THRI);
  g_assert_false (f->uart.tx.pacer.active);
  test_chardev_assert_output (f->chardev, "abcdefg");

  poll_and_write (f, "abcdefg");
  g_assert_false (f->uart.tx.pacer.active);
  out (f, SV_UART_IER, 0);

  /* Neither the divisor latch nor loopback is a transmit register. */
  out (f, SV_UART_MCR, SV_UART_MCR_LOOP);
  poll_and_write (f, "abcdefg");
  out (f, SV_UART_MCR, 0);
  out (f, SV_UART_LCR, SV_UART_LCR_DLAB);
  poll_and_write (f, "abcdefg");
  out (f, SV_UART_LCR, 0);
  g_assert_false (f->uart.tx.pacer.active);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/uart/autoconfig", test_autoconfig);
  ADD ("/uart/startup-probes", test_startup_probes);
  ADD ("/uart/registers", test_registers);
  ADD ("/uart/loopback", test_loopback);
  ADD ("/uart/trigger-levels", test_trigger_levels);
  ADD ("/uart/receive-timeout", test_receive_timeout);
  ADD ("/uart/priority", test_priority);
  ADD ("/uart/16450", test_16450);
  ADD ("/uart/break", test_break);
  ADD ("/uart/transmit-interrupt", test_transmit_interrupt);
  ADD ("/uart/rest", test_rest);
  ADD ("/uart/endless-handler", test_endless_handler);
  ADD ("/uart/back-pressure", test_back_pressure);
  ADD ("/uart/reset-keeps-output", test_reset_keeps_output);
  ADD ("/uart/pacer/starts", test_pacer_starts);
  ADD ("/uart/pacer/wants-haste", test_pacer_wants_haste);
  ADD ("/uart/pacer/ends", test_pacer_ends);
  ADD ("/uart/pacer/interrupts", test_pacer_and_interrupts);
  return g_test_run ();
}
