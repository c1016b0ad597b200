/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/char/sv-uart.h"
#include "tests/unit/chardev-fixture.h"

#define THRE_TEMT (SV_UART_LSR_THRE | SV_UART_LSR_TEMT)

/* A UART as its driver meets it, with the time in the test's hand. */
typedef struct
{
  SvUart uart;
  TestChardev *chardev;
  gint64 now;
} UartFixture;

void uart_fixture_set_up (UartFixture *f, gconstpointer data);
void uart_fixture_tear_down (UartFixture *f, gconstpointer data);
#define UART_FIXTURE_ADD(path, func)                                                                                   \
  g_test_add (path, UartFixture, NULL, uart_fixture_set_up, func, uart_fixture_tear_down)

guint8 uart_in (UartFixture *f, guint offset);
gboolean uart_out (UartFixture *f, guint offset, guint8 value);
/* Which interrupt is told of; the lower four bits */
guint8 uart_iir (UartFixture *f);
/* From outside, all at once */
void uart_receive (UartFixture *f, const char *text);
/* @trigger: 0 to 3, for 1, 4, 8 and 14 characters */
void uart_enable_fifos (UartFixture *f, guint8 trigger);
