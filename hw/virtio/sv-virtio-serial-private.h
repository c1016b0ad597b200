/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-serial-bus.h"
#include "hw/virtio/sv-virtio-serial-control.h"
#include "hw/virtio/sv-virtio-serial-events.h"
#include "hw/virtio/sv-virtio-serial.h"
#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

struct _SvVirtioSerial
{
  SvVirtioDevice parent_instance;

  guint max_ports;

  SvVirtioSerialBus *bus;
  guint n_ports; /* that the queues are for */
  SvSerialControl control;
  SvSerialEvents events;
  gboolean driver_ready;
  gboolean port_ready[SV_VIRTIO_SERIAL_MAX_PORTS]; /* the driver knows the port */
  guint64 sent[SV_VIRTIO_SERIAL_MAX_PORTS];        /* bytes of the output buffer that is next in its ring */
  guint64 active;                 /* queues, by bits, that are not paused */
};

/* sv-virtio-serial-state.c */
extern const SvMigratableState sv_virtio_serial_migration;

G_END_DECLS
