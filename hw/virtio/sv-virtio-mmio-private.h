/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-late-writes.h"
#include "hw/virtio/sv-virtio-device.h"
#include "hw/virtio/sv-virtio-mmio-bank.h"
#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

/*
 * What the guest reads is kept in @regs, ready to be read: a write or an event changes the words that it
 * affects. So a read has no side effect and takes no lock.
 */
struct _SvVirtioMmio
{
  SvDevice parent_instance;

  guint slot;
  guint64 base;

  SvAddressSpace *memory;
  SvIrq *irq;
  SvMemoryRegion *region;
  SvBus *bus;             /* a child */
  SvVirtioDevice *device; /* on the bus and set up; the bus outlives that */

  guint32 *regs;
  guint32 *own_regs;
  SvVirtioMmioBank *bank;        /* that the registers are in, or NULL; the two let go of each other */
  SvMemoryRegion *notify_region; /* where the guest writes them: @region or a bank's */
  guint64 notify_offset;
  guint32 device_features_sel;
  guint32 driver_features_sel;
  guint32 queue_sel;
  SvLateWrites *late; /* behind a reset that waits for the host */
  guint32 driver_features[2];

  /* While held: what the guest sees, @regs being elsewhere, and the driver's selections */
  guint32 *held_regs;
  guint32 held_sel[3];
  guint32 held_features[2];

  /* An interrupt is a write to @irq_fd: in the kernel, or @irq_source's when the line takes no eventfd */
  int irq_fd;
  gboolean irq_connected;
  guint32 sticky_bits; /* of InterruptStatus: the kernel interrupts for them without setting them */
  GSource *irq_source;
};

extern const SvMemoryRegionOps sv_virtio_mmio_ops;

/* Keeps the registers at @regs, within @region at @offset; NULL: in memory of its own. */
void sv_virtio_mmio_place_regs (SvVirtioMmio *self, guint32 *regs, SvMemoryRegion *region, guint64 offset);

/* What is done on the main thread with writes that were put off */
void sv_virtio_mmio_write_late (gpointer opaque, guint64 offset, guint64 value, guint size);
gboolean sv_virtio_mmio_is_settled (gpointer opaque);

/* Registers after a change behind their back; VM lock held. */
void sv_virtio_mmio_reset_regs (SvVirtioMmio *self);
void sv_virtio_mmio_refresh_config (SvVirtioMmio *self); /* where no driver reads it, or its own write changed it */
void sv_virtio_mmio_change_config (SvVirtioMmio *self);  /* where one may: all words at once */
void sv_virtio_mmio_refresh_status (SvVirtioMmio *self);

/* All of them, after a load; VM lock held. */
void sv_virtio_mmio_refresh_regs (SvVirtioMmio *self);
/* sv-virtio-mmio-state.c */
extern const SvMigratableState sv_virtio_mmio_migration;

/* Changes go unseen until the registers are shown again, complete and with the driver's selections. */
void sv_virtio_mmio_hold_regs (SvVirtioMmio *self);
void sv_virtio_mmio_show_regs (SvVirtioMmio *self);
/* What a slot shows to a driver that looks whether there is a device with this number. */
void sv_virtio_mmio_fill_identity (guint32 *regs, guint16 device_id);

/* Sets bits of InterruptStatus and interrupts the driver; any thread. */
void sv_virtio_mmio_interrupt (SvVirtioMmio *self, guint32 bits);
/* DEVICE_NEEDS_RESET was set by the data path; any thread. */
void sv_virtio_mmio_show_broken (SvVirtioMmio *self);

gboolean sv_virtio_mmio_open_irq (SvVirtioMmio *self, GError **error);
void sv_virtio_mmio_close_irq (SvVirtioMmio *self);

#define SV_TYPE_VIRTIO_MMIO_BUS (sv_virtio_mmio_bus_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvVirtioMmioBus, sv_virtio_mmio_bus, SV, VIRTIO_MMIO_BUS, SvVirtioBus)

SvBus *sv_virtio_mmio_bus_new (SvVirtioMmio *transport);
/* Unrealizes a device that is still there. */
void sv_virtio_mmio_bus_vacate (SvBus *bus);
/* The transport goes first when the tree is torn down. */
void sv_virtio_mmio_bus_forget (SvBus *bus);

G_END_DECLS
