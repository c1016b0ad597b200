/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "qom/sv-object.h"
#include "qom/sv-parse.h"
#include "qom/sv-value.h"

G_BEGIN_DECLS

/*
 * Properties are ordinary GObject properties. The wire name is the pspec's nick
 * (`throttling.iops-total`), the documentation its blurb. These flags add what GParamSpec cannot
 * say.
 */
enum
{
  /* Wiring: refuses changes from outside once the object is complete (realized, opened). */
  SV_PARAM_WIRING = 1 << (G_PARAM_USER_SHIFT + 0),
  /* A byte count: strings take the suffixes K, M, G, T, P (binary). */
  SV_PARAM_SIZE = 1 << (G_PARAM_USER_SHIFT + 1),
  /* Not on the wire: neither listed nor reachable from outside. */
  SV_PARAM_INTERNAL = 1 << (G_PARAM_USER_SHIFT + 2),
  /* A byte count whose bare number means MiB (`-m 512`). */
  SV_PARAM_SIZE_MIB = 1 << (G_PARAM_USER_SHIFT + 3),
};

#define SV_PARAM_RW (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)
#define SV_PARAM_RO (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)
#define SV_PARAM_RW_WIRING (SV_PARAM_RW | SV_PARAM_WIRING)

SV_API const char *sv_property_get_wire_name (GParamSpec *pspec);
SV_API char *sv_property_dup_type_name (GParamSpec *pspec);
SV_API JsonNode *sv_property_dup_default (GParamSpec *pspec);
SV_API GPtrArray *sv_property_list (GObjectClass *klass);
SV_API GParamSpec *sv_property_find (GObjectClass *klass, const char *wire_name);

SV_API gboolean sv_object_set_property_json (
    SvObject *self, const char *name, JsonNode *node, SvObject *scope, GError **error);
SV_API gboolean sv_object_set_property_string (
    SvObject *self, const char *name, const char *string, SvObject *scope, GError **error);
SV_PUBLIC gboolean sv_object_set_value (SvObject *self, const char *property, const GValue *value, GError **error);
SV_API JsonNode *sv_object_get_property_json (SvObject *self, const char *name, GError **error);

SV_API SvObject *sv_object_new_from_json (
    const char *type, GType ancestor, JsonObject *properties, SvObject *scope, GError **error);

G_END_DECLS
