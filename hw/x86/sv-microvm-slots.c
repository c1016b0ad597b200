/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-microvm-slots-private.h"

#include <linux/virtio_ids.h>

#include "hw/x86/sv-microvm-address.h"
#include "hw/x86/sv-x86-layout.h"
#include "qom/sv-type-registry.h"
#include "src/block/sv-block-null.h"
#include "src/net/sv-netdev-null.h"
#include "src/runtime/sv-log.h"

/* Wire names of what stands in for a device, and the limits by kind */
static const struct
{
  guint16 kind;
  guint max;
  const char *driver;
  const char *back_end; /* property */
  const char *name;
} kinds[] = {
  { VIRTIO_ID_BLOCK, SV_MICROVM_MAX_DISKS, "virtio-blk-device", "drive", "disk" },
  { VIRTIO_ID_NET, SV_MICROVM_MAX_NICS, "virtio-net-device", "netdev", "network card" },
};

gint
sv_microvm_slot_find_kind (guint16 kind)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (kinds[i].kind == kind)
      return (gint) i;
  return -1;
}

SvDevice *
sv_microvm_slot_get_device (SvMicrovmSlot *slot)
{
  SvBus *bus = slot->transport != NULL ? sv_virtio_mmio_get_bus (slot->transport) : NULL;
  SvDevice *device = bus != NULL ? sv_bus_get_device (bus, 0) : NULL;

  return device != slot->placeholder ? device : NULL;
}

static guint
number_of (SvMicrovmSlots *self, SvMicrovmSlot *slot)
{
  return slot - self->slots;
}

static SvMicrovmSlot *
slot_of_bus (SvMicrovmSlots *self, SvBus *bus)
{
  for (guint i = 0; i < N_SLOTS; i++)
    if (self->slots[i].transport != NULL && sv_virtio_mmio_get_bus (self->slots[i].transport) == bus)
      return &self->slots[i];
  return NULL;
}

/* --- transports and what is on them --- */

gboolean
sv_microvm_slot_add_transport (SvMicrovmSlots *self, SvMicrovmSlot *slot, GError **error)
{
  guint n = number_of (self, slot);
  g_autoptr (SvVirtioMmio) transport = NULL;

  if (slot->transport != NULL)
    return TRUE;
  transport = sv_virtio_mmio_new (sv_machine_get_memory (self->machine), n,
                                  SV_MICROVM_MMIO_BASE + n * SV_MICROVM_MMIO_SIZE,
                                  sv_machine_get_irq (self->machine, SV_MICROVM_MMIO_GSI + n));
  if (!sv_machine_adopt (self->machine, SV_DEVICE (transport), NULL, error))
    return FALSE;
  sv_virtio_mmio_bank_add (self->bank, transport);
  slot->transport = transport;
  return TRUE;
}

static void
remove_transport (SvMicrovmSlots *self, SvMicrovmSlot *slot)
{
  SvVirtioMmio *transport = g_steal_pointer (&slot->transport);

  if (transport == NULL)
    return;
  sv_virtio_mmio_bank_remove (self->bank, transport);
  sv_device_unrealize (SV_DEVICE (transport));
  sv_object_unparent (SV_OBJECT (transport));
  if (self->live && !slot->at_boot)
    sv_virtio_mmio_bank_announce (self->bank, number_of (self, slot), slot->kind);
}

static void
remove_placeholder (SvMicrovmSlot *slot)
{
  SvDevice *device = g_steal_pointer (&slot->placeholder);

  if (device == NULL)
    return;
  g_object_ref (device);
  sv_device_unrealize (device);
  sv_bus_unplug (sv_device_get_bus (device), device);
  sv_object_unparent (SV_OBJECT (device));
  g_object_unref (device);
  g_clear_object (&slot->back_end);
}

static SvObject *
new_back_end (SvMicrovmSlot *slot)
{
  SvNetdev *netdev;

  if (slot->kind == VIRTIO_ID_BLOCK)
    return SV_OBJECT (sv_block_null_new ());
  netdev = sv_netdev_null_new ();
  sv_netdev_null_set_n_queues (SV_NETDEV_NULL (netdev), slot->n_queues / 2);
  return SV_OBJECT (netdev);
}

gboolean
sv_microvm_slot_add_placeholder (SvMicrovmSlots *self, SvMicrovmSlot *slot, GError **error)
{
  gint kind = sv_microvm_slot_find_kind (slot->kind);
  GType type = kind >= 0 ? sv_type_registry_lookup (kinds[kind].driver) : G_TYPE_INVALID;
  g_autoptr (SvDevice) device = NULL;
  g_autoptr (SvObject) back_end = NULL;

  g_return_val_if_fail (type != G_TYPE_INVALID, FALSE);

  device = g_object_new (type, NULL);
  back_end = new_back_end (slot);
  g_object_set (device, kinds[kind].back_end, back_end, NULL);
  if (!sv_machine_adopt (self->machine, device, sv_virtio_mmio_get_bus (slot->transport), error))
    return FALSE;
  slot->placeholder = device;
  slot->back_end = g_steal_pointer (&back_end);
  return TRUE;
}

/* A driver that looks for devices at the addresses it was told found an announced one. */
static void
touch (guint n, gpointer opaque)
{
  SvMicrovmSlots *self = opaque;
  SvMicrovmSlot *slot = &self->slots[n];
  g_autoptr (GError) error = NULL;

  if (!sv_microvm_slot_add_transport (self, slot, &error) || !sv_microvm_slot_add_placeholder (self, slot, &error))
    {
      sv_log_guest ("slot %u: %s", n, error->message);
      remove_transport (self, slot);
    }
}

