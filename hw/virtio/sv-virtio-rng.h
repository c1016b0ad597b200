/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"

G_BEGIN_DECLS

/**
 * SvVirtioRng:
 *
 * The entropy device of VIRTIO 1.2 §5.4 (wire name `virtio-rng-device`). Properties: `rng` (link to
 * an [class@Rng], which it claims; without it the host kernel's random numbers), `max-bytes` and
 * `period` (milliseconds): at most so many bytes in each period, on average.
 *
 * A request that must wait stays in the driver's ring.
 */
#define SV_TYPE_VIRTIO_RNG (sv_virtio_rng_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvVirtioRng, sv_virtio_rng, SV, VIRTIO_RNG, SvVirtioDevice)

G_END_DECLS
