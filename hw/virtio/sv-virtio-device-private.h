/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-bus.h"
#include "hw/virtio/sv-virtio-device.h"
#include "hw/virtio/sv-virtio-kicks.h"
#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

typedef struct
{
  SvVirtqueue *ring;
  GMainContext *context; /* NULL: the default one */
  SvVirtioKicks *kicks;  /* while started and not quiescent */
  gboolean by_ring;      /* kicks may be handled by the context's ring */
  int kick_fd;           /* while started */
  int call_fd;           /* while started: the kernel works on the queue and signals this; else -1 */
} SvVirtioQueue;

typedef struct
{
  SvVirtioBus *bus; /* while realized; the bus outlives that */
  SvVirtioBusClass *bus_class;
  SvMachine *machine; /* while realized; NULL: there is none */
  guint8 *config;
  SvVirtioQueue *queues;
  guint n_queues;

  guint64 offered;
  guint64 driver_features;
  guint64 negotiated;
  guint32 generation;
  guint8 status; /* atomic: the data path adds DEVICE_NEEDS_RESET */
  gboolean started;
  gboolean quiescent;
  gboolean inherited;    /* the driver was set up with another device, see SvVirtioHandover */
  gboolean load_started; /* of a state that is being loaded: the device is to start */

  gboolean indirect_desc;
  gboolean event_idx;
} SvVirtioDevicePrivate;

SvVirtioDevicePrivate *sv_virtio_device_priv (SvVirtioDevice *self);

/* The queues' side of DRIVER_OK and of what ends it; VM lock held. */
void sv_virtio_device_start (SvVirtioDevice *self);
gboolean sv_virtio_device_try_start (SvVirtioDevice *self, GError **error);
void sv_virtio_device_stop (SvVirtioDevice *self);

/* sv-virtio-device-pause.c; of a queue that is paused no kick is handled, and nothing is in flight. VM lock held. */
void sv_virtio_device_pause_queue (SvVirtioDevice *self, guint n);
void sv_virtio_device_pause_queues (SvVirtioDevice *self);
void sv_virtio_device_resume_queues (SvVirtioDevice *self);

/* sv-virtio-device-state.c */
extern const SvMigratableState sv_virtio_device_migration;

G_END_DECLS
