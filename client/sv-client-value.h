/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* JSON and what scripts know: `a{sv}`, `av`, `x`, `d`, `b`, `s`, an empty `mv` for null. (transfer full) */
GVariant *sv_client_value_from_json (JsonNode *node);
JsonNode *sv_client_value_to_json (GVariant *variant);

/* A GValue of the nearest type: boolean, int64, double, string, or a variant. */
void sv_client_value_init (GValue *value, JsonNode *node);
/* NULL with an error when JSON has nothing like it; an object of a VM becomes its path. (transfer full) */
JsonNode *sv_client_value_dup_json (const GValue *value, GError **error);
/* Members of @values (string to GValue; nullable) into @object. */
gboolean sv_client_value_set_members (JsonObject *object, GHashTable *values, GError **error);

G_END_DECLS
