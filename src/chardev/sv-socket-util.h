/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

/**
 * SvSocketAddress: one address as the socket calls want it.
 * @both: who listens on `::` takes IPv4 connections too
 */
typedef struct
{
  struct sockaddr_storage storage;
  socklen_t length;
  gboolean both;
} SvSocketAddress;

/* Address of a unix socket: a path, or with @abstract a name in the abstract space. FALSE when it is too long. */
gboolean sv_socket_address_init_unix (SvSocketAddress *self, const char *path, gboolean abstract, GError **error);
/*
 * Addresses of a TCP peer (or with @passive of this host), numeric or by name: looking up a name may take a while.
 * @host NULL or empty: all of this host's addresses, or the loopback. @family: AF_UNSPEC, AF_INET or AF_INET6.
 * (transfer full) (element-type SvSocketAddress): never empty
 */
GArray *sv_socket_resolve (const char *host, const char *port, gboolean passive, int family, GError **error);
/* `/run/s.sock`, `@name`, `127.0.0.1:80`, `[::1]:80` */
char *sv_socket_address_dup_string (const SvSocketAddress *self);
gboolean sv_socket_dup_local_name (int fd, char **name, gboolean *is_unix);
char *sv_socket_dup_peer_name (int fd);

/*
 * A listening descriptor that does not block. The file of a unix socket must not exist, unless it is the socket
 * that a killed process left behind, which is replaced. -1 on error.
 */
int sv_socket_listen (const SvSocketAddress *address, GError **error);
/* A descriptor that is connected, or with @nonblock perhaps still connecting. -1 on error. */
int sv_socket_connect (const SvSocketAddress *address, gboolean nonblock, GError **error);
/* A descriptor that is connected within @timeout_ms milliseconds and does not block. -1 on error. */
int sv_socket_connect_within (const SvSocketAddress *address, guint timeout_ms, GError **error);

G_END_DECLS
