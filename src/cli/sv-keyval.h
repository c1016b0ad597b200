/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

SV_API JsonObject *sv_keyval_parse (const char *text, const char *implied_key, GError **error);
SV_API JsonObject *sv_keyval_parse_list (const char *text, const char *implied_key, const char *list_key,
                                         GError **error);
SV_API gboolean sv_keyval_is_help (const char *text, char **type);

G_END_DECLS
