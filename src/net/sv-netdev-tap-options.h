/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/net/sv-netdev.h"

G_BEGIN_DECLS

#define SV_NETDEV_TAP_MAX_QUEUES 16
#define SV_NETDEV_TAP_VHOST_PATH "/dev/vhost-net"

/**
 * SvNetdevTapOptions:
 *
 * The properties of a tap interface: where it comes from, and what it can.
 */
typedef struct
{
  char *ifname;
  char *fd;
  char **fds;
  char *vhostfd;
  char **vhostfds;
  char *script;
  char *downscript;
  guint queues;
  guint64 sndbuf;
  gboolean vnet_hdr;
  gboolean vhost;
  gboolean vhostforce;
} SvNetdevTapOptions;

void sv_netdev_tap_options_init (SvNetdevTapOptions *self);
void sv_netdev_tap_options_clear (SvNetdevTapOptions *self);
/* Whether they go together; errors are about @netdev. */
gboolean sv_netdev_tap_options_check (const SvNetdevTapOptions *self, SvNetdev *netdev, GError **error);

/* For the class that has them as its properties: FALSE: there is no such property. */
void sv_netdev_tap_options_install (GObjectClass *klass);
gboolean sv_netdev_tap_options_set (SvNetdevTapOptions *self, guint id, const GValue *value);
gboolean sv_netdev_tap_options_get (const SvNetdevTapOptions *self, guint id, GValue *value);

G_END_DECLS
