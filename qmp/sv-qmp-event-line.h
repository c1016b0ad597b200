/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* The line that tells clients of an event of the schema, now; @data: its members, %NULL for none. (transfer full) */
GString *sv_qmp_event_line_new (const char *event, JsonObject *data);

G_END_DECLS
