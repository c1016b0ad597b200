/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a balloon saves, while it is empty. */

#include "hw/virtio/sv-virtio-balloon-private.h"
#include "src/migration/sv-migration-values.h"

/* What is in the balloon here has gone back to the host here. */
static gboolean
check_state (SvMigratable *migratable, GError **error)
{
  const struct virtio_balloon_config *config = sv_virtio_balloon_config (SV_VIRTIO_BALLOON (migratable));

  if (config->actual == 0 && config->num_pages == 0)
    return TRUE;
  g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
                       "the balloon is in use: give the guest all of its memory before");
  return FALSE;
}

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvVirtioBalloon *self = SV_VIRTIO_BALLOON (migratable);

  return g_variant_new ("(ub@atx)", GUINT32_FROM_LE (sv_virtio_balloon_config (self)->poison_val), self->stats.read,
                        g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, self->stats.values, SV_BALLOON_N_STATS,
                                                   sizeof (guint64)),
                        self->stats.last_update);
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvVirtioBalloon *self = SV_VIRTIO_BALLOON (migratable);
  g_autoptr (GVariant) values = NULL;
  const guint64 *numbers;
  guint32 poison;
  gsize n;

  g_variant_get (state, "(ub@atx)", &poison, &self->stats.read, &values, &self->stats.last_update);
  numbers = g_variant_get_fixed_array (values, &n, sizeof *numbers);
  if (!sv_migration_check_same ("number of statistics", n, SV_BALLOON_N_STATS, error)
      || !sv_migration_check_range ("time of the statistics", self->stats.last_update, 0, G_MAXINT64, error))
    return FALSE;
  memcpy (self->stats.values, numbers, sizeof self->stats.values);
  sv_virtio_balloon_config (self)->poison_val = GUINT32_TO_LE (poison);
  return TRUE;
}

const SvMigratableState sv_virtio_balloon_migration = {
  .types = (const char *const[]){ "(ubatx)", NULL }, /* poison value, statistics were read, they and their time */
  .check = check_state,
  .dup = dup_state,
  .load = load_state,
};
