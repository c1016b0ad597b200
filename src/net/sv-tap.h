/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/net/sv-netdev.h"

G_BEGIN_DECLS

/* A queue of a tap interface: its descriptor, and packets through it. */

/**
 * SvTapOptions:
 * @ifname: (nullable): the interface; %NULL: one that the kernel names
 * @header: packets have a header, if the kernel can do that
 * @multi_queue: the interface has several queues
 * @sndbuf: bytes of packets under way that make a write wait; 0: no limit
 */
typedef struct
{
  const char *ifname;
  gboolean header;
  gboolean multi_queue;
  guint64 sndbuf;
} SvTapOptions;

/* Opens a queue; *@ifname becomes the name of the interface, *@header whether there are headers. -1: failed. */
int sv_tap_open (const SvTapOptions *options, char **ifname, gboolean *header, GError **error);
/* The same for a queue that somebody else opened; @what names it in messages. The descriptor stays the caller's. */
gboolean sv_tap_adopt (
    int fd, const char *what, const SvTapOptions *options, char **ifname, gboolean *header, GError **error);
/* What the kernel lets a reader of the tap ask for. */
SvNetOffloads sv_tap_probe_offloads (int fd);
gboolean sv_tap_set_offloads (int fd, SvNetOffloads offloads, GError **error);
gboolean sv_tap_set_attached (int fd, gboolean attached, GError **error);

/* The data path through @fd, any descriptor with packets, which stays the caller's. */
SV_API SvNetQueue *sv_fd_net_queue_new (int fd, GMainContext *context);

G_END_DECLS
