/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the mmio transport saves: the driver's selections and its interrupt; the other registers follow from the device. */

#include <linux/virtio_mmio.h>

#include "hw/virtio/sv-virtio-mmio-private.h"
#include "src/migration/sv-migration-values.h"

#define INTERRUPTS (VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG)
#define STATE_TYPE "(buuuuuu)"

static guint32 *
interrupt_status (SvVirtioMmio *self)
{
  return &self->regs[VIRTIO_MMIO_INTERRUPT_STATUS / 4];
}

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvVirtioMmio *self = SV_VIRTIO_MMIO (migratable);

  return g_variant_new (STATE_TYPE, self->device != NULL, self->device_features_sel, self->driver_features_sel,
                        self->queue_sel, self->driver_features[0], self->driver_features[1],
                        GUINT32_FROM_LE (__atomic_load_n (interrupt_status (self), __ATOMIC_SEQ_CST)));
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvVirtioMmio *self = SV_VIRTIO_MMIO (migratable);
  gboolean occupied;
  guint32 interrupts;

  g_variant_get (state, STATE_TYPE, &occupied, &self->device_features_sel, &self->driver_features_sel,
                 &self->queue_sel, &self->driver_features[0], &self->driver_features[1], &interrupts);
  if (!sv_migration_check_same ("presence of a device", occupied, self->device != NULL, error)
      || !sv_migration_check_bits ("interrupt status", interrupts, INTERRUPTS, error))
    return FALSE;
  __atomic_store_n (interrupt_status (self), GUINT32_TO_LE (interrupts), __ATOMIC_SEQ_CST);
  return TRUE;
}

/* The edge of an interrupt that the driver has not acknowledged may have been under way: one too many does no harm. */
static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvVirtioMmio *self = SV_VIRTIO_MMIO (migratable);

  if (self->device == NULL)
    return TRUE;
  sv_virtio_mmio_refresh_regs (self);
  if (__atomic_load_n (interrupt_status (self), __ATOMIC_SEQ_CST) != 0)
    sv_irq_pulse (self->irq);
  return TRUE;
}

const SvMigratableState sv_virtio_mmio_migration = {
  /* There is a device; selections of features and queue, the driver's features, interrupt status */
  .types = (const char *const[]){ STATE_TYPE, NULL },
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};
