/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"

G_BEGIN_DECLS

/**
 * SvVhost:
 *
 * One open vhost device of the kernel (/dev/vhost-net, /dev/vhost-vsock ...): it works on queues of
 * a virtio device in the kernel, entered by their kick eventfds and left by eventfds that go
 * straight to the interrupt controller. What is particular to a kind (which back end the queues
 * work for, and when they run) is done by the device on sv_vhost_get_fd().
 *
 * A device calls sv_vhost_start() in its start vfunc, makes the queues run in resume_queue and stops
 * them in drain_queue, and calls sv_vhost_stop() in its stop vfunc. Main thread or VM lock held.
 */
typedef struct _SvVhost SvVhost;

/* Takes @fd, also on failure. */
SV_API SvVhost *sv_vhost_new (int fd, const char *name, GError **error);
SV_API SvVhost *sv_vhost_open (const char *path, GError **error);
SV_API void sv_vhost_free (SvVhost *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvVhost, sv_vhost_free)

SV_API int sv_vhost_get_fd (SvVhost *self);
SV_API guint64 sv_vhost_get_features (SvVhost *self);
SV_API gboolean sv_vhost_start (SvVhost *self,
                                SvVirtioDevice *device,
                                guint first_queue,
                                guint n_queues,
                                guint64 features,
                                GError **error);
SV_API void sv_vhost_stop (SvVhost *self);
SV_API gboolean sv_vhost_is_started (SvVhost *self);
SV_API gboolean sv_vhost_get_vring_base (SvVhost *self, guint n, guint16 *base, GError **error);
/* ioctl() on the device; FALSE with an error that says what failed. */
SV_API gboolean
sv_vhost_ioctl (SvVhost *self, const char *what, gulong request, gpointer argument, GError **error);

G_END_DECLS
