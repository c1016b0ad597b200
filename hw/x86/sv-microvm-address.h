/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-machine.h"

G_BEGIN_DECLS

/*
 * StratoVirt's way to say where a device goes: takes `addr` (the number of the disk or network card: 0x0 is vda or
 * eth0) and `lun` (0 is vdb) out of the properties of a device; @slot is -1 when there is neither. Adds the
 * back end, which virtio-blk-mmio and virtio-net-mmio share their id with when none is given.
 */
gboolean sv_microvm_take_address (JsonObject *properties, gint *slot, GError **error);

G_END_DECLS
