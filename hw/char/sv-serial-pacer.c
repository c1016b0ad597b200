/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/char/sv-serial-pacer.h"

void
sv_serial_pacer_polled (SvSerialPacer *self)
{
  self->polled = TRUE;
  self->busy = TRUE;
}

gboolean
sv_serial_pacer_written (SvSerialPacer *self, gint64 now)
{
  self->busy = TRUE;
  /* Without a poll in between it is the rest of a FIFO's worth of bytes. */
  if (!self->polled || self->active)
    return FALSE;

  self->polled = FALSE;
  if (now - self->last_pair > SV_SERIAL_PACER_PERIOD_US)
    self->pairs = 0;
  self->last_pair = now;
  self->pairs++;
  self->active = self->pairs >= SV_SERIAL_PACER_PAIRS;
  return self->active;
}

gboolean
sv_serial_pacer_tick (SvSerialPacer *self)
{
  self->idle_ticks = self->busy ? 0 : self->idle_ticks + 1;
  self->busy = FALSE;
  if (self->idle_ticks >= SV_SERIAL_PACER_IDLE_TICKS)
    sv_serial_pacer_stop (self);
  return self->active;
}

void
sv_serial_pacer_stop (SvSerialPacer *self)
{
  *self = (SvSerialPacer){ 0 };
}
