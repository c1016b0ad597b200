/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-pci-host.h"

#include "hw/pci/sv-pci-device.h"
#include "src/migration/sv-migration-values.h"

#define ADDRESS_ENABLE 0x80000000u
#define ADDRESS_MASK (ADDRESS_ENABLE | 0x00fffffcu)
#define PORTS_SIZE 4

struct _SvPciHost
{
  GObject parent_instance;

  SvPciBus *root;
  SvMemoryRegion *ecam;
  SvMemoryRegion *address_port;
  SvMemoryRegion *data_port;
  guint32 address;
  guint8 control;
  SvPciHostControlFunc control_func;
  gpointer control_opaque;
};

G_DEFINE_FINAL_TYPE (SvPciHost, sv_pci_host, G_TYPE_OBJECT)

static guint64
config_read (SvPciHost *self, guint bus, guint devfn, guint offset, guint size)
{
  SvPciDevice *device = sv_pci_bus_find_function (self->root, (guint8)bus, (guint8)devfn);

  return device != NULL ? sv_pci_device_config_read (device, offset, size) : G_MAXUINT64;
}

static void
config_write (SvPciHost *self, guint bus, guint devfn, guint offset, guint64 value, guint size)
{
  SvPciDevice *device = sv_pci_bus_find_function (self->root, (guint8)bus, (guint8)devfn);

  if (device != NULL)
    sv_pci_device_config_write (device, offset, (guint32)value, size);
}

static guint64
ecam_read (gpointer opaque, guint64 offset, guint size)
{
  return config_read (opaque, offset >> 20 & 0xff, offset >> 12 & 0xff, offset & 0xfff, size);
}

static void
ecam_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  config_write (opaque, offset >> 20 & 0xff, offset >> 12 & 0xff, offset & 0xfff, value, size);
}

/* Only whole dwords reach the address register; port 0xcf9 is another one. */
static guint64
address_read (gpointer opaque, guint64 offset, guint size)
{
  SvPciHost *self = opaque;

  if (offset == 1 && size == 1)
    return self->control;
  return offset == 0 && size == 4 ? self->address : G_MAXUINT64;
}

static void
address_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvPciHost *self = opaque;

  if (offset == 0 && size == 4)
    self->address = (guint32)value & ADDRESS_MASK;
  if (offset != 1 || size != 1)
    return;
  self->control = (guint8)value;
  if (self->control_func != NULL)
    self->control_func (self->control_opaque, self->control);
}

static guint64
data_read (gpointer opaque, guint64 offset, guint size)
{
  guint32 address = ((SvPciHost *)opaque)->address;

  if ((address & ADDRESS_ENABLE) == 0)
    return G_MAXUINT64;
  return config_read (opaque, address >> 16 & 0xff, address >> 8 & 0xff, (address & 0xfc) + offset,
                      size);
}

static void
data_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  guint32 address = ((SvPciHost *)opaque)->address;

  if ((address & ADDRESS_ENABLE) != 0)
    config_write (opaque, address >> 16 & 0xff, address >> 8 & 0xff, (address & 0xfc) + offset,
                  value, size);
}

static void
sv_pci_host_finalize (GObject *object)
{
  SvPciHost *self = SV_PCI_HOST (object);

  g_clear_object (&self->ecam);
  g_clear_object (&self->address_port);
  g_clear_object (&self->data_port);
  G_OBJECT_CLASS (sv_pci_host_parent_class)->finalize (object);
}

static void
sv_pci_host_class_init (SvPciHostClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sv_pci_host_finalize;
}

static void
sv_pci_host_init (SvPciHost *self)
{
}

/**
 * sv_pci_host_new: (skip)
 * @root: a root bus
 * @n_buses: bus numbers that the window in memory reaches, 1 to 256
 *
 * Returns: (transfer full): a host bridge's ways to configuration space
 */
SvPciHost *
sv_pci_host_new (SvPciBus *root, guint n_buses)
{
  static const SvMemoryRegionOps ecam_ops
      = { .read = ecam_read, .write = ecam_write, .min_access = 1, .max_access = 4 };
  static const SvMemoryRegionOps address_ops
      = { .read = address_read, .write = address_write, .min_access = 1, .max_access = 4 };
  static const SvMemoryRegionOps data_ops
      = { .read = data_read, .write = data_write, .min_access = 1, .max_access = 4 };
  SvPciHost *self = g_object_new (SV_TYPE_PCI_HOST, NULL);

  self->root = root;
  self->ecam = sv_memory_region_new_io ("pcie-ecam", (guint64)n_buses * SV_PCI_ECAM_BUS_SIZE,
                                        &ecam_ops, self);
  self->address_port
      = sv_memory_region_new_io ("pci-config-address", PORTS_SIZE, &address_ops, self);
  self->data_port = sv_memory_region_new_io ("pci-config-data", PORTS_SIZE, &data_ops, self);
  return self;
}

/**
 * sv_pci_host_get_ecam: (skip)
 * @self: a host
 *
 * Returns: (transfer none): the window
 */
SvMemoryRegion *
sv_pci_host_get_ecam (SvPciHost *self)
{
  return self->ecam;
}

/**
 * sv_pci_host_map_ports: (skip)
 * @self: a host
 * @io: a port space
 */
void
sv_pci_host_map_ports (SvPciHost *self, SvMemoryRegion *io)
{
  sv_memory_region_add (io, SV_PCI_CONFIG_ADDRESS, self->address_port, 0);
  sv_memory_region_add (io, SV_PCI_CONFIG_DATA, self->data_port, 0);
}

void
sv_pci_host_unmap_ports (SvPciHost *self, SvMemoryRegion *io)
{
  sv_memory_region_remove (io, self->address_port);
  sv_memory_region_remove (io, self->data_port);
}

/**
 * sv_pci_host_set_control_func: (skip)
 * @self: a host
 * @func: (nullable): called with what is written to port 0xcf9
 * @opaque: for @func
 */
void
sv_pci_host_set_control_func (SvPciHost *self, SvPciHostControlFunc func, gpointer opaque)
{
  self->control_func = func;
  self->control_opaque = opaque;
}

void
sv_pci_host_reset (SvPciHost *self)
{
  self->address = 0;
  self->control = 0;
}

/**
 * sv_pci_host_get_ports: (skip)
 * @self: a host
 * @address: (out): address of the data port's register
 * @control: (out): what was written to port 0xcf9
 */
void
sv_pci_host_get_ports (SvPciHost *self, guint32 *address, guint8 *control)
{
  *address = self->address;
  *control = self->control;
}

/**
 * sv_pci_host_set_ports: (skip)
 * @self: a host
 * @address: address of the data port's register
 * @control: what was written to port 0xcf9
 * @error: return location
 *
 * Takes over registers, without the effect that writing them has.
 *
 * Returns: %FALSE when the address is none that can be written
 */
gboolean
sv_pci_host_set_ports (SvPciHost *self, guint32 address, guint8 control, GError **error)
{
  self->address = address & ADDRESS_MASK;
  self->control = control;
  return sv_migration_check_bits ("configuration address", address, ADDRESS_MASK, error);
}
