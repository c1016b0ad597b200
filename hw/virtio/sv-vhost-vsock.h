/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"

G_BEGIN_DECLS

/**
 * SvVhostVsock:
 *
 * The socket device of VIRTIO 1.2 §5.10, on the kernel's vhost-vsock (wire name
 * `vhost-vsock-device`). Properties: `guest-cid` (3 to 2^32 - 2, unique on the host), `vhostfd` (an
 * open /dev/vhost-vsock, by number or by a name that getfd gave it; without it the device opens its
 * own).
 */
#define SV_TYPE_VHOST_VSOCK (sv_vhost_vsock_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvVhostVsock, sv_vhost_vsock, SV, VHOST_VSOCK, SvVirtioDevice)

G_END_DECLS
