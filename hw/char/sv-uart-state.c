/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a serial port saves. Times are how long ago, or in how long, in microseconds; -1: never. */

#include "hw/char/sv-uart.h"
#include "src/migration/sv-migration-values.h"

#define MAX_TIME ((gint64)60 * G_USEC_PER_SEC)
#define RX_ERRORS (SV_SERIAL_OVERRUN | SV_SERIAL_BREAK)

#define RX_TYPE "(ayayybbx)"
#define TX_TYPE "(aybuubbxx)"
#define PACER_TYPE "(bbbuuxx)"

static gint64
get_left (gint64 deadline, gint64 now)
{
  return deadline == 0 ? -1 : MAX (0, deadline - now);
}

static gint64
get_age (gint64 time, gint64 now)
{
  return CLAMP (now - time, 0, MAX_TIME);
}

static gint64
get_deadline (gint64 left, gint64 now)
{
  return left < 0 ? 0 : now + left;
}

/* --- receiver --- */

static GVariant *
dup_receiver (const SvSerialReceiver *self, gint64 now)
{
  guint8 data[SV_SERIAL_FIFO_SIZE], errors[SV_SERIAL_FIFO_SIZE];

  for (guint i = 0; i < self->count; i++)
    {
      data[i] = self->data[(self->head + i) % SV_SERIAL_FIFO_SIZE];
      errors[i] = self->data_errors[(self->head + i) % SV_SERIAL_FIFO_SIZE];
    }
  return g_variant_new ("(@ay@ayybbx)", sv_migration_new_bytes (data, self->count),
                        sv_migration_new_bytes (errors, self->count), self->errors, self->timeout, self->break_waits,
                        get_left (self->deadline, now));
}

static gboolean
load_receiver (SvSerialReceiver *self, GVariant *state, guint limit, gint64 now, GError **error)
{
  g_autoptr (GVariant) data = NULL;
  g_autoptr (GVariant) errors = NULL;
  gint64 left;

  *self = (SvSerialReceiver){ .limit = limit };
  g_variant_get (state, "(@ay@ayybbx)", &data, &errors, &self->errors, &self->timeout, &self->break_waits, &left);
  self->count = (guint)MIN (g_variant_n_children (data), G_MAXUINT);
  if (!sv_migration_check_range ("characters received", self->count, 0, limit, error)
      || !sv_migration_get_bytes ("characters received", data, self->data, self->count, error)
      || !sv_migration_get_bytes ("errors of characters", errors, self->data_errors, self->count, error)
      || !sv_migration_check_bits ("line errors", self->errors, RX_ERRORS, error)
      || !sv_migration_check_range ("time of the receive timeout", left, -1, MAX_TIME, error))
    return FALSE;
  for (guint i = 0; i < self->count; i++)
    if (!sv_migration_check_bits ("errors of a character", self->data_errors[i], RX_ERRORS, error))
      return FALSE;
  self->deadline = get_deadline (left, now);
  return TRUE;
}

/* --- transmitter --- */

static GVariant *
dup_transmitter (const SvSerialTransmitter *self, gint64 now)
{
  return g_variant_new ("(@aybuubbxx)", sv_migration_new_bytes (self->data, self->length), self->blocked, self->held,
                        self->drains, self->interrupt, self->resting, get_age (self->last_write, now),
                        get_left (self->drain_deadline, now));
}

