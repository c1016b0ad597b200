/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/net/sv-netdev.h"

G_BEGIN_DECLS

/**
 * SvNetdevTap:
 *
 * A tap interface of the host (wire name `netdev-tap`): by name, which makes it when it is not there, or by
 * descriptors of somebody who opened it. An interface that was made here goes with the object.
 */
#define SV_TYPE_NETDEV_TAP (sv_netdev_tap_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvNetdevTap, sv_netdev_tap, SV, NETDEV_TAP, SvNetdev)

G_END_DECLS
