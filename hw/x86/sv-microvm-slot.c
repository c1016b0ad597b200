/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-microvm-slot.h"

#include <linux/virtio_ids.h>

#include "hw/x86/sv-microvm-slots.h"
#include "hw/x86/sv-x86-layout.h"
#include "qom/sv-type-registry.h"
#include "src/block/sv-block-null.h"
#include "src/net/sv-netdev-null.h"

const SvMicrovmKind sv_microvm_kinds[SV_MICROVM_N_KINDS] = {
  { VIRTIO_ID_BLOCK, SV_MICROVM_MAX_DISKS, "virtio-blk-device", "drive", "disk" },
  { VIRTIO_ID_NET, SV_MICROVM_MAX_NICS, "virtio-net-device", "netdev", "network card" },
};

const SvMicrovmKind *
sv_microvm_find_kind (guint16 device_id)
{
  for (guint i = 0; i < SV_MICROVM_N_KINDS; i++)
    if (sv_microvm_kinds[i].device_id == device_id)
      return &sv_microvm_kinds[i];
  return NULL;
}

SvDevice *
sv_microvm_slot_get_device (const SvMicrovmSlot *self)
{
  SvBus *bus = self->transport != NULL ? sv_virtio_mmio_get_bus (self->transport) : NULL;
  SvDevice *device = bus != NULL ? sv_bus_get_device (bus, 0) : NULL;

  return device != self->placeholder ? device : NULL;
}

gboolean
sv_microvm_slot_is_free (const SvMicrovmSlot *self)
{
  return sv_microvm_slot_get_device (self) == NULL;
}

/* Of what is in the slot: it says where it is, not when it came. */
static char *
dup_id (const SvMicrovmSlot *self, const char *what)
{
  return g_strdup_printf ("%s[%u]", what, self->number);
}

gboolean
sv_microvm_slot_add_transport (SvMicrovmSlot *self,
                               SvMachine *machine,
                               SvVirtioMmioBank *bank,
                               GError **error)
{
  g_autoptr (SvVirtioMmio) transport = NULL;
  g_autofree char *id = dup_id (self, "virtio-mmio");

  if (self->transport != NULL)
    return TRUE;
  transport = sv_virtio_mmio_new (sv_machine_get_memory (machine), self->number,
                                  SV_MICROVM_MMIO_BASE + self->number * SV_MICROVM_MMIO_SIZE,
                                  sv_machine_get_irq (machine, SV_MICROVM_MMIO_GSI + self->number));
  if (!sv_machine_adopt_as (machine, id, SV_DEVICE (transport), NULL, error))
    return FALSE;
  sv_virtio_mmio_bank_add (bank, transport);
  self->transport = transport;
  return TRUE;
}

void
sv_microvm_slot_remove_transport (SvMicrovmSlot *self, SvVirtioMmioBank *bank)
{
  SvVirtioMmio *transport = g_steal_pointer (&self->transport);

  if (transport == NULL)
    return;
  sv_virtio_mmio_bank_remove (bank, transport);
  sv_device_unrealize (SV_DEVICE (transport));
  sv_object_unparent (SV_OBJECT (transport));
}

static SvObject *
new_back_end (const SvMicrovmSlot *self)
{
  SvNetdev *netdev;

  if (self->kind == VIRTIO_ID_BLOCK)
    return SV_OBJECT (sv_block_null_new ());
  netdev = sv_netdev_null_new ();
  sv_netdev_null_set_n_queues (SV_NETDEV_NULL (netdev), self->n_queues / 2);
  return SV_OBJECT (netdev);
}

gboolean
sv_microvm_slot_add_placeholder (SvMicrovmSlot *self, SvMachine *machine, GError **error)
{
  const SvMicrovmKind *kind = sv_microvm_find_kind (self->kind);
  GType type = kind != NULL ? sv_type_registry_lookup (kind->driver) : G_TYPE_INVALID;
  g_autoptr (SvDevice) device = NULL;
  g_autoptr (SvObject) back_end = NULL;
  g_autofree char *id = dup_id (self, "placeholder");

  g_return_val_if_fail (type != G_TYPE_INVALID, FALSE);

  device = g_object_new (type, NULL);
  back_end = new_back_end (self);
  g_object_set (device, kind->back_end, back_end, NULL);
  if (!sv_machine_adopt_as (machine, id, device, sv_virtio_mmio_get_bus (self->transport), error))
    return FALSE;
  self->placeholder = device;
  self->back_end = g_steal_pointer (&back_end);
  return TRUE;
}

void
sv_microvm_slot_remove_placeholder (SvMicrovmSlot *self)
{
  SvDevice *device = g_steal_pointer (&self->placeholder);

  if (device == NULL)
    return;
  g_object_ref (device);
  sv_device_unrealize (device);
  sv_bus_unplug (sv_device_get_bus (device), device);
  sv_object_unparent (SV_OBJECT (device));
  g_object_unref (device);
  g_clear_object (&self->back_end);
}

static void
move_transport (SvMicrovmSlot *self, SvMachine *machine)
{
  g_autofree char *id = dup_id (self, "virtio-mmio");

  if (self->transport == NULL)
    return;
  sv_virtio_mmio_move (self->transport, self->number, SV_MICROVM_MMIO_BASE + self->number * SV_MICROVM_MMIO_SIZE,
                       sv_machine_get_irq (machine, SV_MICROVM_MMIO_GSI + self->number));
  sv_object_rename (SV_OBJECT (self->transport), id);
}

void
sv_microvm_slot_exchange (SvMicrovmSlot *self, SvMicrovmSlot *other, SvMachine *machine, SvVirtioMmioBank *bank)
{
  const SvMicrovmSlot mine = *self;
  const guint number = other->number;

  g_return_if_fail (self != other && self->placeholder == NULL && other->placeholder == NULL);

  *self = *other;
  self->number = mine.number;
  *other = mine;
  other->number = number;
  sv_virtio_mmio_bank_exchange (bank, self->number, other->number);
  if (self->transport != NULL)
    sv_object_rename (SV_OBJECT (self->transport), "virtio-mmio[]");
  move_transport (other, machine);
  move_transport (self, machine);
}

void
sv_microvm_slot_clear (SvMicrovmSlot *self)
{
  g_clear_object (&self->back_end);
  g_clear_pointer (&self->handover, sv_virtio_handover_abandon);
}
