/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-serial-bus.h"

G_BEGIN_DECLS

/**
 * SvSerialEvents:
 *
 * Which ports programs of the guest have open, and the VSERPORT_CHANGE events that tell of it. They are told
 * from the main loop: what changes may be heard of on a processor's thread.
 */
typedef struct
{
  SvVirtioSerialBus *bus; /* the device's, while set up */
  gboolean opened[SV_VIRTIO_SERIAL_MAX_PORTS];
  gboolean due[SV_VIRTIO_SERIAL_MAX_PORTS]; /* an event is */
  guint source;
} SvSerialEvents;

void sv_serial_events_set_opened (SvSerialEvents *self, guint number, gboolean opened);
/* The number is another port's from now on, or none's: not open, and nothing to tell. */
void sv_serial_events_forget (SvSerialEvents *self, guint number);
/* The device goes, and its bus: what was not told will not be. */
void sv_serial_events_disconnect (SvSerialEvents *self);

G_END_DECLS
