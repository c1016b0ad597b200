/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-bus.h"
#include "src/memory/sv-address-space.h"

G_BEGIN_DECLS

/**
 * SvVirtioBus:
 *
 * The one socket of a virtio transport (abstract): what a virtio device core sees of the transport that
 * carries it. A transport provides a subclass.
 */
#define SV_TYPE_VIRTIO_BUS (sv_virtio_bus_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvVirtioBus, sv_virtio_bus, SV, VIRTIO_BUS, SvBus)

/**
 * SvVirtioBusClass:
 * @get_memory: memory that the device's queues are in
 * @attach: the device on the bus is set up; the transport shows it to the guest. VM lock held
 * @detach: the device goes; it was reset already. VM lock held
 * @connect: the device is up (DRIVER_OK): kicks of its queues go to their eventfds, interrupts can be
 *   sent. VM lock held
 * @disconnect: the reverse, before the eventfds are closed. VM lock held
 * @reset: the device is back in the state after @attach. VM lock held
 * @notify_queue: interrupts the driver for queue @n. Any thread, no lock
 * @notify_config: the device's configuration changed; interrupts the driver if it is up. VM lock held
 * @notify_broken: the device's status has DEVICE_NEEDS_RESET now. Any thread, no lock
 * @hold: while held, the guest goes on seeing the registers of the device that was there, and what the driver
 *   selected in them is kept for the next; %NULL: nothing to do. VM lock held
 * @settled: sv_virtio_device_settle() may be asked again; any thread, without the VM lock
 */
struct _SvVirtioBusClass
{
  SvBusClass parent_class;

  SvAddressSpace *(*get_memory) (SvVirtioBus *self);
  gboolean (*attach) (SvVirtioBus *self, GError **error);
  void (*detach) (SvVirtioBus *self);
  gboolean (*connect) (SvVirtioBus *self, GError **error);
  void (*disconnect) (SvVirtioBus *self);
  void (*reset) (SvVirtioBus *self);
  void (*notify_queue) (SvVirtioBus *self, guint n);
  void (*notify_config) (SvVirtioBus *self);
  void (*notify_broken) (SvVirtioBus *self);
  void (*hold) (SvVirtioBus *self, gboolean hold);
  void (*settled) (SvVirtioBus *self);
  gpointer padding[2];
};

SV_API SvAddressSpace *sv_virtio_bus_get_memory (SvVirtioBus *self); /* (transfer none) */

G_END_DECLS
