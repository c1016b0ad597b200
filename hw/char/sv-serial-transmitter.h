/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/char/sv-serial-pacer.h"
#include "src/chardev/sv-chardev.h"

G_BEGIN_DECLS

/*
 * Transmitter of a 16550A. Bytes are gathered on their way to the character device, so that a line costs one system
 * call, and held while the device takes no more; only then does the guest see a transmitter that is not empty. In
 * interrupt mode the FIFO counts as sent when it is full, when the driver looks, or after a moment.
 */
#define SV_SERIAL_GATHER_SIZE 256
#define SV_SERIAL_DRAIN_DELAY_US 2000
/*
 * A program that writes word by word makes its driver switch the interrupt on for each word. So soon after the last byte,
 * where a real line would still be busy, the interrupt waits, and the driver gathers a FIFO's worth.
 */
#define SV_SERIAL_REST_US 1000
/*
 * A transmitter as fast as its driver would keep an interrupt handler that loops while there is work for ever (Linux warns
 * after 512 rounds): after this many FIFOs within one handler it takes its time.
 */
#define SV_SERIAL_MAX_DRAINS 64

typedef struct
{
  guint8 data[SV_SERIAL_GATHER_SIZE];
  guint length;
  gboolean blocked; /* the device took less than all and will say when it is writable */

  guint held;         /* bytes that count as not yet sent */
  guint drains;       /* since the driver last found no interrupt */
  gboolean interrupt; /* transmitter-empty interrupt pending */
  gboolean resting;   /* it will be at the deadline, or when the driver looks */
  gint64 last_write;
  gint64 drain_deadline; /* 0: none */

  SvSerialPacer pacer;
  gint64 tick_deadline;
} SvSerialTransmitter;

gboolean sv_serial_transmitter_is_empty (const SvSerialTransmitter *self);
/*
 * The guest wrote THR; its interrupt flag is cleared already. @chardev may be NULL everywhere: nobody listens. A byte too many,
 * from a guest that does not heed LSR, is lost as on a real line.
 */
void sv_serial_transmitter_write (SvSerialTransmitter *self, SvChardev *chardev, guint8 byte,
                                  gboolean interrupt_mode, guint fifo_size, gint64 now);
/* Sends what is gathered; an empty transmitter sets the interrupt flag. */
void sv_serial_transmitter_drain (SvSerialTransmitter *self, SvChardev *chardev);
/* The driver switches the interrupt on. */
void sv_serial_transmitter_enable_interrupt (SvSerialTransmitter *self, gint64 now);
/* The deadline has come. */
void sv_serial_transmitter_run_timer (SvSerialTransmitter *self, SvChardev *chardev, gint64 now);
/* The driver looks at LSR or IIR. */
void sv_serial_transmitter_look (SvSerialTransmitter *self, SvChardev *chardev);
/* The device takes bytes again. */
void sv_serial_transmitter_unblock (SvSerialTransmitter *self, SvChardev *chardev);
/* Sends what is gathered and changes nothing that the guest sees. */
void sv_serial_transmitter_flush (SvSerialTransmitter *self, SvChardev *chardev);

G_END_DECLS
