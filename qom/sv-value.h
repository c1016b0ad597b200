/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "qom/sv-object.h"

G_BEGIN_DECLS

SV_API gboolean sv_value_from_string (
    GValue *value, GParamSpec *pspec, const char *string, SvObject *scope, GError **error);
SV_API gboolean sv_value_check_json_type (GParamSpec *pspec, JsonNode *node, GError **error);
SV_API gboolean sv_value_from_json (
    GValue *value, GParamSpec *pspec, JsonNode *node, SvObject *scope, GError **error);
SV_API JsonNode *sv_value_to_json (const GValue *value, GParamSpec *pspec);
SV_API char *sv_value_to_string (const GValue *value, GParamSpec *pspec);

G_END_DECLS
