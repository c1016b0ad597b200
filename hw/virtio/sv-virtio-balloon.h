/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"

G_BEGIN_DECLS

/**
 * SvVirtioBalloon:
 *
 * The memory balloon of VIRTIO 1.2 §5.5 (wire name `virtio-balloon-device`). Properties:
 * `deflate-on-oom`, `free-page-reporting`, `guest-stats-polling-interval` (seconds, 0: never),
 * `guest-stats` (read-only), `target` and `actual` (bytes that the guest shall have and has,
 * read-only).
 *
 * What the guest puts into the balloon, and with free-page-reporting what it does not use, goes
 * back to the host at once. Each change of the balloon is a BALLOON_CHANGE event of the machine. A
 * machine has one at most.
 */
#define SV_TYPE_VIRTIO_BALLOON (sv_virtio_balloon_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvVirtioBalloon, sv_virtio_balloon, SV, VIRTIO_BALLOON, SvVirtioDevice)

SV_API void sv_virtio_balloon_set_target (SvVirtioBalloon *self, guint64 bytes);
SV_API guint64 sv_virtio_balloon_get_actual (SvVirtioBalloon *self);

G_END_DECLS
