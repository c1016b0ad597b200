/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-pci-bus.h"

#include <linux/pci_regs.h>

#include "hw/pci/sv-pci-bridge.h"
#include "hw/pci/sv-pci-device.h"
#include "hw/pci/sv-pci-slots.h"
#include "src/migration/sv-migratable.h"

/* By the port of its configuration address */
#define ROOT_FIRMWARE_NAME "pci@i0cf8"

struct _SvPciBus
{
  SvBus parent_instance;

  SvPciDevice *bridge; /* NULL: root */
  SvPciSlots slots;
  const SvPciBusFuncs *funcs;
  gpointer opaque;
  gboolean unpowered;
  gboolean hotplug;

  SvMemoryRegion *memory;
  SvMemoryRegion *io;

  /* Root only */
  SvAddressSpace *guest_memory;
  SvAccel *accel;
  SvIrq *irqs[SV_PCI_N_PINS];
  guint n_asserted[SV_PCI_N_PINS];
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvPciBus, sv_pci_bus, SV_TYPE_BUS,
                               SV_MIGRATABLE_STATELESS ("numbers and power are registers of its bridge, levels of pins follow from the devices on it"))

static gboolean
check_hotplug (SvPciBus *self, SvPciDevice *device, GError **error)
{
  if (self->hotplug || !sv_device_is_hotplugged (SV_DEVICE (device)))
    return TRUE;
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
               "Bus '%s' does not support hotplugging: plug into a 'pcie-root-port'",
               sv_object_get_id (SV_OBJECT (self)));
  return FALSE;
}

static gboolean
sv_pci_bus_can_plug (SvBus *bus, SvDevice *device, GError **error)
{
  SvPciBus *self = SV_PCI_BUS (bus);
  SvPciDevice *function = SV_PCI_DEVICE (device);
  const char *id = sv_object_get_id (SV_OBJECT (self));

  return sv_pci_slots_check_place (&self->slots, function, id, error) && check_hotplug (self, function, error)
         && sv_pci_slots_check_multifunction (&self->slots, function, id, error);
}

static void
sv_pci_bus_plug (SvBus *bus, SvDevice *device)
{
  sv_pci_slots_add (&SV_PCI_BUS (bus)->slots, SV_PCI_DEVICE (device));
}

static void
sv_pci_bus_unplug (SvBus *bus, SvDevice *device)
{
  /* It cannot live without its bus: when a whole machine goes, the bus may go first. */
  sv_device_unrealize (device);
  sv_pci_slots_remove (&SV_PCI_BUS (bus)->slots, SV_PCI_DEVICE (device));
}

static gboolean
sv_pci_bus_unplug_request (SvBus *bus, SvDevice *device, GError **error)
{
  SvPciBus *self = SV_PCI_BUS (bus);

  if (self->funcs != NULL && self->funcs->unplug_request != NULL)
    return self->funcs->unplug_request (self->opaque, SV_PCI_DEVICE (device), error);
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
               "Bus '%s' does not support hotplugging", sv_object_get_id (SV_OBJECT (self)));
  return FALSE;
}

static void
sv_pci_bus_finalize (GObject *object)
{
  SvPciBus *self = SV_PCI_BUS (object);

  g_clear_object (&self->memory);
  g_clear_object (&self->io);
  g_clear_object (&self->guest_memory);
  g_clear_object (&self->accel);
  for (guint i = 0; i < SV_PCI_N_PINS; i++)
    g_clear_pointer (&self->irqs[i], sv_irq_unref);
  G_OBJECT_CLASS (sv_pci_bus_parent_class)->finalize (object);
}

static const char *
sv_pci_bus_get_firmware_name (SvBus *bus)
{
  return SV_PCI_BUS (bus)->bridge == NULL ? ROOT_FIRMWARE_NAME : NULL;
}

static void
sv_pci_bus_class_init (SvPciBusClass *klass)
{
  SvBusClass *bus_class = SV_BUS_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_pci_bus_finalize;
  bus_class->can_plug = sv_pci_bus_can_plug;
  bus_class->plug = sv_pci_bus_plug;
  bus_class->unplug = sv_pci_bus_unplug;
  bus_class->unplug_request = sv_pci_bus_unplug_request;
  bus_class->get_firmware_name = sv_pci_bus_get_firmware_name;
}

static void
sv_pci_bus_init (SvPciBus *self)
{
  self->slots.n_slots = 32;
}

/**
 * sv_pci_bus_new_root: (skip)
 * @memory: container of memory base address registers
 * @io: container of I/O base address registers
 * @guest_memory: what addresses in devices' requests mean
 * @accel: (nullable): takes message-signalled interrupts
 *
 * Returns: (transfer full): a root bus without interrupts
 */
