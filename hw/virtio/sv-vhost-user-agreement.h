/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/* Bits of the peer's features, and of the protocol's */
#define SV_VHOST_USER_F_PROTOCOL_FEATURES 30
#define SV_VHOST_USER_PROTOCOL_F_REPLY_ACK 3

/* Comes to terms with the peer that has just been called, until @end in monotonic time: what it can do, what both use. */
gboolean sv_vhost_user_agree (int fd, gint64 end, guint64 *features, guint64 *protocol_features, GError **error);

G_END_DECLS
