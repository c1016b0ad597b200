/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-vhost-user-message.h"

G_BEGIN_DECLS

/*
 * The stream of a vhost-user connection once both sides have agreed. Messages are sent without waiting, unless the socket
 * is full, nor are replies waited for: those are told of as they come, in the order of the requests. A peer that does not
 * read, that leaves a reply out for some seconds, or breaks the protocol is given up. VM lock held.
 */
typedef struct _SvVhostUserLink SvVhostUserLink;

/*
 * @replied: the reply to a message that was sent with @n
 * @lost: the peer is gone or was given up; nothing comes any more. Called once
 */
typedef struct
{
  void (*replied) (gpointer opaque, guint32 request, guint n, gconstpointer payload);
  void (*lost) (gpointer opaque, const char *reason);
} SvVhostUserLinkFuncs;

/* Takes @fd. */
SvVhostUserLink *sv_vhost_user_link_new (int fd, const SvVhostUserLinkFuncs *funcs, gpointer opaque);
void sv_vhost_user_link_free (SvVhostUserLink *self);
gboolean sv_vhost_user_link_is_lost (SvVhostUserLink *self);
/* @reply_size: bytes of the reply, at most 8; 0: there is none. FALSE: the peer is lost. */
gboolean sv_vhost_user_link_send (SvVhostUserLink *self,
                                  guint32 request,
                                  guint n,
                                  gconstpointer payload,
                                  gsize size,
                                  const int *fds,
                                  guint n_fds,
                                  gsize reply_size);
/* Waits right here until a reply was told of or the peer is lost; in vain when none is awaited. */
void sv_vhost_user_link_wait (SvVhostUserLink *self);

G_END_DECLS
