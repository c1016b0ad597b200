/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/**
 * SvTypeEntry:
 * @name: wire name, as on the command line and in QMP (`virtio-blk-device`)
 * @get_type: the class's get_type function; called when the type is first looked up
 * @alias_of: (nullable): wire name that @name stands for; @get_type is then %NULL
 *
 * One line of the list of types.
 */
typedef struct
{
  const char *name;
  GType (*get_type) (void);
  const char *alias_of;
} SvTypeEntry;

/**
 * SvTypeFunc:
 * @name: wire name
 * @type: the GType behind it
 * @alias_of: (nullable): wire name that @name stands for
 * @user_data: what was given to [func@type_registry_foreach]
 */
typedef void (*SvTypeFunc) (const char *name, GType type, const char *alias_of, gpointer user_data);

SV_API void sv_type_registry_add (const SvTypeEntry *entries, gsize n_entries);
SV_API GType sv_type_registry_lookup (const char *name);
SV_API const char *sv_type_registry_get_name (GType type);
SV_API const char *sv_type_registry_get_display_name (GType type);
SV_API void
sv_type_registry_foreach (GType ancestor, gboolean abstract, SvTypeFunc func, gpointer user_data);
SV_API char *sv_type_registry_dup_suggestion (const char *name, GType ancestor);

G_END_DECLS
