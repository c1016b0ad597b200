/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qmp/sv-qmp-call.h"

G_BEGIN_DECLS

/* What handlers have in common that look at the object tree. */

/* The object at @path; an unknown one is an error of class DeviceNotFound. (transfer none) */
SvObject *sv_qmp_resolve (SvQmpCall *call, const char *path, GType type, GError **error);

/* All objects of @type in the tree, in its order. (transfer container) */
GPtrArray *sv_qmp_collect (SvObject *root, GType type);

/**
 * sv_qmp_add_object:
 * @call: a call
 * @container: id of the root's child that the object goes below
 * @id: its id
 * @type: its wire type
 * @ancestor: what the type must derive from
 * @properties: (nullable): its properties
 * @error: return location for an error
 *
 * Makes an object, puts it in its place and completes it.
 *
 * Returns: (transfer none) (nullable): the object; %NULL with nothing left behind
 */
SvObject *sv_qmp_add_object (SvQmpCall *call,
                             const char *container,
                             const char *id,
                             const char *type,
                             GType ancestor,
                             JsonObject *properties,
                             GError **error);

/* Properties of @object by their wire names; the default when it has none of that name. */
gint64 sv_qmp_get_int (SvObject *object, const char *name, gint64 fallback);
gboolean sv_qmp_get_bool (SvObject *object, const char *name, gboolean fallback);
/* (transfer full) (nullable) */
char *sv_qmp_dup_string (SvObject *object, const char *name);

/* Sets member @name of @target to property @property of @object, if there is one. */
void
sv_qmp_copy_property (JsonObject *target, const char *name, SvObject *object, const char *property);
void sv_qmp_set_path (JsonObject *target, const char *name, SvObject *object);

/* (transfer full) */
JsonNode *sv_qmp_object_node (JsonObject *object);
JsonNode *sv_qmp_array_node (JsonArray *array);

G_END_DECLS
