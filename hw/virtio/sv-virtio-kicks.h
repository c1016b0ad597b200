/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"

G_BEGIN_DECLS

/*
 * Listens to the kicks of one queue, in the context that the queue belongs to. There, or with the VM lock for the
 * default context, it is made and freed.
 */
typedef struct _SvVirtioKicks SvVirtioKicks;

/* @by_ring: the context's ring may handle them, see sv_virtio_device_set_queue_by_ring(). */
SvVirtioKicks *sv_virtio_kicks_new (SvVirtioDevice *device,
                                    guint n,
                                    int fd,
                                    GMainContext *context,
                                    gboolean by_ring);
/* None is handled after this. */
void sv_virtio_kicks_stop (SvVirtioKicks *self);
/* Stopped, and the queue drained: the ring has nothing left to submit that uses a descriptor of the device. */
void sv_virtio_kicks_free (SvVirtioKicks *self);

G_END_DECLS
