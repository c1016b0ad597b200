/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the PCI transport saves: the driver's selections, its choice of vectors, and interrupts. */

#include <linux/virtio_pci.h>

#include "hw/virtio/sv-virtio-pci-private.h"
#include "src/migration/sv-migration-values.h"

#define PRIV(self) (sv_virtio_pci_priv (self))
#define ISR_BITS 0x3

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvVirtioPciPrivate *priv = PRIV (SV_VIRTIO_PCI (migratable));
  GVariant *msix = priv->msix != NULL ? sv_msix_dup_state (priv->msix) : NULL;

  /* A port may have come since the guest looked. */
  sv_virtio_pci_update_queues (SV_VIRTIO_PCI (migratable));
  return g_variant_new ("(uuuuqq@aqy@m" SV_MSIX_STATE_TYPE ")", priv->device_feature_select,
                        priv->driver_feature_select, priv->driver_features[0], priv->driver_features[1],
                        priv->queue_select, priv->config_vector,
                        g_variant_new_fixed_array (G_VARIANT_TYPE_UINT16, priv->queue_vectors, priv->n_queues,
                                                   sizeof (guint16)),
                        __atomic_load_n (&priv->isr, __ATOMIC_SEQ_CST),
                        g_variant_new_maybe (G_VARIANT_TYPE (SV_MSIX_STATE_TYPE), msix));
}

static gboolean
load_vector (SvVirtioPci *self, guint16 *place, guint16 vector, GError **error)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  const guint n_vectors = priv->msix != NULL ? sv_msix_get_n_vectors (priv->msix) : 0;

  if (vector != VIRTIO_MSI_NO_VECTOR
      && !sv_migration_check_range ("vector", vector, 0, (gint64)n_vectors - 1, error))
    return FALSE;
  sv_virtio_pci_set_vector (self, place, vector);
  if (*place == vector)
    return TRUE;
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED, "vector %u cannot be used here", vector);
  return FALSE;
}

static gboolean
load_vectors (SvVirtioPci *self, guint16 config_vector, GVariant *vectors, GError **error)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  const guint16 *numbers;
  gsize n;

  numbers = g_variant_get_fixed_array (vectors, &n, sizeof *numbers);
  sv_virtio_pci_update_queues (self);
  if (!sv_migration_check_same ("number of queues", n, priv->n_queues, error)
      || !load_vector (self, &priv->config_vector, config_vector, error))
    return FALSE;
  for (guint i = 0; i < priv->n_queues; i++)
    if (!load_vector (self, &priv->queue_vectors[i], numbers[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
load_msix (SvVirtioPci *self, GVariant *msix, GError **error)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  g_autoptr (GVariant) state = g_variant_get_maybe (msix);

  return sv_migration_check_same ("presence of MSI-X", state != NULL, priv->msix != NULL, error)
         && (state == NULL || sv_msix_load_state (priv->msix, state, error));
}

/* Vectors go by the table, which comes first. */
static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvVirtioPci *self = SV_VIRTIO_PCI (migratable);
  SvVirtioPciPrivate *priv = PRIV (self);
  g_autoptr (GVariant) vectors = NULL;
  g_autoptr (GVariant) msix = NULL;
  guint16 config_vector;
  guint8 isr;

  g_variant_get (state, "(uuuuqq@aqy@m" SV_MSIX_STATE_TYPE ")", &priv->device_feature_select,
                 &priv->driver_feature_select, &priv->driver_features[0], &priv->driver_features[1],
                 &priv->queue_select, &config_vector, &vectors, &isr, &msix);
  if (!sv_migration_check_bits ("interrupt status", isr, ISR_BITS, error) || !load_msix (self, msix, error)
      || !load_vectors (self, config_vector, vectors, error))
    return FALSE;
  __atomic_store_n (&priv->isr, isr, __ATOMIC_SEQ_CST);
  return TRUE;
}

/* Before the device starts, which is below this. */
static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvVirtioPci *self = SV_VIRTIO_PCI (migratable);

  if (PRIV (self)->msix != NULL)
    sv_msix_loaded (PRIV (self)->msix);
  sv_virtio_pci_update_msix (self);
  sv_virtio_pci_update_pin (self);
  return TRUE;
}

const SvMigratableState sv_virtio_pci_migration = {
  /* Selections of features, the driver's features, selected queue, vectors of configuration and queues, interrupts, MSI-X */
  .types = (const char *const[]){ "(uuuuqqaqym" SV_MSIX_STATE_TYPE ")", NULL },
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};
