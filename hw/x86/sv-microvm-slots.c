/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-microvm-slots-private.h"

#include "hw/x86/sv-microvm-address.h"
#include "src/runtime/sv-log.h"

static SvMicrovmSlot *
slot_of_bus (SvMicrovmSlots *self, SvBus *bus)
{
  for (guint i = 0; i < N_SLOTS; i++)
    if (self->slots[i].transport != NULL && sv_virtio_mmio_get_bus (self->slots[i].transport) == bus)
      return &self->slots[i];
  return NULL;
}

/* --- transports and what is on them --- */

static void
remove_transport (SvMicrovmSlots *self, SvMicrovmSlot *slot)
{
  gboolean there = slot->transport != NULL;

  sv_microvm_slot_remove_transport (slot, self->bank);
  if (there && self->live && !slot->at_boot)
    sv_virtio_mmio_bank_announce (self->bank, slot->number, slot->kind);
}

/* A driver that looks for devices at the addresses it was told found an announced one. */
static void
touch (guint n, gpointer opaque)
{
  SvMicrovmSlots *self = opaque;
  SvMicrovmSlot *slot = &self->slots[n];
  g_autoptr (GError) error = NULL;

  if (!sv_microvm_slot_add_transport (slot, self->machine, self->bank, &error)
      || !sv_microvm_slot_add_placeholder (slot, self->machine, &error))
    {
      sv_log_guest ("slot %u: %s", n, error->message);
      remove_transport (self, slot);
    }
}

/* --- choice of a slot --- */

/* The @index-th slot of a kind, in the order of slots */
static SvMicrovmSlot *
nth_of_kind (SvMicrovmSlots *self, guint16 kind, guint index)
{
  for (guint i = 0; i < N_SLOTS; i++)
    if (self->slots[i].kind == kind && index-- == 0)
      return &self->slots[i];
  return NULL;
}

static guint
count_kind (SvMicrovmSlots *self, guint16 kind)
{
  guint n = 0;

  while (nth_of_kind (self, kind, n) != NULL)
    n++;
  return n;
}

static SvMicrovmSlot *
find_any (SvMicrovmSlots *self)
{
  for (guint i = 0; i < N_SLOTS; i++)
    if (sv_microvm_slot_is_free (&self->slots[i]) && self->slots[i].kind == 0)
      return &self->slots[i];
  return NULL;
}

static SvMicrovmSlot *
pick_wanted (SvMicrovmSlots *self, const SvMicrovmKind *kind, guint index, GError **error)
{
  SvMicrovmSlot *slot = nth_of_kind (self, kind->device_id, index);
  g_autofree char *label = NULL;

  /* Before the guest is loaded, slots of a kind are taken as they come. */
  if (slot == NULL && index == count_kind (self, kind->device_id))
    slot = find_any (self);
  if (slot == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND,
                   "There is no slot 0x%x for a %s: there are %u", index, kind->name,
                   count_kind (self, kind->device_id));
      return NULL;
    }
  if (sv_microvm_slot_is_free (slot))
    return slot;
  label = sv_object_dup_label (SV_OBJECT (sv_microvm_slot_get_device (slot)));
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY, "Slot 0x%x is occupied by '%s'", index,
               label);
  return NULL;
}

static SvMicrovmSlot *
pick_of_kind (SvMicrovmSlots *self, const SvMicrovmKind *kind, GError **error)
{
  for (guint i = 0; i < count_kind (self, kind->device_id); i++)
    {
      SvMicrovmSlot *slot = nth_of_kind (self, kind->device_id, i);

      if (sv_microvm_slot_is_free (slot))
        return slot;
    }
  if (count_kind (self, kind->device_id) < kind->max)
    return find_any (self);
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY,
               "Machine type 'microvm' takes at most %u %ss, and all are there", kind->max,
               kind->name);
  return NULL;
}

