/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/unit/uart-fixture.h"

void
uart_fixture_set_up (UartFixture *f, gconstpointer data)
{
  f->chardev = g_object_new (TEST_TYPE_CHARDEV, NULL);
  f->now = 1000000;
  sv_uart_reset (&f->uart);
}

void
uart_fixture_tear_down (UartFixture *f, gconstpointer data)
{
  g_object_unref (f->chardev);
}

guint8
uart_in (UartFixture *f, guint offset)
{
  return sv_uart_read (&f->uart, SV_CHARDEV (f->chardev), offset, f->now);
}

gboolean
uart_out (UartFixture *f, guint offset, guint8 value)
{
  return sv_uart_write (&f->uart, SV_CHARDEV (f->chardev), offset, value, f->now);
}

guint8
uart_iir (UartFixture *f)
{
  return uart_in (f, SV_UART_IIR) & 0x0f;
}

void
uart_receive (UartFixture *f, const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    sv_serial_receiver_push (&f->uart.rx, *p);
  sv_serial_receiver_end_burst (&f->uart.rx);
}

void
uart_enable_fifos (UartFixture *f, guint8 trigger)
{
  uart_out (f, SV_UART_FCR, SV_UART_FCR_ENABLE | trigger << 6);
}
