/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/chardev/sv-socket-util.h"

G_BEGIN_DECLS

/**
 * SvSocketConnector:
 *
 * The connecting side of a stream socket: tries the addresses in turn, without blocking, on the default main context, and
 * all of them again after a pause, until one answers.
 */
typedef struct _SvSocketConnector SvSocketConnector;

/* Takes @fd, which is connected and does not block. */
typedef void (*SvSocketConnectorFunc) (gpointer opaque, int fd);

/* @addresses (transfer full) (element-type SvSocketAddress); @pause in seconds */
SvSocketConnector *sv_socket_connector_new (GArray *addresses, guint pause, SvSocketConnectorFunc func,
                                            gpointer opaque);
void sv_socket_connector_free (SvSocketConnector *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvSocketConnector, sv_socket_connector_free)

void sv_socket_connector_start (SvSocketConnector *self);
/* Starts after the pause. */
void sv_socket_connector_start_later (SvSocketConnector *self);

G_END_DECLS
