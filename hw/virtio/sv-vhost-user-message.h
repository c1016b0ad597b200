/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/* Requests of the vhost-user protocol that the front end makes. */
typedef enum
{
  SV_VHOST_USER_GET_FEATURES = 1,
  SV_VHOST_USER_SET_FEATURES = 2,
  SV_VHOST_USER_SET_OWNER = 3,
  SV_VHOST_USER_SET_MEM_TABLE = 5,
  SV_VHOST_USER_SET_VRING_NUM = 8,
  SV_VHOST_USER_SET_VRING_ADDR = 9,
  SV_VHOST_USER_SET_VRING_BASE = 10,
  SV_VHOST_USER_GET_VRING_BASE = 11,
  SV_VHOST_USER_SET_VRING_KICK = 12,
  SV_VHOST_USER_SET_VRING_CALL = 13,
  SV_VHOST_USER_GET_PROTOCOL_FEATURES = 15,
  SV_VHOST_USER_SET_PROTOCOL_FEATURES = 16,
  SV_VHOST_USER_SET_VRING_ENABLE = 18,
} SvVhostUserRequest;

#define SV_VHOST_USER_MAX_REGIONS 8
#define SV_VHOST_USER_MAX_PAYLOAD (8 + 32 * SV_VHOST_USER_MAX_REGIONS)

/* What goes before a payload. */
typedef struct
{
  guint32 request;
  guint32 flags;
  guint32 size;
} SvVhostUserHeader;

#define SV_VHOST_USER_VERSION 0x1u
#define SV_VHOST_USER_VERSION_MASK 0x3u
#define SV_VHOST_USER_REPLY 0x4u
#define SV_VHOST_USER_NEED_REPLY 0x8u

/* How long a peer may take for an answer before it is given up */
#define SV_VHOST_USER_TIMEOUT_MS 10000

/* Whether this goes before the reply to @request, with a payload of @size bytes. */
gboolean sv_vhost_user_is_reply (const SvVhostUserHeader *header, guint32 request, gsize size);
/* Sends a message, file descriptors with it. A peer that does not take it until @end, in monotonic time, is an error. */
gboolean sv_vhost_user_send (int fd,
                             guint32 request,
                             guint32 flags,
                             gconstpointer payload,
                             gsize size,
                             const int *fds,
                             guint n_fds,
                             gint64 end,
                             GError **error);
/* Receives the reply to @request, whose payload must be of @size bytes. */
gboolean sv_vhost_user_receive (
    int fd, guint32 request, gpointer payload, gsize size, gint64 end, GError **error);

G_END_DECLS
