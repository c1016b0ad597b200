/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/char/sv-serial-receiver.h"
#include "hw/char/sv-serial-transmitter.h"

G_BEGIN_DECLS

/*
 * Registers and interrupts of a 16550A (PC16550D, National Semiconductor, June 1995), apart from machine, main loop and
 * clock.
 */

/* Offsets; table II */
enum
{
  SV_UART_DATA = 0, /* RBR, THR; DLL */
  SV_UART_IER = 1,  /* DLM */
  SV_UART_IIR = 2,
  SV_UART_FCR = 2,
  SV_UART_LCR = 3,
  SV_UART_MCR = 4,
  SV_UART_LSR = 5,
  SV_UART_MSR = 6,
  SV_UART_SCR = 7,
  SV_UART_N_REGISTERS = 8,
};

#define SV_UART_IER_RDI 0x01
#define SV_UART_IER_THRI 0x02
#define SV_UART_IER_RLSI 0x04
#define SV_UART_IER_MSI 0x08
#define SV_UART_IER_MASK 0x0f

#define SV_UART_IIR_MSI 0x00
#define SV_UART_IIR_NONE 0x01
#define SV_UART_IIR_THRI 0x02
#define SV_UART_IIR_RDI 0x04
#define SV_UART_IIR_RLSI 0x06
#define SV_UART_IIR_TIMEOUT 0x0c
#define SV_UART_IIR_FIFOS 0xc0

#define SV_UART_FCR_ENABLE 0x01
#define SV_UART_FCR_CLEAR_RX 0x02
#define SV_UART_FCR_CLEAR_TX 0x04

#define SV_UART_LCR_DLAB 0x80

#define SV_UART_MCR_DTR 0x01
#define SV_UART_MCR_RTS 0x02
#define SV_UART_MCR_OUT1 0x04
#define SV_UART_MCR_OUT2 0x08
#define SV_UART_MCR_LOOP 0x10
#define SV_UART_MCR_MASK 0x1f

#define SV_UART_LSR_DR 0x01
#define SV_UART_LSR_OE SV_SERIAL_OVERRUN
#define SV_UART_LSR_BI SV_SERIAL_BREAK
#define SV_UART_LSR_THRE 0x20
#define SV_UART_LSR_TEMT 0x40
#define SV_UART_LSR_FIFO_ERROR 0x80

#define SV_UART_MSR_DELTAS 0x0f
#define SV_UART_MSR_TERI 0x04
#define SV_UART_MSR_CTS 0x10
#define SV_UART_MSR_DSR 0x20
#define SV_UART_MSR_RI 0x40
#define SV_UART_MSR_DCD 0x80

typedef struct
{
  guint8 ier;
  guint8 fcr;
  guint8 lcr;
  guint8 mcr;
  guint8 msr;
  guint8 scr;
  guint16 divisor;
  SvSerialReceiver rx;
  SvSerialTransmitter tx;
} SvUart;

/* To be called first of all. Input that nobody read is gone; output stays on its way. */
void sv_uart_reset (SvUart *self);
/* @chardev (nullable): where output goes; @now: monotonic, microseconds */
guint8 sv_uart_read (SvUart *self, SvChardev *chardev, guint offset, gint64 now);
/* TRUE when the interrupt line was low for a moment, although it may be high again. */
gboolean sv_uart_write (SvUart *self, SvChardev *chardev, guint offset, guint8 value, gint64 now);
/* Level of the interrupt line */
gboolean sv_uart_has_interrupt (const SvUart *self);
/* How many characters from outside it takes. */
guint sv_uart_get_room (const SvUart *self);
/* The timers of both directions whose time has come; not the pacer's tick. */
void sv_uart_run_timers (SvUart *self, SvChardev *chardev, gint64 now);

/* State for a snapshot (floating), and back; sv-uart-state.c. After a load what was to be sent is still to be. */
#define SV_UART_STATE_TYPE "((yyyyyyq)(ayayybbx)(aybuubbxx)(bbbuuxx))"
GVariant *sv_uart_dup_state (const SvUart *self, gint64 now);
gboolean sv_uart_load_state (SvUart *self, GVariant *state, gint64 now, GError **error);

G_END_DECLS
