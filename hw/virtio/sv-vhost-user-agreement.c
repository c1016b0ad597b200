/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-vhost-user-agreement.h"

#include <gio/gio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "hw/virtio/sv-vhost-user-message.h"

#define FEATURE(bit) (G_GUINT64_CONSTANT (1) << (bit))

/* What the driver is offered of the ring is not up to the peer. */
static gboolean
check_features (guint64 features, GError **error)
{
  const guint64 needed = FEATURE (VIRTIO_F_VERSION_1) | FEATURE (VIRTIO_RING_F_INDIRECT_DESC)
                         | FEATURE (VIRTIO_RING_F_EVENT_IDX);

  if ((features & needed) == needed)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               "vhost-user: the peer's features 0x%" G_GINT64_MODIFIER "x lack 0x%" G_GINT64_MODIFIER
               "x: VERSION_1, INDIRECT_DESC and EVENT_IDX are needed",
               features, needed & ~features);
  return FALSE;
}

static gboolean
ask (int fd, guint32 request, guint64 *reply, gint64 end, GError **error)
{
  return sv_vhost_user_send (fd, request, 0, NULL, 0, NULL, 0, end, error)
         && sv_vhost_user_receive (fd, request, reply, sizeof *reply, end, error);
}

static gboolean
set_and_wait (int fd, guint32 request, const guint64 *value, gboolean answers, gint64 end, GError **error)
{
  guint64 code = 0;

  if (!sv_vhost_user_send (fd, request, answers ? SV_VHOST_USER_NEED_REPLY : 0, value,
                           value != NULL ? sizeof *value : 0, NULL, 0, end, error)
      || (answers && !sv_vhost_user_receive (fd, request, &code, sizeof code, end, error)))
    return FALSE;
  if (code == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "vhost-user: the peer refuses request %u", request);
  return FALSE;
}

gboolean
sv_vhost_user_agree (int fd, gint64 end, guint64 *features, guint64 *protocol_features, GError **error)
{
  guint64 protocol = 0;

  if (!ask (fd, SV_VHOST_USER_GET_FEATURES, features, end, error) || !check_features (*features, error))
    return FALSE;
  if ((*features & FEATURE (SV_VHOST_USER_F_PROTOCOL_FEATURES)) != 0)
    {
      if (!ask (fd, SV_VHOST_USER_GET_PROTOCOL_FEATURES, &protocol, end, error))
        return FALSE;
      protocol &= FEATURE (SV_VHOST_USER_PROTOCOL_F_REPLY_ACK);
      if (!set_and_wait (fd, SV_VHOST_USER_SET_PROTOCOL_FEATURES, &protocol, FALSE, end, error))
        return FALSE;
    }
  *protocol_features = protocol;
  return set_and_wait (fd, SV_VHOST_USER_SET_OWNER, NULL, protocol != 0, end, error);
}
