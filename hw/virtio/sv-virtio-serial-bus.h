/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-bus.h"

G_BEGIN_DECLS

/* Ports that one device can have: their numbers are below this. */
#define SV_VIRTIO_SERIAL_MAX_PORTS 31

typedef struct _SvVirtioSerialPort SvVirtioSerialPort;

/**
 * SvVirtioSerialBus:
 *
 * Where the ports of a virtio-serial device plug in (wire name `virtio-serial-bus`). Each port has
 * a number: the one that it asks for, else the lowest that is free. Number 0 is for a console.
 */
#define SV_TYPE_VIRTIO_SERIAL_BUS (sv_virtio_serial_bus_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvVirtioSerialBus, sv_virtio_serial_bus, SV, VIRTIO_SERIAL_BUS, SvBus)

/**
 * SvVirtioSerialBusFuncs:
 * @check_number: whether the device can have a port of this number now
 * @port_added: a port was realized
 * @port_removed: a port is about to go
 * @output_wanted: the port can take output (again)
 * @input_room: bytes of input that the guest takes for the port now, in one piece
 * @input: bytes from the peer, at most what @input_room said
 * @open_changed: the port's peer came or went
 *
 * What the ports ask of the device that provides the bus. Main thread, VM lock held.
 */
typedef struct
{
  gboolean (*check_number) (gpointer opaque, guint number, GError **error);
  void (*port_added) (gpointer opaque, SvVirtioSerialPort *port);
  void (*port_removed) (gpointer opaque, SvVirtioSerialPort *port);
  void (*output_wanted) (gpointer opaque, SvVirtioSerialPort *port);
  gsize (*input_room) (gpointer opaque, SvVirtioSerialPort *port);
  void (*input) (gpointer opaque, SvVirtioSerialPort *port, const guint8 *data, gsize length);
  void (*open_changed) (gpointer opaque, SvVirtioSerialPort *port);
} SvVirtioSerialBusFuncs;

SvVirtioSerialBus *sv_virtio_serial_bus_new (const SvVirtioSerialBusFuncs *funcs, gpointer opaque);
/* The device goes: its ports are on their own from now on. */
void sv_virtio_serial_bus_disconnect (SvVirtioSerialBus *self);
/* NULL when it is disconnected. */
const SvVirtioSerialBusFuncs *sv_virtio_serial_bus_get_funcs (SvVirtioSerialBus *self,
                                                              gpointer *opaque);
/* The realized port of this number; NULL when there is none. (transfer none) */
SvVirtioSerialPort *sv_virtio_serial_bus_get_port (SvVirtioSerialBus *self, guint number);

G_END_DECLS
