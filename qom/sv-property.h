/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "qom/sv-object.h"

G_BEGIN_DECLS

/*
 * Properties are ordinary GObject properties. The wire name is the pspec's nick (`throttling.iops-total`),
 * the documentation its blurb. These flags add what GParamSpec cannot say.
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
/* QEMU's name of the type: bool, uint16, int64, size, str, link<iothread>, strList, an enum's name ... */
SV_API char *sv_property_dup_type_name (GParamSpec *pspec);
/* The default as JSON; NULL where there is none worth telling. */
SV_API JsonNode *sv_property_dup_default (GParamSpec *pspec);
/* Properties of a class that are on the wire, in order of declaration, ancestors' first. (transfer container) */
SV_API GPtrArray *sv_property_list (GObjectClass *klass);
SV_API GParamSpec *sv_property_find (GObjectClass *klass, const char *wire_name);

/*
 * The one converter. Strings: `on/off/yes/no/true/false`, decimal, 0x and octal numbers, sizes, enum
 * nicks, ids or paths of objects (resolved in the tree of @scope), comma-free string lists with ':'.
 * JSON: typed nodes; a string node is converted as a string. Errors tell what would be accepted.
 */
SV_API gboolean sv_value_from_string (GValue *value, GParamSpec *pspec, const char *string,
                                      SvObject *scope, GError **error);
SV_API gboolean sv_value_from_json (GValue *value, GParamSpec *pspec, JsonNode *node, SvObject *scope,
                                    GError **error);
SV_API JsonNode *sv_value_to_json (const GValue *value, GParamSpec *pspec);
SV_API char *sv_value_to_string (const GValue *value, GParamSpec *pspec);

SV_API gboolean sv_parse_size (const char *string, guint64 unit, guint64 *bytes, GError **error);
SV_API gboolean sv_parse_bool (const char *string, gboolean *value, GError **error);
SV_API gboolean sv_parse_uint64 (const char *string, guint64 *value, GError **error);

/* From outside (command line, QMP): looks up by wire name, asks can_change, converts, sets. Links are
 * resolved in @scope's tree (NULL: in @self's own). Errors name the property and @self's id or type. */
SV_API gboolean sv_object_set_property_json (SvObject *self, const char *name, JsonNode *node,
                                             SvObject *scope, GError **error);
SV_API gboolean sv_object_set_property_string (SvObject *self, const char *name, const char *string,
                                               SvObject *scope, GError **error);
SV_API JsonNode *sv_object_get_property_json (SvObject *self, const char *name, GError **error);

/*
 * Makes an object of wire type @type below @ancestor, sets @properties (members "id", "driver",
 * "qom-type" and "bus" excepted: those are the caller's), checks nothing else. Neither parented nor completed.
 * (transfer full)
 */
SV_API SvObject *sv_object_new_from_json (const char *type, GType ancestor, JsonObject *properties,
                                          SvObject *scope, GError **error);

G_END_DECLS
