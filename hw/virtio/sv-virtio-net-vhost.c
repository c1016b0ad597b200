/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/virtio_net.h>

#include "hw/virtio/sv-virtio-net-private.h"

void
sv_virtio_net_vhost_close (SvVirtioNet *self)
{
  if (self->vhosts == NULL)
    return;

  for (guint i = 0; i < self->n_pairs; i++)
    g_clear_pointer (&self->vhosts[i], sv_vhost_free);
  g_clear_pointer (&self->vhosts, g_free);
  g_clear_pointer (&self->vhost_running, g_free);
}

gboolean
sv_virtio_net_vhost_open (SvVirtioNet *self, GError **error)
{
  if (sv_netdev_get_vhost_fd (self->card.netdev, 0) < 0)
    return TRUE;

  self->vhosts = g_new0 (SvVhost *, self->n_pairs);
  self->vhost_running = g_new0 (gboolean, 2 * self->n_pairs);
  for (guint i = 0; i < self->n_pairs; i++)
    {
      /* The back end keeps its own: another card may have it later. */
      int fd = fcntl (sv_netdev_get_vhost_fd (self->card.netdev, i), F_DUPFD_CLOEXEC, 3);

      if (fd < 0)
        {
          int code = errno;

          g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                       "vhost-net: cannot duplicate its descriptor: %s", g_strerror (code));
          sv_virtio_net_vhost_close (self);
          return FALSE;
        }
      self->vhosts[i] = sv_vhost_new (fd, "vhost-net", error);
      if (self->vhosts[i] == NULL)
        {
          sv_virtio_net_vhost_close (self);
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
sv_virtio_net_vhost_start (SvVirtioNet *self, GError **error)
{
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (self);
  guint64 features = sv_virtio_device_get_driver_features (device);
  /* Without the feature the control queue is where the second pair would begin. */
  guint n_pairs = sv_virtio_device_has_feature (device, VIRTIO_NET_F_MQ) ? self->n_pairs : 1;

  /* A back end without headers leaves them to vhost. */
  if (!self->card.header)
    features |= SV_VIRTIO_NET_FEATURE (VHOST_NET_F_VIRTIO_NET_HDR);
  for (guint i = 0; i < n_pairs; i++)
    if (!sv_vhost_start (self->vhosts[i], device, 2 * i, 2, features, error))
      {
        sv_virtio_net_vhost_stop (self);
        return FALSE;
      }
  return TRUE;
}

void
sv_virtio_net_vhost_stop (SvVirtioNet *self)
{
  for (guint i = 0; i < self->n_pairs; i++)
    sv_vhost_stop (self->vhosts[i]);
}

static void
set_backend (SvVirtioNet *self, guint n)
{
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (self);
  gboolean run = self->vhost_running[n] && self->link && n / 2 < self->active_pairs;
  struct vhost_vring_file file
      = { .index = n % 2, .fd = run ? sv_netdev_get_fd (self->card.netdev, n / 2) : -1 };
  g_autoptr (GError) error = NULL;

  if (sv_virtio_device_get_call_fd (device, n) < 0)
    return;
  if (!sv_vhost_ioctl (self->vhosts[n / 2], run ? "start a queue" : "stop a queue",
                       VHOST_NET_SET_BACKEND, &file, &error))
    sv_virtio_device_set_broken (device, "%s", error->message);
}

void
sv_virtio_net_vhost_set_running (SvVirtioNet *self, guint n, gboolean running)
{
  self->vhost_running[n] = running;
  set_backend (self, n);
}

void
sv_virtio_net_vhost_update (SvVirtioNet *self)
{
  for (guint n = 0; n < 2 * self->n_pairs; n++)
    set_backend (self, n);
}
