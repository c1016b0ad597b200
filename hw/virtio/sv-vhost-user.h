/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"

G_BEGIN_DECLS

/**
 * SvVhostUser:
 *
 * The front end's side of a vhost-user connection: another process (virtiofsd, for instance) works on the queues of a
 * virtio device. It shares guest memory, is entered by the queues' kick eventfds and left by eventfds that go straight
 * to the interrupt controller. Messages follow the vhost-user protocol as QEMU's docs/interop/vhost-user.rst has it.
 *
 * A device calls sv_vhost_user_start() in its start vfunc, sv_vhost_user_resume_queue() in resume_queue,
 * sv_vhost_user_hurry_queue() in hurry_queue, sv_vhost_user_drain_queue() in drain_queue, and sv_vhost_user_stop() in its
 * stop vfunc. Only drain_queue waits for the peer. Each message is answered, or the peer is given up after some seconds:
 * the device then needs a reset, and does not start again. Main thread or VM lock held.
 */
typedef struct _SvVhostUser SvVhostUser;

/* Takes @fd, a connected socket, also on failure. @device outlives the connection. */
SV_API SvVhostUser *sv_vhost_user_new (int fd, SvVirtioDevice *device, GError **error);
SV_API void sv_vhost_user_free (SvVhostUser *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvVhostUser, sv_vhost_user_free)

SV_API guint64 sv_vhost_user_get_features (SvVhostUser *self);
/* Whether the peer can have guest memory: in setup, so that it is not the driver who finds out. */
SV_API gboolean sv_vhost_user_check_memory (SvVhostUser *self, GError **error);
SV_API gboolean sv_vhost_user_start (SvVhostUser *self, guint n_queues, GError **error);
SV_API void sv_vhost_user_stop (SvVhostUser *self);
SV_API void sv_vhost_user_resume_queue (SvVhostUser *self, guint n);
SV_API gboolean sv_vhost_user_hurry_queue (SvVhostUser *self, guint n);
SV_API void sv_vhost_user_drain_queue (SvVhostUser *self, guint n);

G_END_DECLS
