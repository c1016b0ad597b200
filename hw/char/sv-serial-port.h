/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Which of a PC's four serial ports a device is: its number, its I/O ports and its interrupt. */
#define SV_SERIAL_PORT_UNSET G_MAXUINT32

typedef struct
{
  guint index;
  guint iobase;
  guint irq;
} SvSerialPort;

/* All is unset. */
void sv_serial_port_init (SvSerialPort *self);
/*
 * Fills in what is unset: the first index that is free, and what a PC has for it. @taken: bit n: somebody else is port n.
 * FALSE: the index is taken or none is left, or iobase is past the last possible
 */
gboolean sv_serial_port_choose (SvSerialPort *self, guint taken, GError **error);
/* Adds the device that the guest finds the port by (PNP0501). */
void sv_serial_port_build_aml (const SvSerialPort *self, GByteArray *scope);

G_END_DECLS