static SvMicrovmSlot *
pick (SvMicrovmSlots *self, guint16 device_id, GError **error)
{
  g_autoptr (GError) local = NULL;
  const SvMicrovmKind *kind = sv_microvm_find_kind (device_id);
  gint wanted = self->wanted;
  SvMicrovmSlot *slot;

  self->wanted = -1;
  if (kind != NULL)
    slot = wanted >= 0 ? pick_wanted (self, kind, wanted, &local) : pick_of_kind (self, kind, &local);
  else
    slot = find_any (self);

  if (slot == NULL && local == NULL)
    g_set_error (&local, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                 "Machine type 'microvm' takes at most %u virtio-mmio devices", N_SLOTS);
  if (slot == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return slot;
}

/* --- vfuncs of the machine --- */

gboolean
sv_microvm_slots_prepare (SvMicrovmSlots *self, JsonObject *properties, GError **error)
{
  return sv_microvm_take_address (properties, &self->wanted, error);
}

SvBus *
sv_microvm_slots_find_bus (SvMicrovmSlots *self, SvDevice *device, GError **error)
{
  guint16 device_id = sv_virtio_device_get_device_id (SV_VIRTIO_DEVICE (device));
  SvMicrovmSlot *slot = pick (self, device_id, error);

  if (slot == NULL)
    return NULL;
  if (slot->placeholder != NULL)
    {
      SvVirtioDevice *placeholder = SV_VIRTIO_DEVICE (slot->placeholder);

      if (sv_virtio_device_get_status (placeholder) != 0)
        slot->handover = sv_virtio_handover_begin (placeholder);
      sv_microvm_slot_remove_placeholder (slot);
    }
  if (!sv_microvm_slot_add_transport (slot, self->machine, self->bank, error))
    return NULL;
  if (sv_microvm_find_kind (device_id) != NULL)
    slot->kind = device_id;
  return sv_virtio_mmio_get_bus (slot->transport);
}

gboolean
sv_microvm_slots_plugged (SvMicrovmSlots *self, SvDevice *device, GError **error)
{
  SvBus *bus = sv_device_get_bus (device);
  SvMicrovmSlot *slot = bus != NULL ? slot_of_bus (self, bus) : NULL;

  if (slot == NULL)
    return TRUE;
  if (slot->handover != NULL)
    {
      if (!sv_virtio_handover_finish (slot->handover, SV_VIRTIO_DEVICE (device), error))
        return FALSE;
      slot->handover = NULL;
    }
  if (slot->at_boot)
    return TRUE;
  /* Also after a handover: Linux keeps the driver of a device that was ejected. */
  sv_acpi_slots_insert (self->acpi, slot->number);
  return TRUE;
}

/* The device goes; a driver that is still up gets the placeholder. */
static void
take_out (SvMicrovmSlots *self, SvMicrovmSlot *slot)
{
  SvDevice *device = sv_microvm_slot_get_device (slot);

  slot->leaving = FALSE;
  sv_acpi_slots_remove (self->acpi, slot->number);
  if (sv_virtio_device_get_status (SV_VIRTIO_DEVICE (device)) != 0
      && sv_microvm_find_kind (slot->kind) != NULL)
    slot->handover = sv_virtio_handover_begin (SV_VIRTIO_DEVICE (device));
  slot->n_queues = sv_virtio_device_get_n_queues (SV_VIRTIO_DEVICE (device));
  sv_machine_remove_device (self->machine, device);
}

gboolean
sv_microvm_slots_unplug_request (SvMicrovmSlots *self, SvDevice *device, GError **error)
{
  SvBus *bus = sv_device_get_bus (device);
  SvMicrovmSlot *slot = bus != NULL ? slot_of_bus (self, bus) : NULL;

  if (slot == NULL || (slot->at_boot && sv_microvm_find_kind (slot->kind) == NULL))
    {
      g_autofree char *label = sv_object_dup_label (SV_OBJECT (device));

      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Device '%s' was there when the guest booted and cannot be unplugged: only disks "
                   "and network cards can",
                   label);
      return FALSE;
    }
  if (!slot->at_boot && sv_acpi_slots_request_eject (self->acpi, slot->number))
    slot->leaving = TRUE;
  else
    take_out (self, slot);
  return TRUE;
}

static void
on_ejected (SvAcpiSlots *acpi, guint n, SvMicrovmSlots *self)
{
  SvMicrovmSlot *slot = &self->slots[n];

  if (slot->leaving && sv_microvm_slot_get_device (slot) != NULL)
    take_out (self, slot);
}

static void
on_refused (SvAcpiSlots *acpi, guint n, guint status, SvMicrovmSlots *self)
{
  SvMicrovmSlot *slot = &self->slots[n];
  SvDevice *device = sv_microvm_slot_get_device (slot);
  SvMachine *machine = device != NULL ? sv_device_get_machine (device) : NULL;
  g_autoptr (JsonObject) event = NULL;
  g_autofree char *number = NULL;
  JsonObject *info;

  if (!slot->leaving || machine == NULL)
    return;
  slot->leaving = FALSE;
  event = json_object_new ();
  info = json_object_new ();
  number = g_strdup_printf ("%u", n);
  json_object_set_string_member (info, "device", sv_object_get_id (SV_OBJECT (device)));
  json_object_set_string_member (info, "slot", number);
  json_object_set_string_member (info, "slot-type", "virtio-mmio");
  json_object_set_int_member (info, "source", SV_ACPI_NOTIFY_EJECT_REQUEST);
  json_object_set_int_member (info, "status", status);
  json_object_set_object_member (event, "info", info);
  sv_machine_emit_device_event (machine, "ACPI_DEVICE_OST", event);
  sv_machine_emit_unplug_refused (machine, device);
}

void
sv_microvm_slots_vacated (SvMicrovmSlots *self, SvBus *bus)
{
  SvMicrovmSlot *slot = slot_of_bus (self, bus);
  g_autoptr (GError) error = NULL;

  if (slot == NULL)
    return;
  if (!self->live)
    {
      remove_transport (self, slot);
      slot->kind = 0;
      return;
    }
  slot->leaving = FALSE;
  if (!slot->at_boot && slot->handover == NULL)
    {
      remove_transport (self, slot);
      return;
    }
  if (!sv_microvm_slot_add_placeholder (slot, self->machine, &error)
      || (slot->handover != NULL
          && !sv_virtio_handover_finish (slot->handover, SV_VIRTIO_DEVICE (slot->placeholder), &error)))
    sv_log_guest ("slot %u: %s", slot->number, error->message);
  else
    slot->handover = NULL;
  g_clear_pointer (&slot->handover, sv_virtio_handover_abandon);
}

