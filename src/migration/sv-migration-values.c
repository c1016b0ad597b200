/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of a state, and checks of them. */
#include "src/migration/sv-migration-values.h"

#include <string.h>

gboolean
sv_migration_check_range (const char *field, gint64 value, gint64 min, gint64 max, GError **error)
{
  if (value >= min && value <= max)
    return TRUE;
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID,
               "%s is %" G_GINT64_FORMAT ": %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " are possible", field, value, min,
               max);
  return FALSE;
}

gboolean
sv_migration_check_bits (const char *field, guint64 value, guint64 allowed, GError **error)
{
  if ((value & ~allowed) == 0)
    return TRUE;
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID,
               "%s is 0x%" G_GINT64_MODIFIER "x: only bits of 0x%" G_GINT64_MODIFIER "x are possible", field, value,
               allowed);
  return FALSE;
}

gboolean
sv_migration_check_same (const char *field, guint64 value, guint64 here, GError **error)
{
  if (value == here)
    return TRUE;
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH,
               "%s is %" G_GUINT64_FORMAT ", here it is %" G_GUINT64_FORMAT, field, value, here);
  return FALSE;
}

GVariant *
sv_migration_new_bytes (gconstpointer data, gsize size)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, size, 1);
}

gboolean
sv_migration_get_bytes (const char *field, GVariant *value, gpointer data, gsize size, GError **error)
{
  gsize n;
  const guint8 *bytes = g_variant_get_fixed_array (value, &n, 1);

  if (n != size)
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID,
                   "%s has %" G_GSIZE_FORMAT " bytes instead of %" G_GSIZE_FORMAT, field, n, size);
      return FALSE;
    }
  if (size > 0)
    memcpy (data, bytes, size);
  return TRUE;
}
