/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/char/sv-uart.h"

#include <string.h>

#define DEFAULT_DIVISOR 12 /* 9600 baud */

static gboolean
has_fifos (const SvUart *self)
{
  return (self->fcr & SV_UART_FCR_ENABLE) != 0;
}

static gboolean
is_loop (const SvUart *self)
{
  return (self->mcr & SV_UART_MCR_LOOP) != 0;
}

static guint
get_trigger (const SvUart *self)
{
  static const guint8 levels[] = { 1, 4, 8, 14 };

  return has_fifos (self) ? levels[self->fcr >> 6] : 1;
}

/* The pending interrupt of highest priority (table IV). */
static guint8
get_interrupt (const SvUart *self)
{
  if ((self->ier & SV_UART_IER_RLSI) != 0 && self->rx.errors != 0)
    return SV_UART_IIR_RLSI;
  if ((self->ier & SV_UART_IER_RDI) != 0 && self->rx.count >= get_trigger (self))
    return SV_UART_IIR_RDI;
  if ((self->ier & SV_UART_IER_RDI) != 0 && self->rx.timeout)
    return SV_UART_IIR_TIMEOUT;
  if ((self->ier & SV_UART_IER_THRI) != 0 && self->tx.interrupt)
    return SV_UART_IIR_THRI;
  if ((self->ier & SV_UART_IER_MSI) != 0 && (self->msr & SV_UART_MSR_DELTAS) != 0)
    return SV_UART_IIR_MSI;
  return SV_UART_IIR_NONE;
}

gboolean
sv_uart_has_interrupt (const SvUart *self)
{
  return get_interrupt (self) != SV_UART_IIR_NONE;
}

guint
sv_uart_get_room (const SvUart *self)
{
  return is_loop (self) ? 0 : sv_serial_receiver_get_room (&self->rx);
}

void
sv_uart_reset (SvUart *self)
{
  SvSerialTransmitter tx = self->tx;

  *self = (SvUart){ 0 };
  memcpy (self->tx.data, tx.data, tx.length);
  self->tx.length = tx.length;
  self->tx.blocked = tx.blocked;
  self->divisor = DEFAULT_DIVISOR;
  self->msr = SV_UART_MSR_DCD | SV_UART_MSR_DSR | SV_UART_MSR_CTS;
  self->rx.limit = 1;
}

void
sv_uart_run_timers (SvUart *self, SvChardev *chardev, gint64 now)
{
  if (self->rx.deadline != 0 && self->rx.deadline <= now)
    sv_serial_receiver_end_burst (&self->rx);

  sv_serial_transmitter_run_timer (&self->tx, chardev, now);
}

/* Reading */

static guint8
read_iir (SvUart *self, SvChardev *chardev)
{
  guint8 interrupt;

  sv_serial_transmitter_look (&self->tx, chardev);
  interrupt = get_interrupt (self);
  if (interrupt == SV_UART_IIR_THRI)
    self->tx.interrupt = FALSE;
  else if (interrupt == SV_UART_IIR_NONE)
    self->tx.drains = 0;
  return interrupt | (has_fifos (self) ? SV_UART_IIR_FIFOS : 0);
}

static guint8
read_lsr (SvUart *self, SvChardev *chardev)
{
  guint8 value = 0;

  sv_serial_transmitter_look (&self->tx, chardev);
  if (has_fifos (self) && sv_serial_receiver_has_errors (&self->rx))
    value |= SV_UART_LSR_FIFO_ERROR;
  value |= sv_serial_receiver_take_errors (&self->rx);
  if (self->rx.count > 0)
    value |= SV_UART_LSR_DR;
  if (!sv_serial_transmitter_is_empty (&self->tx))
    return value;

  if ((self->ier & SV_UART_IER_THRI) == 0 && (self->lcr & SV_UART_LCR_DLAB) == 0 && !is_loop (self))
    sv_serial_pacer_polled (&self->tx.pacer);
  return value | SV_UART_LSR_THRE | SV_UART_LSR_TEMT;
}

static guint8
read_msr (SvUart *self)
{
  guint8 value = self->msr;

  self->msr &= ~SV_UART_MSR_DELTAS;
  return value;
}

guint8
sv_uart_read (SvUart *self, SvChardev *chardev, guint offset, gint64 now)
{
  gboolean dlab = (self->lcr & SV_UART_LCR_DLAB) != 0;

  switch (offset)
    {
    case SV_UART_DATA:
      return dlab ? self->divisor & 0xff : sv_serial_receiver_pop (&self->rx, now);
    case SV_UART_IER:
      return dlab ? self->divisor >> 8 : self->ier;
    case SV_UART_IIR:
      return read_iir (self, chardev);
    case SV_UART_LCR:
      return self->lcr;
    case SV_UART_MCR:
      return self->mcr;
    case SV_UART_LSR:
      return read_lsr (self, chardev);
    case SV_UART_MSR:
      return read_msr (self);
    case SV_UART_SCR:
      return self->scr;
    default:
      return 0xff;
    }
}

