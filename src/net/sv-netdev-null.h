/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/net/sv-netdev.h"

G_BEGIN_DECLS

/**
 * SvNetdevNull:
 *
 * A back end that leads nowhere: what a network card has that has lost its back end, or waits for one. It promises
 * what tap interfaces can do, so that a driver gets along with one that takes its place.
 */
#define SV_TYPE_NETDEV_NULL (sv_netdev_null_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvNetdevNull, sv_netdev_null, SV, NETDEV_NULL, SvNetdev)

/* Complete; outside of the tree. (transfer full) */
SV_API SvNetdev *sv_netdev_null_new (void);
/* Stands for a back end with that many queues; before a card uses it. */
SV_API void sv_netdev_null_set_n_queues (SvNetdevNull *self, guint n_queues);

G_END_DECLS
