/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/chardev/sv-socket-util.h"

G_BEGIN_DECLS

/**
 * SvSocketListener:
 *
 * The listening side of a stream socket: all addresses of one name, or one inherited descriptor. The file of a unix
 * socket that it made goes with it.
 */
typedef struct _SvSocketListener SvSocketListener;

typedef void (*SvSocketListenerFunc) (gpointer opaque);

/* Listens on each of @addresses (element-type SvSocketAddress) that this host has; port 0 means the same free port on all. */
SvSocketListener *sv_socket_listener_open (GArray *addresses, GError **error);
/* Takes over a listening descriptor. */
SvSocketListener *sv_socket_listener_adopt (int fd);
void sv_socket_listener_free (SvSocketListener *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvSocketListener, sv_socket_listener_free)

/* @func runs on the default main context while somebody waits to be accepted; NULL: never. */
void sv_socket_listener_watch (SvSocketListener *self, SvSocketListenerFunc func, gpointer opaque);
/* A connected descriptor that does not block; -1 when nobody waits. */
int sv_socket_listener_accept (SvSocketListener *self);
/* The same, and blocks until somebody comes. */
int sv_socket_listener_accept_wait (SvSocketListener *self);
/* As sv_socket_dup_local_name() */
char *sv_socket_listener_dup_name (SvSocketListener *self, gboolean *is_unix);

G_END_DECLS
