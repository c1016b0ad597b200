/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"
#include "src/chardev/sv-socket-listener.h"

G_BEGIN_DECLS

/* Where guests go to and come from: tcp:HOST:PORT, unix:PATH, fd:NAME (of getfd), fd:NUMBER (inherited). */

/* A descriptor that may still be connecting; -1 on error. */
int sv_migration_uri_connect (SvObject *scope, const char *uri, gboolean inherited, GError **error);
gboolean sv_migration_uri_is_fd (const char *uri);
SvSocketListener *sv_migration_uri_listen (const char *uri, GError **error);

G_END_DECLS
