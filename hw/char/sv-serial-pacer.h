/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Decides when a serial port's transmit writes may be kept back in the kernel (coalesced). A driver that polls -- reads
 * LSR, writes THR, and again -- loses nothing by it, since its next LSR read brings the kept byte out. A guest that
 * writes one character and halts would wait for the next tick, so a few such pairs in quick succession come first.
 */
#define SV_SERIAL_PACER_PAIRS 4
#define SV_SERIAL_PACER_PERIOD_US 20000 /* a kept byte waits no longer */
#define SV_SERIAL_PACER_IDLE_TICKS 2

typedef struct
{
  gboolean active; /* writes are kept back; ticks are wanted every SV_SERIAL_PACER_PERIOD_US */
  gboolean polled;
  gboolean busy;
  guint pairs;
  guint idle_ticks;
  gint64 last_pair;
} SvSerialPacer;

/* The driver read LSR and saw that it may write. */
void sv_serial_pacer_polled (SvSerialPacer *self);
/* The driver wrote THR at @now (monotonic, microseconds). TRUE when the pacer becomes active. */
gboolean sv_serial_pacer_written (SvSerialPacer *self, gint64 now);
/* A period has passed, kept writes are out. FALSE when the pacer is no longer active: the console is quiet. */
gboolean sv_serial_pacer_tick (SvSerialPacer *self);
void sv_serial_pacer_stop (SvSerialPacer *self);

G_END_DECLS
