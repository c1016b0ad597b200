/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/uio.h>

#include <glib.h>

G_BEGIN_DECLS

/* Addresses that a table holds; with more the filter lets all of that kind through. */
#define SV_VIRTIO_NET_MAC_TABLE_SIZE 64

/**
 * SvVirtioNetMacTable:
 * @n: used entries of @macs
 * @overflow: the driver gave more than fit
 * @macs: addresses
 */
typedef struct
{
  guint n;
  gboolean overflow;
  guint8 macs[SV_VIRTIO_NET_MAC_TABLE_SIZE][6];
} SvVirtioNetMacTable;

/**
 * SvVirtioNetFilter:
 *
 * Which packets the driver wants (VIRTIO 1.2 §5.1.6.5.1 to §5.1.6.5.3). A plain value, changed where the queues that
 * look at it do not run.
 */
typedef struct
{
  gboolean promisc;
  gboolean allmulti;
  gboolean alluni;
  gboolean nomulti;
  gboolean nouni;
  gboolean nobcast;
  guint8 mac[6];
  SvVirtioNetMacTable unicast;
  SvVirtioNetMacTable multicast;
  gboolean filter_vlans;
  guint32 vlans[4096 / 32];
} SvVirtioNetFilter;

/* The state after a reset: everything passes (§5.1.6.5.1). */
void sv_virtio_net_filter_reset (SvVirtioNetFilter *self, const guint8 *mac, gboolean filter_vlans);
/* (transfer full): `52:54:00:12:34:56` */
char *sv_virtio_net_format_mac (const guint8 *mac);
/* Whether the packet that starts @skip bytes into @iov passes. */
gboolean sv_virtio_net_filter_accepts (
    const SvVirtioNetFilter *self, const struct iovec *iov, guint n_iov, gsize skip, gsize length);

G_END_DECLS
