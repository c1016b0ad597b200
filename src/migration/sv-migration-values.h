/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

/*
 * For those who implement SvMigratable: values that go into a state, and checks of those that come out of one. What is wrong
 * is told by the name of the field and its value.
 */

/* FALSE with an error: @field is not from @min to @max. */
SV_API gboolean
sv_migration_check_range (const char *field, gint64 value, gint64 min, gint64 max, GError **error);
/* FALSE with an error: @field has bits that are not among @allowed. */
SV_API gboolean sv_migration_check_bits (const char *field, guint64 value, guint64 allowed, GError **error);
/* FALSE with an error: @field is something else than here. */
SV_API gboolean sv_migration_check_same (const char *field, guint64 value, guint64 here, GError **error);

/* A floating "ay". */
SV_API GVariant *sv_migration_new_bytes (gconstpointer data, gsize size);
/* Copies the bytes of an "ay", which must be @size of them. */
SV_API gboolean
sv_migration_get_bytes (const char *field, GVariant *value, gpointer data, gsize size, GError **error);

G_END_DECLS
