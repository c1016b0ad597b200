/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-vhost.h"
#include "hw/virtio/sv-virtio-net-queue.h"
#include "hw/virtio/sv-virtio-net.h"
#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

struct _SvVirtioNet
{
  SvVirtioDevice parent_instance;

  SvObject *netdev;
  SvObject *iothread;
  char *mac;
  guint rx_queue_size;
  guint tx_queue_size;
  guint host_mtu;
  guint vectors;
  gint bootindex;
  gboolean mq;
  gboolean link;
  guint64 switched_off; /* features, by properties */

  guint8 mac_bytes[6];
  gboolean handed_over; /* the driver was set up with another card */
  guint n_pairs;
  guint active_pairs; /* atomic: that the driver uses */
  SvVirtioNetCard card;
  SvVirtioNetCounters *counters; /* of each pair */
  SvVirtioNetQueue **queues;     /* while started, but for vhost */
  SvVhost **vhosts;              /* of each pair; NULL: no vhost */
  gboolean *vhost_running;       /* of each queue */
  guint64 offloads;              /* features, of packets to the driver, that are on */

  /* Between load and start, which begins with those of a new driver */
  SvVirtioNetFilter *loaded_filter; /* NULL: nothing was loaded */
  guint64 loaded_offloads;
};

/* The bit of a feature */
#define SV_VIRTIO_NET_FEATURE(bit) (G_GUINT64_CONSTANT (1) << (bit))

/* Executes commands of the control queue (VIRTIO 1.2 §5.1.6.5). */
void sv_virtio_net_handle_control (SvVirtioNet *self, SvVirtqueue *queue);

/* sv-virtio-net-mac.c: an address that was given, or the next that no other card has */
gboolean sv_virtio_net_set_up_mac (SvVirtioNet *self, GError **error);

/* sv-virtio-net-features.c */
guint64 sv_virtio_net_get_offered (SvVirtioDevice *device);
gboolean sv_virtio_net_check_features (SvVirtioDevice *device, guint64 features);
gboolean sv_virtio_net_check_handover (SvVirtioDevice *device,
                                       guint64 features,
                                       guint n_queues,
                                       GError **error);
guint64 sv_virtio_net_get_guest_offloads (guint64 features);
/* For commands, too; VM lock held. */
gboolean sv_virtio_net_set_offloads (SvVirtioNet *self, guint64 features);

/* sv-virtio-net-pairs.c; VM lock held */
GMainContext *sv_virtio_net_get_context (SvVirtioNet *self);
gboolean sv_virtio_net_start_pairs (SvVirtioNet *self, GError **error);
void sv_virtio_net_free_pairs (SvVirtioNet *self);
void sv_virtio_net_set_filter (SvVirtioNet *self, const SvVirtioNetFilter *filter);
gboolean sv_virtio_net_set_active_pairs (SvVirtioNet *self, guint n);

/* sv-virtio-net-vhost.c: the kernel moves the packets */
gboolean sv_virtio_net_vhost_open (SvVirtioNet *self, GError **error);
void sv_virtio_net_vhost_close (SvVirtioNet *self);
gboolean sv_virtio_net_vhost_start (SvVirtioNet *self, GError **error);
void sv_virtio_net_vhost_stop (SvVirtioNet *self);
void sv_virtio_net_vhost_set_running (SvVirtioNet *self, guint n, gboolean running);
/* After the link or the number of pairs in use changed. */
void sv_virtio_net_vhost_update (SvVirtioNet *self);

/* sv-virtio-net-state.c */
extern const SvMigratableState sv_virtio_net_migration;

/* sv-virtio-net-props.c */
void sv_virtio_net_install_properties (GObjectClass *object_class);
void sv_virtio_net_set_link (SvVirtioNet *self, gboolean link);

G_END_DECLS
