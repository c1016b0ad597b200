/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* `unix:PATH`, `tcp:HOST:PORT` or a path with a slash. (transfer full) */
GSocketConnectable *sv_qmp_address_parse (const char *address, GError **error);

G_END_DECLS
