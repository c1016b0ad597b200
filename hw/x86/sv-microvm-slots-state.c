/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What microvm's slots save: what each is for, and what is in it. */

#include "hw/x86/sv-microvm-slots-private.h"
#include "src/migration/sv-migration-values.h"

#define PLACEHOLDER "placeholder"
#define EMPTY "transport"
#define MAX_QUEUES 128

/* The path of the device, or one of the above, or nothing. */
static char *
dup_occupant (SvMicrovmSlot *slot)
{
  SvDevice *device = sv_microvm_slot_get_device (slot);

  if (device != NULL)
    return sv_object_dup_path (SV_OBJECT (device));
  if (slot->placeholder != NULL)
    return g_strdup (PLACEHOLDER);
  return g_strdup (slot->transport != NULL ? EMPTY : "");
}

gboolean
sv_microvm_slots_check_state (SvMicrovmSlots *self, GError **error)
{
  if (sv_virtio_mmio_bank_is_settled (self->bank))
    return TRUE;
  g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
                       "the guest waits for a virtio-mmio slot that it wrote to");
  return FALSE;
}

GVariant *
sv_microvm_slots_dup_state (SvMicrovmSlots *self)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(qbbus)"));

  for (guint i = 0; i < N_SLOTS; i++)
    {
      SvMicrovmSlot *slot = &self->slots[i];
      g_autofree char *occupant = dup_occupant (slot);

      g_variant_builder_add (&builder, "(qbbus)", slot->kind, slot->at_boot, slot->leaving, slot->n_queues, occupant);
    }
  return g_variant_new ("(ba(qbbus))", self->live, &builder);
}

/* Those of a state that was refused afterwards: the guest that is awaited never ran. */
static void
drop_placeholders (SvMicrovmSlots *self)
{
  for (guint i = 0; i < N_SLOTS; i++)
    {
      SvMicrovmSlot *slot = &self->slots[i];

      if (slot->placeholder == NULL)
        continue;
      sv_microvm_slot_remove_placeholder (slot);
      sv_microvm_slot_remove_transport (slot, self->bank);
      sv_virtio_mmio_bank_announce (self->bank, slot->number, slot->kind);
    }
}

/* Where a device is depends on what came and went before it: the command line does not tell. */
static void
move_to_slot (SvMicrovmSlots *self, SvMicrovmSlot *slot, GVariant *state)
{
  const char *occupant;

  g_variant_get (state, "(qbbu&s)", NULL, NULL, NULL, NULL, &occupant);
  if (*occupant != '/')
    return;
  for (guint i = 0; i < N_SLOTS; i++)
    {
      g_autofree char *here = dup_occupant (&self->slots[i]);

      if (!g_str_equal (here, occupant))
        continue;
      if (&self->slots[i] != slot)
        sv_microvm_slot_exchange (slot, &self->slots[i], self->machine, self->bank);
      return;
    }
}

/* A driver whose device is gone, or has not come, has a placeholder: no command line makes one. */
static gboolean
make_placeholder (SvMicrovmSlots *self, SvMicrovmSlot *slot, GVariant *state, GError **error)
{
  g_autofree char *here = dup_occupant (slot);
  const char *occupant;
  guint16 kind;
  guint n_queues;

  g_variant_get (state, "(qbbu&s)", &kind, NULL, NULL, &n_queues, &occupant);
  if (*here != '\0' || !g_str_equal (occupant, PLACEHOLDER) || sv_microvm_find_kind (kind) == NULL
      || n_queues > MAX_QUEUES)
    return TRUE;
  slot->kind = kind;
  slot->n_queues = n_queues;
  return sv_microvm_slot_add_transport (slot, self->machine, self->bank, error)
         && sv_microvm_slot_add_placeholder (slot, self->machine, error);
}

gboolean
sv_microvm_slots_prepare_state (SvMicrovmSlots *self, GVariant *state, GError **error)
{
  g_autoptr (GVariant) slots = g_variant_get_child_value (state, 1);
  const guint n = (guint)MIN (N_SLOTS, g_variant_n_children (slots));

  drop_placeholders (self);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GVariant) slot = g_variant_get_child_value (slots, i);

      move_to_slot (self, &self->slots[i], slot);
    }
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GVariant) slot = g_variant_get_child_value (slots, i);

      if (!make_placeholder (self, &self->slots[i], slot, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_occupant (SvMicrovmSlot *slot, const char *occupant, GError **error)
{
  g_autofree char *here = dup_occupant (slot);

  if (g_str_equal (here, occupant))
    return TRUE;
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "slot %u has '%s', here it has '%s'",
               slot->number, occupant, here);
  return FALSE;
}

static gboolean
load_slot (SvMicrovmSlots *self, SvMicrovmSlot *slot, GVariant *state, GError **error)
{
  const char *occupant;
  guint16 kind;

  g_variant_get (state, "(qbbu&s)", &kind, &slot->at_boot, &slot->leaving, &slot->n_queues, &occupant);
  if (kind != 0 && sv_microvm_find_kind (kind) == NULL)
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "kind of a slot is %u: none is kept for such",
                   kind);
      return FALSE;
    }
  slot->kind = kind;
  if (!sv_migration_check_range ("queues of a slot", slot->n_queues, 0, MAX_QUEUES, error)
      || !check_occupant (slot, occupant, error))
    return FALSE;
  if (slot->transport == NULL)
    sv_virtio_mmio_bank_announce (self->bank, slot->number, slot->at_boot ? 0 : kind);
  return TRUE;
}

/* The guest knows of the slots already; what tells it of them came with its memory. */
gboolean
sv_microvm_slots_load_state (SvMicrovmSlots *self, GVariant *state, GError **error)
{
  g_autoptr (GVariant) slots = NULL;

  g_variant_get (state, "(b@a(qbbus))", &self->live, &slots);
  if (!sv_migration_check_same ("number of slots", g_variant_n_children (slots), N_SLOTS, error))
    return FALSE;
  for (guint i = 0; i < N_SLOTS; i++)
    {
      g_autoptr (GVariant) slot = g_variant_get_child_value (slots, i);

      if (!load_slot (self, &self->slots[i], slot, error))
        return FALSE;
    }
  return TRUE;
}
