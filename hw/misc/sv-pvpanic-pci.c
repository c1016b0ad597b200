/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-pvpanic-pci.h"

#include "hw/misc/sv-pvpanic.h"
#include "src/migration/sv-migratable.h"

#define VENDOR_ID 0x1b36u /* as QEMU's, which guests know */
#define DEVICE_ID 0x0011u
#define CLASS_CODE 0x088000u /* system peripheral, other */
#define BAR_SIZE 16u

struct _SvPvpanicPci
{
  SvPciDevice parent_instance;

  guint events;
  SvMemoryRegion *region;
};

enum
{
  PROP_EVENTS = 1,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (SvPvpanicPci, sv_pvpanic_pci, SV_TYPE_PCI_DEVICE,
                               SV_MIGRATABLE_STATELESS ("it has no registers but those of PCI"))

static guint64
sv_pvpanic_pci_read (gpointer opaque, guint64 offset, guint size)
{
  return offset == 0 ? SV_PVPANIC_PCI (opaque)->events : 0;
}

static void
sv_pvpanic_pci_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvPvpanicPci *self = opaque;

  if (offset == 0)
    sv_pvpanic_tell (SV_DEVICE (self), value & self->events);
}

static const SvMemoryRegionOps sv_pvpanic_pci_ops = {
  .read = sv_pvpanic_pci_read,
  .write = sv_pvpanic_pci_write,
  .min_access = 1,
  .max_access = 1,
};

static gboolean
sv_pvpanic_pci_setup (SvPciDevice *device, GError **error)
{
  SvPvpanicPci *self = SV_PVPANIC_PCI (device);

  self->region = sv_memory_region_new_io ("pvpanic", BAR_SIZE, &sv_pvpanic_pci_ops, self);
  sv_pci_device_add_bar (device, 0, 0, self->region);
  return TRUE;
}

static void
sv_pvpanic_pci_teardown (SvPciDevice *device)
{
  g_clear_object (&SV_PVPANIC_PCI (device)->region);
}

static void
sv_pvpanic_pci_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_uint (value, SV_PVPANIC_PCI (object)->events);
}

static void
sv_pvpanic_pci_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SV_PVPANIC_PCI (object)->events = g_value_get_uint (value);
}

static void
sv_pvpanic_pci_class_init (SvPvpanicPciClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);
  SvPciDeviceClass *pci_class = SV_PCI_DEVICE_CLASS (klass);

  object_class->get_property = sv_pvpanic_pci_get_property;
  object_class->set_property = sv_pvpanic_pci_set_property;
  device_class->user_creatable = TRUE;
  device_class->hotpluggable = TRUE;
  device_class->category = "misc";
  device_class->description = "Tells the host that the guest's kernel panicked";
  pci_class->vendor_id = VENDOR_ID;
  pci_class->device_id = DEVICE_ID;
  pci_class->subsystem_vendor_id = 0x1af4;
  pci_class->subsystem_id = 0x1100;
  pci_class->revision = 1;
  pci_class->class_code = CLASS_CODE;
  pci_class->setup = sv_pvpanic_pci_setup;
  pci_class->teardown = sv_pvpanic_pci_teardown;

  props[PROP_EVENTS] = sv_pvpanic_events_property ();
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_pvpanic_pci_init (SvPvpanicPci *self)
{
  self->events = SV_PVPANIC_ALL_EVENTS;
}
