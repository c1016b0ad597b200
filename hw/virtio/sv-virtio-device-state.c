/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a virtio device saves without its transport: features, status, queues. */

#include <linux/virtio_config.h>

#include "hw/virtio/sv-virtio-device-private.h"
#include "src/migration/sv-migration-values.h"

#define PRIV(self) (sv_virtio_device_priv (self))
#define STATUS_BITS                                                                                                    \
  (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK      \
   | VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED)
#define QUEUES "a" SV_VIRTQUEUE_STATE_TYPE

/* The driver's bits, those that were negotiated, of another device; generation, status, whether it runs; queues */
#define STATE_TYPE "(ttbuyb" QUEUES ")"

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvVirtioDevicePrivate *priv = PRIV (SV_VIRTIO_DEVICE (migratable));
  g_auto (GVariantBuilder) queues = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE (QUEUES));

  for (guint i = 0; i < priv->n_queues; i++)
    g_variant_builder_add_value (&queues, sv_virtqueue_dup_state (priv->queues[i].ring));
  return g_variant_new (STATE_TYPE, priv->driver_features, priv->negotiated, priv->inherited, priv->generation,
                        sv_virtio_device_get_status (SV_VIRTIO_DEVICE (migratable)), priv->started, &queues);
}

/* A driver that was handed over has what another device offered. */
static gboolean
check_features (SvVirtioDevice *self, guint64 features, gboolean inherited, guint n_queues, GError **error)
{
  SvVirtioDeviceClass *klass = SV_VIRTIO_DEVICE_GET_CLASS (self);
  SvVirtioDevicePrivate *priv = PRIV (self);

  if (inherited)
    return klass->check_handover == NULL || klass->check_handover (self, features, n_queues, error);
  if ((features & ~priv->offered) != 0)
    g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH,
                 "features are 0x%" G_GINT64_MODIFIER "x, of which 0x%" G_GINT64_MODIFIER "x are not to be had here",
                 features, features & ~priv->offered);
  else if ((features & (G_GUINT64_CONSTANT (1) << VIRTIO_F_VERSION_1)) == 0
           || (klass->check_features != NULL && !klass->check_features (self, features)))
    g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID,
                 "features are 0x%" G_GINT64_MODIFIER "x: no driver gets these together", features);
  else
    return TRUE;
  return FALSE;
}

static gboolean
check_status (SvVirtioDevice *self, guint8 status, gboolean started, GError **error)
{
  guint8 needed = (started ? VIRTIO_CONFIG_S_DRIVER_OK : 0)
                  | ((status & VIRTIO_CONFIG_S_DRIVER_OK) != 0 ? VIRTIO_CONFIG_S_FEATURES_OK : 0);

  if (!sv_migration_check_bits ("status", status, STATUS_BITS, error))
    return FALSE;
  if ((status & needed) == needed)
    return TRUE;
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "status is 0x%02x: 0x%02x is missing", status,
               needed & ~status);
  return FALSE;
}

static gboolean
load_queues (SvVirtioDevice *self, GVariant *queues, GError **error)
{
  SvVirtioDevicePrivate *priv = PRIV (self);

  if (!sv_migration_check_same ("number of queues", g_variant_n_children (queues), priv->n_queues, error))
    return FALSE;
  for (guint i = 0; i < priv->n_queues; i++)
    {
      g_autoptr (GVariant) queue = g_variant_get_child_value (queues, i);

      if (!sv_virtqueue_load_state (priv->queues[i].ring, queue, error))
        {
          g_prefix_error (error, "queue %u: ", i);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvVirtioDevice *self = SV_VIRTIO_DEVICE (migratable);
  SvVirtioDevicePrivate *priv = PRIV (self);
  g_autoptr (GVariant) queues = NULL;
  guint64 negotiated;
  guint8 status;

  sv_virtio_device_stop (self);
  priv->load_started = FALSE;
  priv->negotiated = 0;
  __atomic_store_n (&priv->status, 0, __ATOMIC_SEQ_CST);
  g_variant_get (state, "(ttbuyb@" QUEUES ")", &priv->driver_features, &negotiated, &priv->inherited,
                 &priv->generation, &status, &priv->load_started, &queues);
  if (!check_status (self, status, priv->load_started, error) || !load_queues (self, queues, error))
    return FALSE;
  if ((status & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
    negotiated = 0;
  else if (!check_features (self, negotiated, priv->inherited, priv->n_queues, error))
    return FALSE;
  priv->negotiated = negotiated;
  __atomic_store_n (&priv->status, status, __ATOMIC_SEQ_CST);
  return TRUE;
}

/* Buffers that are in the rings are looked for when the device resumes. */
static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvVirtioDevicePrivate *priv = PRIV (SV_VIRTIO_DEVICE (migratable));

  if (!priv->load_started)
    return TRUE;
  priv->load_started = FALSE;
  return sv_virtio_device_try_start (SV_VIRTIO_DEVICE (migratable), error);
}

const SvMigratableState sv_virtio_device_migration = {
  .types = (const char *const[]){ STATE_TYPE, NULL },
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};