/* --- choice of a slot --- */

static gboolean
is_free (SvMicrovmSlot *slot)
{
  return sv_microvm_slot_get_device (slot) == NULL;
}

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
    if (is_free (&self->slots[i]) && self->slots[i].kind == 0)
      return &self->slots[i];
  return NULL;
}

static SvMicrovmSlot *
pick_wanted (SvMicrovmSlots *self, gint kind, guint index, GError **error)
{
  SvMicrovmSlot *slot = nth_of_kind (self, kinds[kind].kind, index);
  g_autofree char *label = NULL;

  /* Before the guest is loaded, slots of a kind are taken as they come. */
  if (slot == NULL && index == count_kind (self, kinds[kind].kind))
    slot = find_any (self);
  if (slot == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND,
                   "There is no slot 0x%x for a %s: there are %u", index, kinds[kind].name,
                   count_kind (self, kinds[kind].kind));
      return NULL;
    }
  if (is_free (slot))
    return slot;
  label = sv_object_dup_label (SV_OBJECT (sv_microvm_slot_get_device (slot)));
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY, "Slot 0x%x is occupied by '%s'", index,
               label);
  return NULL;
}

static SvMicrovmSlot *
pick_of_kind (SvMicrovmSlots *self, gint kind, GError **error)
{
  for (guint i = 0; i < count_kind (self, kinds[kind].kind); i++)
    {
      SvMicrovmSlot *slot = nth_of_kind (self, kinds[kind].kind, i);

      if (is_free (slot))
        return slot;
    }
  if (count_kind (self, kinds[kind].kind) < kinds[kind].max)
    return find_any (self);
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY,
               "Machine type 'microvm' takes at most %u %ss, and all are there", kinds[kind].max,
               kinds[kind].name);
  return NULL;
}

static SvMicrovmSlot *
pick (SvMicrovmSlots *self, guint16 device_id, GError **error)
{
  g_autoptr (GError) local = NULL;
  gint kind = sv_microvm_slot_find_kind (device_id);
  gint wanted = self->wanted;
  SvMicrovmSlot *slot;

  self->wanted = -1;
  if (kind >= 0)
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
      remove_placeholder (slot);
    }
  if (!sv_microvm_slot_add_transport (self, slot, error))
    return NULL;
  if (sv_microvm_slot_find_kind (device_id) >= 0)
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
  sv_acpi_slots_insert (self->acpi, number_of (self, slot));
  return TRUE;
}

/* The device goes; a driver that is still up gets the placeholder. */
static void
take_out (SvMicrovmSlots *self, SvMicrovmSlot *slot)
{
  SvDevice *device = sv_microvm_slot_get_device (slot);

  slot->leaving = FALSE;
  sv_acpi_slots_remove (self->acpi, number_of (self, slot));
  if (sv_virtio_device_get_status (SV_VIRTIO_DEVICE (device)) != 0 && sv_microvm_slot_find_kind (slot->kind) >= 0)
    slot->handover = sv_virtio_handover_begin (SV_VIRTIO_DEVICE (device));
  slot->n_queues = sv_virtio_device_get_n_queues (SV_VIRTIO_DEVICE (device));
  sv_machine_remove_device (self->machine, device);
}

gboolean
sv_microvm_slots_unplug_request (SvMicrovmSlots *self, SvDevice *device, GError **error)
{
  SvBus *bus = sv_device_get_bus (device);
  SvMicrovmSlot *slot = bus != NULL ? slot_of_bus (self, bus) : NULL;

  if (slot == NULL || (slot->at_boot && sv_microvm_slot_find_kind (slot->kind) < 0))
    {
      g_autofree char *label = sv_object_dup_label (SV_OBJECT (device));

      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Device '%s' was there when the guest booted and cannot be unplugged: only disks "
                   "and network cards can",
                   label);
      return FALSE;
    }
  if (!slot->at_boot && sv_acpi_slots_request_eject (self->acpi, number_of (self, slot)))
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
  if (!sv_microvm_slot_add_placeholder (self, slot, &error)
      || (slot->handover != NULL
          && !sv_virtio_handover_finish (slot->handover, SV_VIRTIO_DEVICE (slot->placeholder), &error)))
    sv_log_guest ("slot %u: %s", number_of (self, slot), error->message);
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
  remove_placeholder (slot);
  if (sv_microvm_slot_get_device (slot) == NULL)
    {
      remove_transport (self, slot);
      sv_virtio_mmio_bank_announce (self->bank, number_of (self, slot), 0);
      slot->kind = 0;
    }
  slot->at_boot = slot->transport != NULL;
  slot->leaving = FALSE;
}

/* Keeps what is free for disks and network cards, network cards first: there are fewer. */
static void
keep_spare_slots (SvMicrovmSlots *self)
{
  for (gint kind = G_N_ELEMENTS (kinds) - 1; kind >= 0; kind--)
    for (guint n = count_kind (self, kinds[kind].kind); n < kinds[kind].max; n++)
      {
        SvMicrovmSlot *slot = find_any (self);

        if (slot == NULL)
          return;
        slot->kind = kinds[kind].kind;
        sv_virtio_mmio_bank_announce (self->bank, number_of (self, slot), slot->kind);
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
  return self;
}

void
sv_microvm_slots_free (SvMicrovmSlots *self)
{
  for (guint i = 0; i < N_SLOTS; i++)
    {
      g_clear_object (&self->slots[i].back_end);
      g_clear_pointer (&self->slots[i].handover, sv_virtio_handover_abandon);
    }
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
