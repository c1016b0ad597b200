/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-serial-port.h"

G_BEGIN_DECLS

/**
 * SvVirtserialport:
 *
 * A port for programs of the guest, /dev/vportNpM or by name (wire name `virtserialport`).
 */
#define SV_TYPE_VIRTSERIALPORT (sv_virtserialport_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvVirtserialport, sv_virtserialport, SV, VIRTSERIALPORT, SvVirtioSerialPort)

G_END_DECLS
