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

/* Adds a static table; called by the program's type list (src/sv-type-list.c) and by tests. */
SV_API void sv_type_registry_add (const SvTypeEntry *entries, gsize n_entries);
/* The GType behind a wire name or alias; G_TYPE_INVALID when unknown. */
SV_API GType sv_type_registry_lookup (const char *name);
/* Wire name of a registered type (never an alias); NULL when it has none. */
SV_API const char *sv_type_registry_get_name (GType type);
/* Wire name of the nearest registered ancestor, or the GType's own name. */
SV_API const char *sv_type_registry_get_display_name (GType type);

typedef void (*SvTypeFunc) (const char *name, GType type, const char *alias_of, gpointer user_data);
/* All entries that are @ancestor or below, sorted by name; abstract ones only when asked for. */
SV_API void sv_type_registry_foreach (GType ancestor, gboolean abstract, SvTypeFunc func,
                                      gpointer user_data);

G_END_DECLS
