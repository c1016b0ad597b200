/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/net/sv-netdev.h"

G_BEGIN_DECLS

/* As sv_fd_net_queue_new(), by the ring of @context; NULL: there is none. */
SvNetQueue *sv_ring_net_queue_new (int fd, GMainContext *context);

G_END_DECLS
