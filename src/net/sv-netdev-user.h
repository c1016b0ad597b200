/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/net/sv-netdev.h"

G_BEGIN_DECLS

/**
 * SvNetdevUser:
 *
 * Networking without privileges (wire name `netdev-user`): libslirp acts as the guest's router, DHCP and name server
 * and turns its connections into sockets of this process.
 */
#define SV_TYPE_NETDEV_USER (sv_netdev_user_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvNetdevUser, sv_netdev_user, SV, NETDEV_USER, SvNetdev)

G_END_DECLS
