/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"

G_BEGIN_DECLS

/**
 * SvVirtioSerial:
 *
 * The console device of VIRTIO 1.2 §5.3 (wire name `virtio-serial-device`): a bus, its child
 * `<id>.0`, for ports
 * (`virtconsole`, `virtserialport`) and the queues that carry their bytes. Properties: `max_ports`
 * (0: as many as there are when the driver starts).
 *
 * A program of the guest that opens or closes a port is a VSERPORT_CHANGE event of the machine.
 */
#define SV_TYPE_VIRTIO_SERIAL (sv_virtio_serial_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvVirtioSerial, sv_virtio_serial, SV, VIRTIO_SERIAL, SvVirtioDevice)

G_END_DECLS