static gboolean
load_transmitter (SvSerialTransmitter *self, GVariant *state, gint64 now, GError **error)
{
  g_autoptr (GVariant) data = NULL;
  gint64 age, left;

  *self = (SvSerialTransmitter){ 0 };
  g_variant_get (state, "(@aybuubbxx)", &data, &self->blocked, &self->held, &self->drains, &self->interrupt,
                 &self->resting, &age, &left);
  self->length = (guint)MIN (g_variant_n_children (data), G_MAXUINT);
  if (!sv_migration_check_range ("characters to be sent", self->length, 0, SV_SERIAL_GATHER_SIZE, error)
      || !sv_migration_get_bytes ("characters to be sent", data, self->data, self->length, error)
      || !sv_migration_check_range ("characters held", self->held, 0, G_MAXINT, error)
      || !sv_migration_check_range ("time of the last write", age, 0, MAX_TIME, error)
      || !sv_migration_check_range ("time of draining", left, -1, MAX_TIME, error))
    return FALSE;
  self->drains = MIN (self->drains, SV_SERIAL_MAX_DRAINS);
  self->last_write = now - age;
  self->drain_deadline = get_deadline (left, now);
  return TRUE;
}

static GVariant *
dup_pacer (const SvSerialTransmitter *tx, gint64 now)
{
  const SvSerialPacer *self = &tx->pacer;

  return g_variant_new (PACER_TYPE, self->active, self->polled, self->busy, self->pairs, self->idle_ticks,
                        get_age (self->last_pair, now), self->active ? get_left (tx->tick_deadline, now) : -1);
}

static gboolean
load_pacer (SvSerialTransmitter *tx, GVariant *state, gint64 now, GError **error)
{
  SvSerialPacer *self = &tx->pacer;
  gint64 age, left;

  g_variant_get (state, PACER_TYPE, &self->active, &self->polled, &self->busy, &self->pairs, &self->idle_ticks, &age,
                 &left);
  if (!sv_migration_check_range ("pairs of poll and write", self->pairs, 0, SV_SERIAL_PACER_PAIRS, error)
      || !sv_migration_check_range ("idle ticks", self->idle_ticks, 0, SV_SERIAL_PACER_IDLE_TICKS, error)
      || !sv_migration_check_range ("time of the last pair", age, 0, MAX_TIME, error)
      || !sv_migration_check_range ("time of the next tick", left, -1, MAX_TIME, error))
    return FALSE;
  self->last_pair = now - age;
  if (self->active)
    tx->tick_deadline = now + MAX (left, 0);
  return TRUE;
}

/* --- the whole --- */

GVariant *
sv_uart_dup_state (const SvUart *self, gint64 now)
{
  return g_variant_new ("((yyyyyyq)@" RX_TYPE "@" TX_TYPE "@" PACER_TYPE ")", self->ier, self->fcr, self->lcr, self->mcr,
                        self->msr, self->scr, self->divisor, dup_receiver (&self->rx, now),
                        dup_transmitter (&self->tx, now), dup_pacer (&self->tx, now));
}

gboolean
sv_uart_load_state (SvUart *self, GVariant *state, gint64 now, GError **error)
{
  g_autoptr (GVariant) rx = NULL;
  g_autoptr (GVariant) tx = NULL;
  g_autoptr (GVariant) pacer = NULL;
  SvUart loaded = { 0 };
  gboolean fifos;

  g_variant_get (state, "((yyyyyyq)@" RX_TYPE "@" TX_TYPE "@" PACER_TYPE ")", &loaded.ier, &loaded.fcr, &loaded.lcr,
                 &loaded.mcr, &loaded.msr, &loaded.scr, &loaded.divisor, &rx, &tx, &pacer);
  fifos = (loaded.fcr & SV_UART_FCR_ENABLE) != 0;
  if (!sv_migration_check_bits ("IER", loaded.ier, SV_UART_IER_MASK, error)
      || !sv_migration_check_bits ("FCR", loaded.fcr, fifos ? 0xff : 0, error)
      || !sv_migration_check_bits ("MCR", loaded.mcr, SV_UART_MCR_MASK, error)
      || !load_receiver (&loaded.rx, rx, fifos ? SV_SERIAL_FIFO_SIZE : 1, now, error)
      || !load_transmitter (&loaded.tx, tx, now, error) || !load_pacer (&loaded.tx, pacer, now, error))
    return FALSE;
  *self = loaded;
  return TRUE;
}