/* Writing */

static gboolean
write_thr (SvUart *self, SvChardev *chardev, guint8 byte, gint64 now)
{
  gboolean was_low;

  self->tx.interrupt = FALSE;
  was_low = !sv_uart_has_interrupt (self);
  if (is_loop (self))
    {
      sv_serial_receiver_push (&self->rx, byte);
      sv_serial_receiver_end_burst (&self->rx);
      self->tx.interrupt = TRUE;
    }
  else
    sv_serial_transmitter_write (&self->tx, chardev, byte, (self->ier & SV_UART_IER_THRI) != 0,
                                 has_fifos (self) ? SV_SERIAL_FIFO_SIZE : 1, now);
  return was_low;
}

static void
write_ier (SvUart *self, SvChardev *chardev, guint8 value, gint64 now)
{
  guint8 enabled = value & ~self->ier;

  self->ier = value & SV_UART_IER_MASK;
  if ((self->ier & SV_UART_IER_THRI) == 0)
    {
      if (self->tx.held > 0 || self->tx.resting)
        sv_serial_transmitter_drain (&self->tx, chardev);
      return;
    }

  sv_serial_pacer_stop (&self->tx.pacer);
  sv_serial_transmitter_flush (&self->tx, chardev);
  /* Enabling it with an empty transmitter raises it; drivers test for that. */
  if ((enabled & SV_UART_IER_THRI) != 0)
    sv_serial_transmitter_enable_interrupt (&self->tx, now);
}

static void
write_fcr (SvUart *self, SvChardev *chardev, guint8 value)
{
  gboolean enable = (value & SV_UART_FCR_ENABLE) != 0;

  if (enable != has_fifos (self) || (enable && (value & SV_UART_FCR_CLEAR_RX) != 0))
    sv_serial_receiver_clear (&self->rx);
  /* The other bits only count together with the enabling one. */
  self->fcr = enable ? value : 0;
  self->rx.limit = enable ? SV_SERIAL_FIFO_SIZE : 1;
  /* What left the guest is on the line: clearing the transmit FIFO takes nothing back. */
  if (self->tx.held > 0)
    sv_serial_transmitter_drain (&self->tx, chardev);
}

static guint8
get_loop_status (const SvUart *self)
{
  return ((self->mcr & SV_UART_MCR_RTS) != 0 ? SV_UART_MSR_CTS : 0)
         | ((self->mcr & SV_UART_MCR_DTR) != 0 ? SV_UART_MSR_DSR : 0)
         | ((self->mcr & SV_UART_MCR_OUT1) != 0 ? SV_UART_MSR_RI : 0)
         | ((self->mcr & SV_UART_MCR_OUT2) != 0 ? SV_UART_MSR_DCD : 0);
}

static void
write_mcr (SvUart *self, guint8 value)
{
  guint8 status = SV_UART_MSR_DCD | SV_UART_MSR_DSR | SV_UART_MSR_CTS;
  guint8 changed;

  self->mcr = value & SV_UART_MCR_MASK;
  if (is_loop (self))
    status = get_loop_status (self);
  changed = ((self->msr ^ status) >> 4) & SV_UART_MSR_DELTAS;
  /* Of the ring indicator only the trailing edge counts. */
  if ((status & SV_UART_MSR_RI) != 0)
    changed &= ~SV_UART_MSR_TERI;
  self->msr = status | (self->msr & SV_UART_MSR_DELTAS) | changed;
}

gboolean
sv_uart_write (SvUart *self, SvChardev *chardev, guint offset, guint8 value, gint64 now)
{
  gboolean dlab = (self->lcr & SV_UART_LCR_DLAB) != 0;

  switch (offset)
    {
    case SV_UART_DATA:
      if (!dlab)
        return write_thr (self, chardev, value, now);
      self->divisor = (self->divisor & 0xff00) | value;
      break;
    case SV_UART_IER:
      if (dlab)
        self->divisor = (self->divisor & 0x00ff) | value << 8;
      else
        write_ier (self, chardev, value, now);
      break;
    case SV_UART_FCR:
      write_fcr (self, chardev, value);
      break;
    case SV_UART_LCR:
      self->lcr = value;
      break;
    case SV_UART_MCR:
      write_mcr (self, value);
      break;
    case SV_UART_SCR:
      self->scr = value;
      break;
    default:
      break;
    }
  return FALSE;
}
