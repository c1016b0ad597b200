/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"

G_BEGIN_DECLS

/**
 * SvVhostUserFs:
 *
 * A file system of the host for the guest (VIRTIO 1.2 §5.11; wire name `vhost-user-fs-device`), served by another
 * process such as virtiofsd, to which `chardev` is the connection. Guest memory must be shared. When the process is
 * gone the device needs a reset, and does not come back.
 */
#define SV_TYPE_VHOST_USER_FS (sv_vhost_user_fs_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvVhostUserFs, sv_vhost_user_fs, SV, VHOST_USER_FS, SvVirtioDevice)

G_END_DECLS
