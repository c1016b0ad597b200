/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/char/sv-serial-transmitter.h"

#include <string.h>

gboolean
sv_serial_transmitter_is_empty (const SvSerialTransmitter *self)
{
  return self->held == 0 && !self->blocked;
}

void
sv_serial_transmitter_flush (SvSerialTransmitter *self, SvChardev *chardev)
{
  gsize taken;

  if (chardev == NULL)
    {
      self->length = 0;
      self->blocked = FALSE;
      return;
    }
  if (self->blocked || self->length == 0)
    return;

  taken = sv_chardev_write (chardev, self->data, self->length);
  memmove (self->data, self->data + taken, self->length - taken);
  self->length -= taken;
  self->blocked = self->length > 0;
}

void
sv_serial_transmitter_drain (SvSerialTransmitter *self, SvChardev *chardev)
{
  sv_serial_transmitter_flush (self, chardev);
  if (self->blocked)
    return;

  self->held = 0;
  self->resting = FALSE;
  self->drain_deadline = 0;
  self->interrupt = TRUE;
}

void
sv_serial_transmitter_enable_interrupt (SvSerialTransmitter *self, gint64 now)
{
  if (!sv_serial_transmitter_is_empty (self))
    return;

  self->resting = now - self->last_write < SV_SERIAL_REST_US;
  self->interrupt = !self->resting;
  if (self->resting)
    self->drain_deadline = self->last_write + SV_SERIAL_REST_US;
}

void
sv_serial_transmitter_run_timer (SvSerialTransmitter *self, SvChardev *chardev, gint64 now)
{
  if (self->drain_deadline == 0 || self->drain_deadline > now)
    return;

  self->drain_deadline = 0;
  self->drains = 0;
  if (self->held > 0 || self->resting)
    sv_serial_transmitter_drain (self, chardev);
}

void
sv_serial_transmitter_unblock (SvSerialTransmitter *self, SvChardev *chardev)
{
  if (!self->blocked)
    return;
  self->blocked = FALSE;
  sv_serial_transmitter_drain (self, chardev);
}

void
sv_serial_transmitter_look (SvSerialTransmitter *self, SvChardev *chardev)
{
  if (self->resting || (self->blocked && chardev == NULL))
    sv_serial_transmitter_drain (self, chardev);
  if (self->held == 0 || self->blocked || self->drains >= SV_SERIAL_MAX_DRAINS)
    return;

  self->drains++;
  sv_serial_transmitter_drain (self, chardev);
}

void
sv_serial_transmitter_write (SvSerialTransmitter *self,
                             SvChardev *chardev,
                             guint8 byte,
                             gboolean interrupt_mode,
                             guint fifo_size,
                             gint64 now)
{
  gboolean full;

  self->last_write = now;
  self->resting = FALSE;
  if (self->length < sizeof self->data)
    self->data[self->length++] = byte;
  full = self->length == sizeof self->data;

  if (interrupt_mode)
    {
      self->held++;
      if (self->drain_deadline == 0)
        self->drain_deadline = now + SV_SERIAL_DRAIN_DELAY_US;
      if (self->held >= fifo_size)
        sv_serial_transmitter_look (self, chardev);
      return;
    }

  if (sv_serial_pacer_written (&self->pacer, now))
    self->tick_deadline = now + SV_SERIAL_PACER_PERIOD_US;
  if (!self->pacer.active || byte == '\n' || full)
    sv_serial_transmitter_drain (self, chardev);
  else
    self->interrupt = !self->blocked;
}
