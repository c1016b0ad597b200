/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a function's MSI-X saves. */

#include "hw/pci/sv-msix-private.h"
#include "src/migration/sv-migration-values.h"

/**
 * sv_msix_dup_state: (skip)
 * @self: MSI-X of a function that is quiescent
 *
 * Returns: (transfer floating): %SV_MSIX_STATE_TYPE
 */
GVariant *
sv_msix_dup_state (SvMsix *self)
{
  g_autoptr (GArray) pending = g_array_new (FALSE, FALSE, sizeof (guint16));

  for (guint16 i = 0; i < self->n_vectors; i++)
    if (sv_msix_vector_is_written (&self->vectors[i]))
      g_array_append_val (pending, i);
  return g_variant_new ("(@ay@aq)", sv_migration_new_bytes (self->table, sv_msix_table_size (self->n_vectors)),
                        g_variant_new_fixed_array (G_VARIANT_TYPE_UINT16, pending->data, pending->len,
                                                   sizeof (guint16)));
}

/**
 * sv_msix_load_state: (skip)
 * @self: MSI-X of a function whose configuration space is loaded
 * @state: %SV_MSIX_STATE_TYPE
 * @error: return location
 *
 * Takes over the table. Vectors that are used from now on go by it; pending ones wait for sv_msix_loaded().
 *
 * Returns: %FALSE when @state is of a function with another number of vectors
 */
gboolean
sv_msix_load_state (SvMsix *self, GVariant *state, GError **error)
{
  g_autoptr (GVariant) table = NULL;
  g_autoptr (GVariant) pending = NULL;
  const guint16 *vectors;
  gsize n;

  g_variant_get (state, "(@ay@aq)", &table, &pending);
  vectors = g_variant_get_fixed_array (pending, &n, sizeof *vectors);
  for (gsize i = 0; i < n; i++)
    if (!sv_migration_check_range ("pending MSI-X vector", vectors[i], 0, self->n_vectors - 1, error))
      return FALSE;
  g_clear_pointer (&self->loaded_pending, g_array_unref);
  self->loaded_pending = g_array_new (FALSE, FALSE, sizeof *vectors);
  g_array_append_vals (self->loaded_pending, vectors, (guint)MIN (n, SV_MSIX_MAX_VECTORS));
  return sv_migration_get_bytes ("MSI-X table", table, self->table, sv_msix_table_size (self->n_vectors), error);
}

/**
 * sv_msix_loaded: (skip)
 * @self: MSI-X of a function that is loaded, with all vectors in use that were
 *
 * Connects what the guest can take, and makes pending what was: a vector that can be taken by now interrupts.
 */
void
sv_msix_loaded (SvMsix *self)
{
  g_autoptr (GArray) pending = g_steal_pointer (&self->loaded_pending);

  sv_msix_config_written (self);
  for (guint i = 0; pending != NULL && i < pending->len; i++)
    {
      guint16 vector = g_array_index (pending, guint16, i);

      if (self->vectors[vector].users > 0)
        sv_msix_notify (self, vector);
    }
}
