/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-serial-port.h"

G_BEGIN_DECLS

/**
 * SvVirtconsole:
 *
 * A console of the guest: hvcN (wire name `virtconsole`).
 */
#define SV_TYPE_VIRTCONSOLE (sv_virtconsole_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvVirtconsole, sv_virtconsole, SV, VIRTCONSOLE, SvVirtioSerialPort)

G_END_DECLS