SvPciBus *
sv_pci_bus_new_root (SvMemoryRegion *memory,
                     SvMemoryRegion *io,
                     SvAddressSpace *guest_memory,
                     SvAccel *accel)
{
  SvPciBus *self = g_object_new (SV_TYPE_PCI_BUS, NULL);

  self->memory = g_object_ref (memory);
  self->io = g_object_ref (io);
  self->guest_memory = g_object_ref (guest_memory);
  g_set_object (&self->accel, accel);
  return self;
}

/**
 * sv_pci_bus_new_secondary: (skip)
 * @bridge: its bridge
 * @memory: container of memory base address registers
 * @io: container of I/O base address registers
 *
 * Returns: (transfer full): a bus with one slot
 */
SvPciBus *
sv_pci_bus_new_secondary (SvPciDevice *bridge, SvMemoryRegion *memory, SvMemoryRegion *io)
{
  SvPciBus *self = g_object_new (SV_TYPE_PCI_BUS, NULL);

  self->bridge = bridge;
  self->slots.n_slots = 1;
  self->memory = g_object_ref (memory);
  self->io = g_object_ref (io);
  return self;
}

/**
 * sv_pci_bus_set_funcs: (skip)
 * @self: a bus
 * @funcs: (nullable): called from now on
 * @opaque: for @funcs
 */
void
sv_pci_bus_set_funcs (SvPciBus *self, const SvPciBusFuncs *funcs, gpointer opaque)
{
  self->funcs = funcs;
  self->opaque = opaque;
}

/**
 * sv_pci_bus_set_irqs: (skip)
 * @self: a root bus
 * @irqs: (array fixed-size=4): level-triggered lines
 *
 * Connects the pins: pin n of slot s drives line (s + n) modulo 4, with n from 0 for INTA.
 */
void
sv_pci_bus_set_irqs (SvPciBus *self, SvIrq *irqs[SV_PCI_N_PINS])
{
  for (guint i = 0; i < SV_PCI_N_PINS; i++)
    self->irqs[i] = sv_irq_ref (irqs[i]);
}

/**
 * sv_pci_bus_get_root:
 * @self: a bus
 *
 * Returns: (transfer none): the bus that no bridge leads to
 */
SvPciBus *
sv_pci_bus_get_root (SvPciBus *self)
{
  while (self->bridge != NULL)
    self = sv_pci_device_get_bus (self->bridge);
  return self;
}

/**
 * sv_pci_bus_get_bridge:
 * @self: a bus
 *
 * Returns: (transfer none) (nullable): the bridge whose secondary bus this is
 */
SvPciDevice *
sv_pci_bus_get_bridge (SvPciBus *self)
{
  return self->bridge;
}

/**
 * sv_pci_bus_get_number:
 * @self: a bus
 *
 * Returns: the number that its bridge is programmed with; 0 for the root bus
 */
guint
sv_pci_bus_get_number (SvPciBus *self)
{
  return self->bridge != NULL ? sv_pci_device_get_config (self->bridge)->bytes[PCI_SECONDARY_BUS]
                              : 0;
}

SvMemoryRegion *
sv_pci_bus_get_memory (SvPciBus *self)
{
  return self->memory;
}

SvMemoryRegion *
sv_pci_bus_get_io (SvPciBus *self)
{
  return self->io;
}

SvAddressSpace *
sv_pci_bus_get_guest_memory (SvPciBus *self)
{
  return sv_pci_bus_get_root (self)->guest_memory;
}

SvAccel *
sv_pci_bus_get_accel (SvPciBus *self)
{
  return sv_pci_bus_get_root (self)->accel;
}

/**
 * sv_pci_bus_get_function: (skip)
 * @self: a bus
 * @devfn: slot and function
 *
 * Returns: (transfer none) (nullable): what answers there
 */
SvPciDevice *
sv_pci_bus_get_function (SvPciBus *self, guint8 devfn)
{
  SvPciDevice *device = self->slots.functions[devfn];

  if (device == NULL || self->unpowered || !sv_device_is_realized (SV_DEVICE (device)))
    return NULL;
  return device;
}

