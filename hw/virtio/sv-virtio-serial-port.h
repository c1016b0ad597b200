/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"

G_BEGIN_DECLS

/**
 * SvVirtioSerialPort:
 *
 * A port of a virtio-serial device (abstract), between the guest and a character device.
 * Properties: `chardev` (link), `name`, `nr` (-1: the lowest that is free).
 *
 * Nothing is lost when the peer goes and another comes: what a guest writes meanwhile stays in the
 * guest's queue.
 */
#define SV_TYPE_VIRTIO_SERIAL_PORT (sv_virtio_serial_port_get_type ())
SV_API
G_DECLARE_DERIVABLE_TYPE (
    SvVirtioSerialPort, sv_virtio_serial_port, SV, VIRTIO_SERIAL_PORT, SvDevice)

/**
 * SvVirtioSerialPortClass:
 * @console: the guest makes it a console (hvcN), which is open without a peer, too
 */
struct _SvVirtioSerialPortClass
{
  SvDeviceClass parent_class;

  gboolean console;
  gpointer padding[4];
};

/* --- for the bus and the device that provides it; main thread, VM lock held --- */

gint sv_virtio_serial_port_get_number (SvVirtioSerialPort *self); /* -1: none yet */
void sv_virtio_serial_port_set_number (SvVirtioSerialPort *self, gint number);
const char *sv_virtio_serial_port_get_name (SvVirtioSerialPort *self); /* (nullable) */
/* Its realize ran. */
gboolean sv_virtio_serial_port_is_attached (SvVirtioSerialPort *self);
/* What the guest shall see: a console is always open at this side. */
gboolean sv_virtio_serial_port_is_open (SvVirtioSerialPort *self);
/* Output from the guest. Returns how much was taken; output_wanted follows when it was not all. */
gsize sv_virtio_serial_port_write (SvVirtioSerialPort *self, const guint8 *data, gsize length);
/* The guest may take (more) input. */
void sv_virtio_serial_port_update_input (SvVirtioSerialPort *self);

G_END_DECLS
