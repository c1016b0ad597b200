/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/char/sv-serial-receiver.h"

void
sv_serial_receiver_clear (SvSerialReceiver *self)
{
  self->head = 0;
  self->count = 0;
  self->timeout = FALSE;
  self->break_waits = FALSE;
  self->deadline = 0;
}

guint
sv_serial_receiver_get_room (const SvSerialReceiver *self)
{
  return self->break_waits ? 0 : self->limit - MIN (self->count, self->limit);
}

/* A character's errors show when it is the next to be read. */
static void
show_errors (SvSerialReceiver *self)
{
  if (self->count == 0)
    return;
  self->errors |= self->data_errors[self->head];
  self->data_errors[self->head] = 0;
}

static void
append (SvSerialReceiver *self, guint8 byte, guint8 errors)
{
  guint tail = (self->head + self->count) % SV_SERIAL_FIFO_SIZE;

  self->data[tail] = byte;
  self->data_errors[tail] = errors;
  self->count++;
  if (self->count == 1)
    show_errors (self);
}

void
sv_serial_receiver_push (SvSerialReceiver *self, guint8 byte)
{
  if (sv_serial_receiver_get_room (self) > 0)
    append (self, byte, 0);
  else
    self->errors |= SV_SERIAL_OVERRUN;
}

void
sv_serial_receiver_push_break (SvSerialReceiver *self)
{
  self->break_waits = self->count >= self->limit;
  if (self->break_waits)
    return;
  append (self, 0, SV_SERIAL_BREAK);
  sv_serial_receiver_end_burst (self);
}

void
sv_serial_receiver_end_burst (SvSerialReceiver *self)
{
  self->deadline = 0;
  self->timeout = self->limit > 1 && self->count > 0;
}

guint8
sv_serial_receiver_pop (SvSerialReceiver *self, gint64 now)
{
  guint8 byte = self->data[self->head];

  if (self->count == 0)
    return 0;

  self->head = (self->head + 1) % SV_SERIAL_FIFO_SIZE;
  self->count--;
  show_errors (self);
  /* Reading ends the timeout and starts the time for the rest anew (PC16550D, FIFO interrupt mode).
   */
  if (self->timeout && self->deadline == 0 && self->count > 0)
    self->deadline = now + SV_SERIAL_RX_TIMEOUT_US;
  self->timeout = FALSE;
  if (self->break_waits)
    sv_serial_receiver_push_break (self);
  return byte;
}

guint8
sv_serial_receiver_take_errors (SvSerialReceiver *self)
{
  guint8 errors = self->errors;

  self->errors = 0;
  return errors;
}

gboolean
sv_serial_receiver_has_errors (const SvSerialReceiver *self)
{
  if ((self->errors & SV_SERIAL_BREAK) != 0)
    return TRUE;
  for (guint i = 0; i < self->count; i++)
    if (self->data_errors[(self->head + i) % SV_SERIAL_FIFO_SIZE] != 0)
      return TRUE;
  return FALSE;
}
