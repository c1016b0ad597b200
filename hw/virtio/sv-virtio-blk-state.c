/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a disk saves: its cache mode, and requests that failed and wait for a better time. */

#include <linux/virtio_blk.h>

#include "hw/virtio/sv-virtio-blk-private.h"
#include "src/migration/sv-migration-values.h"

/* Capacity in sectors, write cache, why the VM was stopped for it, of each queue what waits */
#define STATE_TYPE "(tbuaaq)"

static guint64
get_capacity (SvVirtioBlk *self)
{
  const struct virtio_blk_config *config = sv_virtio_device_get_config (SV_VIRTIO_DEVICE (self));

  return GUINT64_FROM_LE (config->capacity);
}

static gboolean
has_queue (SvVirtioBlk *self, guint n)
{
  return self->queues != NULL && n < self->num_queues && self->queues[n] != NULL;
}

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvVirtioBlk *self = SV_VIRTIO_BLK (migratable);
  g_auto (GVariantBuilder) queues = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aaq"));

  for (guint i = 0; i < self->num_queues; i++)
    {
      g_autoptr (GArray) ids = has_queue (self, i) ? sv_virtio_blk_queue_get_parked (self->queues[i])
                                                   : g_array_new (FALSE, FALSE, sizeof (guint16));

      g_variant_builder_add_value (&queues, g_variant_new_fixed_array (G_VARIANT_TYPE_UINT16, ids->data, ids->len,
                                                                       sizeof (guint16)));
    }
  return g_variant_new (STATE_TYPE, get_capacity (self), self->disk.writeback, (guint)self->errors.status, &queues);
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvVirtioBlk *self = SV_VIRTIO_BLK (migratable);
  g_autoptr (GVariant) parked = NULL;
  guint64 capacity;
  gboolean writeback;
  guint status;

  g_variant_get (state, "(tbu@aaq)", &capacity, &writeback, &status, &parked);
  if (!sv_migration_check_same ("capacity in sectors", capacity, get_capacity (self), error)
      || !sv_migration_check_range ("reason of an I/O stop", status, 0, SV_BLOCK_DEVICE_IO_STATUS_NOSPACE, error)
      || !sv_migration_check_same ("number of queues", g_variant_n_children (parked), self->num_queues, error))
    return FALSE;
  sv_virtio_blk_set_writeback (self, writeback);
  self->errors.status = status;
  g_clear_pointer (&self->loaded_parked, g_variant_unref);
  self->loaded_parked = g_steal_pointer (&parked);
  return TRUE;
}

static gboolean
park (SvVirtioBlk *self, guint n, GVariant *ids, GError **error)
{
  gsize n_ids;
  const guint16 *numbers = g_variant_get_fixed_array (ids, &n_ids, sizeof *numbers);

  for (gsize i = 0; i < n_ids; i++)
    if (!has_queue (self, n) || !sv_virtio_blk_queue_park (self->queues[n], numbers[i]))
      {
        g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID,
                     "buffer %u of queue %u waits to be tried again: there is none", numbers[i], n);
        return FALSE;
      }
  return TRUE;
}

/* The device has started. What is parked is tried again when it resumes. */
static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvVirtioBlk *self = SV_VIRTIO_BLK (migratable);
  g_autoptr (GVariant) parked = g_steal_pointer (&self->loaded_parked);

  for (gsize i = 0; parked != NULL && i < g_variant_n_children (parked); i++)
    {
      g_autoptr (GVariant) ids = g_variant_get_child_value (parked, i);

      if (!park (self, (guint)i, ids, error))
        return FALSE;
    }
  return TRUE;
}

const SvMigratableState sv_virtio_blk_migration = {
  .types = (const char *const[]){ STATE_TYPE, NULL },
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};
