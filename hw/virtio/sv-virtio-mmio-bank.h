/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-mmio.h"

G_BEGIN_DECLS

/**
 * SvVirtioMmioBank:
 *
 * The registers of several virtio-mmio transports side by side, in pages that the guest can read: with
 * read-only memory slots a read costs no exit, only a write does. An interrupt then costs one exit for
 * the acknowledgement, and the start of a driver about a third of what it costs otherwise.
 */
#define SV_TYPE_VIRTIO_MMIO_BANK (sv_virtio_mmio_bank_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvVirtioMmioBank, sv_virtio_mmio_bank, SV, VIRTIO_MMIO_BANK, GObject)

SV_API SvVirtioMmioBank *sv_virtio_mmio_bank_new (guint n_slots);
/* For the machine to map, page-aligned: %SV_VIRTIO_MMIO_SIZE for each slot. (transfer none) */
SV_API SvMemoryRegion *sv_virtio_mmio_bank_get_region (SvVirtioMmioBank *self);
/* Places @transport, which has no device yet, at its slot number. Its own region is not used then. */
SV_API void sv_virtio_mmio_bank_add (SvVirtioMmioBank *self, SvVirtioMmio *transport);
/*
 * A slot without a transport shows that there will be a device of this kind (0: nothing). When a driver first
 * writes to it, the touch function gets the chance to add a transport, on the main thread; a vCPU waits for that.
 */
SV_API void sv_virtio_mmio_bank_announce (SvVirtioMmioBank *self, guint slot, guint16 device_id);
SV_API void sv_virtio_mmio_bank_set_touch_func (SvVirtioMmioBank *self,
                                                void (*func) (guint slot, gpointer opaque),
                                                gpointer opaque);
/* Writes that vCPUs wait for come to nothing: the machine is reset. */
SV_API void sv_virtio_mmio_bank_forget_writes (SvVirtioMmioBank *self);
/* No writes wait for the main thread. */
SV_API gboolean sv_virtio_mmio_bank_is_settled (SvVirtioMmioBank *self);
/* Registers of two slots change places; no driver uses them. */
SV_API void sv_virtio_mmio_bank_exchange (SvVirtioMmioBank *self, guint a, guint b);
/* A device on @transport is unrealized. Happens by itself when either of the two goes. */
SV_API void sv_virtio_mmio_bank_remove (SvVirtioMmioBank *self, SvVirtioMmio *transport);

G_END_DECLS
