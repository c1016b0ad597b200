/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-irq.h"
#include "hw/virtio/sv-virtio-bus.h"

G_BEGIN_DECLS

/* Size of a transport's register block, with 256 bytes of device configuration. */
#define SV_VIRTIO_MMIO_SIZE 0x200u

/**
 * SvVirtioMmio:
 *
 * The transport of VIRTIO 1.2 §4.2 (wire name `virtio-mmio`), version 2 only. It provides the bus
 * `virtio-mmio-bus.N`, N being its slot. Without a device on it it shows DeviceID 0. Properties, read-only:
 * `base` (guest address), `gsi`, `slot`.
 *
 * Its machine makes it, maps its region at its base and completes it.
 */
#define SV_TYPE_VIRTIO_MMIO (sv_virtio_mmio_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvVirtioMmio, sv_virtio_mmio, SV, VIRTIO_MMIO, SvDevice)

/* @memory: where queues are. @irq: an edge (referenced); its line is the GSI told to the guest. The
 * bus exists at once. */
SV_API SvVirtioMmio *sv_virtio_mmio_new (SvAddressSpace *memory, guint slot, guint64 base, SvIrq *irq);
/* To another slot, while no driver uses it; its bus is renamed. See sv_virtio_mmio_bank_exchange(). */
SV_API void sv_virtio_mmio_move (SvVirtioMmio *self, guint slot, guint64 base, SvIrq *irq);
SV_API SvMemoryRegion *sv_virtio_mmio_get_region (SvVirtioMmio *self); /* (transfer none) */
SV_API SvBus *sv_virtio_mmio_get_bus (SvVirtioMmio *self);             /* (transfer none) */
SV_API guint64 sv_virtio_mmio_get_base (SvVirtioMmio *self);
SV_API guint sv_virtio_mmio_get_gsi (SvVirtioMmio *self);
SV_API guint sv_virtio_mmio_get_slot (SvVirtioMmio *self);
SV_API gboolean sv_virtio_mmio_is_empty (SvVirtioMmio *self);
/* AML of what Linux' virtio_mmio driver binds to: all but _STA. */
SV_API void
sv_virtio_mmio_append_aml (GByteArray *device, guint slot, guint64 base, guint gsi);
/* `virtio_mmio.device=512@0xf0100000:12`, for kernels that find no ACPI. (transfer full) */
SV_API char *sv_virtio_mmio_dup_cmdline (SvVirtioMmio *self);

G_END_DECLS
