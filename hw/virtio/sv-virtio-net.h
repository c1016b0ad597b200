/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"

G_BEGIN_DECLS

/**
 * SvVirtioNet:
 *
 * A virtio network card (`virtio-net-device`, VIRTIO 1.2 §5.1). Properties: `netdev`, `mac`, `mq`, `iothread`,
 * `rx_queue_size`, `tx_queue_size`, `host_mtu`, a switch for each offload, `link`, and counters of
 * packets.
 */
#define SV_TYPE_VIRTIO_NET (sv_virtio_net_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvVirtioNet, sv_virtio_net, SV, VIRTIO_NET, SvVirtioDevice)

/* Asks the driver to tell the network where the card is now (§5.1.6.5.4). VM lock held. */
SV_API void sv_virtio_net_announce (SvVirtioNet *self);

G_END_DECLS