/* --- load and reset --- */

/* What waited for the old guest's answer needs none any more. */
static void
settle (SvMicrovmSlots *self, SvMicrovmSlot *slot)
{
  SvDevice *device = sv_microvm_slot_get_device (slot);

  if (slot->leaving && device != NULL)
    sv_machine_remove_device (self->machine, device);
  sv_microvm_slot_remove_placeholder (slot);
  if (sv_microvm_slot_get_device (slot) == NULL)
    {
      remove_transport (self, slot);
      sv_virtio_mmio_bank_announce (self->bank, slot->number, 0);
      slot->kind = 0;
    }
  slot->at_boot = slot->transport != NULL;
  slot->leaving = FALSE;
}

/* Keeps what is free for disks and network cards, network cards first: there are fewer. */
static void
keep_spare_slots (SvMicrovmSlots *self)
{
  for (guint i = SV_MICROVM_N_KINDS; i-- > 0;)
    for (guint n = count_kind (self, sv_microvm_kinds[i].device_id); n < sv_microvm_kinds[i].max; n++)
      {
        SvMicrovmSlot *slot = find_any (self);

        if (slot == NULL)
          return;
        slot->kind = sv_microvm_kinds[i].device_id;
        sv_virtio_mmio_bank_announce (self->bank, slot->number, slot->kind);
      }
}

/* What is there at boot describes itself. */
static gboolean
describe_slot (guint n, GByteArray *aml, gpointer opaque)
{
  SvMicrovmSlots *self = opaque;

  if (self->slots[n].at_boot)
    return FALSE;
  sv_virtio_mmio_append_aml (aml, n, SV_MICROVM_MMIO_BASE + n * SV_MICROVM_MMIO_SIZE,
                             SV_MICROVM_MMIO_GSI + n);
  return TRUE;
}

void
sv_microvm_slots_begin_load (SvMicrovmSlots *self)
{
  self->live = FALSE;
  sv_virtio_mmio_bank_forget_writes (self->bank);
  for (guint i = 0; i < N_SLOTS; i++)
    settle (self, &self->slots[i]);
  sv_acpi_slots_clear (self->acpi);
  keep_spare_slots (self);
  self->live = TRUE;
}

void
sv_microvm_slots_append_cmdline (SvMicrovmSlots *self, GString *cmdline)
{
  for (guint i = 0; i < N_SLOTS; i++)
    if (self->slots[i].transport != NULL || self->slots[i].kind != 0)
      g_string_append_printf (cmdline, "virtio_mmio.device=%u@0x%x:%u ", SV_MICROVM_MMIO_SIZE,
                              SV_MICROVM_MMIO_BASE + i * SV_MICROVM_MMIO_SIZE, SV_MICROVM_MMIO_GSI + i);
}

/* --- life --- */

SvMicrovmSlots *
sv_microvm_slots_new (SvMachine *machine)
{
  SvMicrovmSlots *self = g_new0 (SvMicrovmSlots, 1);

  self->machine = machine;
  self->wanted = -1;
  for (guint i = 0; i < N_SLOTS; i++)
    self->slots[i].number = i;
  return self;
}

void
sv_microvm_slots_free (SvMicrovmSlots *self)
{
  for (guint i = 0; i < N_SLOTS; i++)
    sv_microvm_slot_clear (&self->slots[i]);
  if (self->acpi != NULL)
    g_signal_handlers_disconnect_by_data (self->acpi, self);
  g_clear_object (&self->acpi);
  g_clear_object (&self->bank);
  g_free (self);
}

void
sv_microvm_slots_map (SvMicrovmSlots *self)
{
  SvMemoryRegion *root = sv_address_space_get_root (sv_machine_get_memory (self->machine));

  self->bank = sv_virtio_mmio_bank_new (N_SLOTS);
  sv_virtio_mmio_bank_set_touch_func (self->bank, touch, self);
  sv_memory_region_add (root, SV_MICROVM_MMIO_BASE, sv_virtio_mmio_bank_get_region (self->bank), 0);
}

gboolean
sv_microvm_slots_build (SvMicrovmSlots *self, SvAcpiGed *ged, GError **error)
{
  self->acpi = sv_acpi_slots_new (ged, SV_MICROVM_SLOTS_BASE, SV_X86_SLOT_STATE, N_SLOTS);
  sv_acpi_slots_set_describe (self->acpi, describe_slot, self);
  g_signal_connect (self->acpi, "ejected", G_CALLBACK (on_ejected), self);
  g_signal_connect (self->acpi, "refused", G_CALLBACK (on_refused), self);
  return sv_machine_adopt (self->machine, SV_DEVICE (self->acpi), NULL, error);
}
