/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Receive FIFO of a 16550A: 16 characters, each with the line errors it came with; one character in 16450 mode.
 */
#define SV_SERIAL_FIFO_SIZE 16
/* Four characters at 115200 baud are 0.35 ms; the main loop counts milliseconds. */
#define SV_SERIAL_RX_TIMEOUT_US 1000

/* Line errors, as LSR has them */
#define SV_SERIAL_OVERRUN 0x02
#define SV_SERIAL_BREAK 0x10

typedef struct
{
  guint8 data[SV_SERIAL_FIFO_SIZE];
  guint8 data_errors[SV_SERIAL_FIFO_SIZE];
  guint head;
  guint count;
  guint limit; /* characters it holds: 16 or 1 */

  guint8 errors;        /* of the next character to be read, and overrun */
  gboolean timeout;     /* characters wait and no more came for a while */
  gboolean break_waits; /* for room */
  gint64 deadline;      /* when the timeout comes; 0: none */
} SvSerialReceiver;

void sv_serial_receiver_clear (SvSerialReceiver *self);
guint sv_serial_receiver_get_room (const SvSerialReceiver *self);
/* Without room it is an overrun. */
void sv_serial_receiver_push (SvSerialReceiver *self, guint8 byte);
/* A break follows what is there. */
void sv_serial_receiver_push_break (SvSerialReceiver *self);
/*
 * No more characters follow at present. Our line is idle as soon as the peer has no more to say, so the timeout comes at
 * once and not after four characters' time.
 */
void sv_serial_receiver_end_burst (SvSerialReceiver *self);
/* 0 when empty */
guint8 sv_serial_receiver_pop (SvSerialReceiver *self, gint64 now);
guint8 sv_serial_receiver_take_errors (SvSerialReceiver *self);
/* Whether a character in the FIFO has an error. */
gboolean sv_serial_receiver_has_errors (const SvSerialReceiver *self);

G_END_DECLS