/* The bus on @self's far side that leads to bus number @number, as the bridges are programmed. */
static SvPciBus *
find_bus (SvPciBus *self, guint8 number)
{
  guint n_devices = sv_bus_get_n_devices (SV_BUS (self));

  for (guint i = 0; i < n_devices; i++)
    {
      SvPciDevice *device = SV_PCI_DEVICE (sv_bus_get_device (SV_BUS (self), i));
      const guint8 *bytes = sv_pci_device_get_config (device)->bytes;

      if (!SV_PCI_DEVICE_GET_CLASS (device)->bridge || !sv_device_is_realized (SV_DEVICE (device))
          || bytes[PCI_SECONDARY_BUS] == 0 || number < bytes[PCI_SECONDARY_BUS]
          || number > bytes[PCI_SUBORDINATE_BUS])
        continue;
      for (guint c = 0; c < sv_object_get_n_children (SV_OBJECT (device)); c++)
        {
          SvObject *child = sv_object_get_nth_child (SV_OBJECT (device), c);

          if (!SV_IS_PCI_BUS (child))
            continue;
          return number == bytes[PCI_SECONDARY_BUS] ? SV_PCI_BUS (child)
                                                    : find_bus (SV_PCI_BUS (child), number);
        }
    }
  return NULL;
}

/**
 * sv_pci_bus_find_function: (skip)
 * @self: a root bus
 * @bus: bus number
 * @devfn: slot and function
 *
 * Follows the bus numbers that the guest gave to bridges.
 *
 * Returns: (transfer none) (nullable): what answers there
 */
SvPciDevice *
sv_pci_bus_find_function (SvPciBus *self, guint8 bus, guint8 devfn)
{
  SvPciBus *found = bus == 0 ? self : find_bus (self, bus);

  return found != NULL ? sv_pci_bus_get_function (found, devfn) : NULL;
}

/**
 * sv_pci_bus_set_powered: (skip)
 * @self: a bus
 * @powered: whether what is on it answers
 */
void
sv_pci_bus_set_powered (SvPciBus *self, gboolean powered)
{
  self->unpowered = !powered;
}

/**
 * sv_pci_bus_set_hotplug: (skip)
 * @self: a bus
 * @hotplug: whether devices may come and go while the guest runs
 */
void
sv_pci_bus_set_hotplug (SvPciBus *self, gboolean hotplug)
{
  self->hotplug = hotplug;
}

gboolean
sv_pci_bus_is_powered (SvPciBus *self)
{
  return !self->unpowered;
}

/**
 * sv_pci_bus_reset: (skip)
 * @self: a bus
 *
 * Resets what is on the bus and below it (PCIe §6.6.1).
 */
void
sv_pci_bus_reset (SvPciBus *self)
{
  for (guint i = 0; i < SV_PCI_N_FUNCTIONS; i++)
    if (self->slots.functions[i] != NULL)
      sv_device_reset (SV_DEVICE (self->slots.functions[i]));
}

gboolean
sv_pci_bus_settle (SvPciBus *self)
{
  gboolean settled = TRUE;

  for (guint i = 0; i < SV_PCI_N_FUNCTIONS; i++)
    if (self->slots.functions[i] != NULL && !sv_pci_device_settle (self->slots.functions[i]))
      settled = FALSE;
  return settled;
}

void
sv_pci_bus_settled (SvPciBus *self)
{
  if (self->bridge == NULL)
    return;
  sv_pci_bridge_settled (SV_PCI_BRIDGE (self->bridge));
  if (self->funcs != NULL && self->funcs->settled != NULL)
    self->funcs->settled (self->opaque);
  sv_pci_device_settled (self->bridge);
}

/**
 * sv_pci_bus_change_pin: (skip)
 * @self: a bus
 * @devfn: slot and function
 * @pin: 0 for INTA
 * @level: %TRUE: asserted, was not; %FALSE: released, was asserted
 *
 * Bridges pass pins on, rotated by the slot (PCI-to-PCI Bridge 1.2 §9.1). VM lock held.
 */
void
sv_pci_bus_change_pin (SvPciBus *self, guint8 devfn, guint pin, gboolean level)
{
  guint line = (SV_PCI_SLOT (devfn) + pin) % SV_PCI_N_PINS;
  guint before;

  while (self->bridge != NULL)
    {
      devfn = (guint8)sv_pci_device_get_devfn (self->bridge);
      self = sv_pci_device_get_bus (self->bridge);
      line = (SV_PCI_SLOT (devfn) + line) % SV_PCI_N_PINS;
    }

  before = self->n_asserted[line];
  self->n_asserted[line] += level ? 1 : -1;
  if (self->irqs[line] != NULL && (before == 0 || self->n_asserted[line] == 0))
    sv_irq_set (self->irqs[line], level);
}

void
sv_pci_bus_device_added (SvPciBus *self, SvPciDevice *device)
{
  if (self->funcs != NULL && self->funcs->device_added != NULL)
    self->funcs->device_added (self->opaque, device);
}

void
sv_pci_bus_device_gone (SvPciBus *self, SvPciDevice *device)
{
  if (self->funcs != NULL && self->funcs->device_gone != NULL)
    self->funcs->device_gone (self->opaque, device);
}
