/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

SV_API gboolean sv_parse_bool (const char *string, gboolean *value, GError **error);
SV_API gboolean sv_parse_uint64 (const char *string, guint64 *value, GError **error);
SV_API gboolean sv_parse_size (const char *string, guint64 unit, guint64 *bytes, GError **error);
SV_API char *sv_format_size (guint64 bytes);

G_END_DECLS
