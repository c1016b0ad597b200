/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"

G_BEGIN_DECLS

/*
 * The order in which firmware tries devices: by their property `bootindex`, as paths of Open Firmware
 * (IEEE 1275), which is what QEMU's firmware understands.
 */

/* The device's path: names of the devices and buses it is behind. NULL: firmware has no name for it.
 * (transfer full) */
SV_API char *sv_boot_order_dup_path (SvDevice *device);
/* Paths of all devices below @root that have a bootindex, in a row. Without any, of those of the kinds that the
 * letters of @kinds name (c: disks, n: network cards; NULL: none). (transfer full) */
SV_API char *sv_boot_order_dup_list (SvObject *root, const char *kinds);
/* Whether no other device below @root has the bootindex of @device. */
SV_API gboolean sv_boot_order_check (SvObject *root, SvDevice *device, GError **error);

G_END_DECLS
