/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"

G_BEGIN_DECLS

/**
 * SvVirtioHandover:
 *
 * Lets one device take the place of another of the same kind while a driver is up, behind the driver's back: a disk
 * without an image becomes one with an image, and back. The driver keeps its queues and the features it
 * took, and hears of a changed configuration.
 *
 * Between begin and finish the guest sees the registers as they were. VM lock held throughout; the old device
 * leaves the bus and the new one takes its place in the meantime.
 */
typedef struct _SvVirtioHandover SvVirtioHandover;

/* Waits for requests in flight. The device is of no use any more but to be unrealized. */
SV_API SvVirtioHandover *sv_virtio_handover_begin (SvVirtioDevice *from);
/* @to is realized on the same bus. On success @self is gone. */
SV_API gboolean
sv_virtio_handover_finish (SvVirtioHandover *self, SvVirtioDevice *to, GError **error);
/* Without a successor: the driver sees a device that was reset. */
SV_API void sv_virtio_handover_abandon (SvVirtioHandover *self);

G_END_DECLS
