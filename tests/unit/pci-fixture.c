/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pci-fixture.h"

#include <linux/pci_regs.h>

#include "src/accel/sv-vcpu.h"
#include "src/runtime/sv-vm-lock.h"

/* --- accelerator --- */

G_DEFINE_FINAL_TYPE (TestAccel, test_accel, SV_TYPE_ACCEL)

static gint
add_route (SvAccel *accel, guint64 address, guint32 data, GError **error)
{
  TestAccel *self = TEST_ACCEL (accel);
  guint64 pair[2] = { address, data };

  if (self->no_routes)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "no routes");
      return -1;
    }
  g_array_append_vals (self->routes, pair, 2);
  return (gint)self->routes->len / 2 - 1;
}

static gboolean
update_route (SvAccel *accel, guint gsi, guint64 address, guint32 data, GError **error)
{
  g_array_index (TEST_ACCEL (accel)->routes, guint64, 2 * gsi) = address;
  g_array_index (TEST_ACCEL (accel)->routes, guint64, 2 * gsi + 1) = data;
  return TRUE;
}

static void
remove_route (SvAccel *accel, guint gsi)
{
  g_array_index (TEST_ACCEL (accel)->routes, guint64, 2 * gsi + 1) = G_MAXUINT64;
}

static void
send_msi (SvAccel *accel, guint64 address, guint32 data)
{
  TestAccel *self = TEST_ACCEL (accel);

  self->n_sent++;
  self->sent_address = address;
  self->sent_data = data;
}

static gboolean
set_irqfd (SvAccel *accel, guint gsi, int fd, gboolean connect, GError **error)
{
  TestAccel *self = TEST_ACCEL (accel);

  if (connect)
    g_assert_true (
        g_hash_table_insert (self->irqfds, GINT_TO_POINTER (fd), GUINT_TO_POINTER (gsi)));
  else
    g_assert_true (g_hash_table_remove (self->irqfds, GINT_TO_POINTER (fd)));
  return TRUE;
}

static void
test_accel_finalize (GObject *object)
{
  g_array_unref (TEST_ACCEL (object)->routes);
  g_hash_table_unref (TEST_ACCEL (object)->irqfds);
  G_OBJECT_CLASS (test_accel_parent_class)->finalize (object);
}

static void
test_accel_class_init (TestAccelClass *klass)
{
  SvAccelClass *accel_class = SV_ACCEL_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = test_accel_finalize;
  accel_class->add_msi_route = add_route;
  accel_class->update_msi_route = update_route;
  accel_class->remove_msi_route = remove_route;
  accel_class->send_msi = send_msi;
  accel_class->set_irqfd = set_irqfd;
}

static void
test_accel_init (TestAccel *self)
{
  self->routes = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->irqfds = g_hash_table_new (NULL, NULL);
}

/* --- function --- */

G_DEFINE_FINAL_TYPE (TestFunction, test_function, SV_TYPE_PCI_DEVICE)

static guint64
read_ones (gpointer opaque, guint64 offset, guint size)
{
  return G_MAXUINT64;
}

static void
write_nothing (gpointer opaque, guint64 offset, guint64 value, guint size)
{
}

static gboolean
test_function_setup (SvPciDevice *device, GError **error)
{
  static const SvMemoryRegionOps ops = { .read = read_ones, .write = write_nothing };
  TestFunction *self = TEST_FUNCTION (device);

  self->regions[0] = sv_memory_region_new_io ("bar0", 0x1000, &ops, self);
  self->regions[1] = sv_memory_region_new_io ("bar2", 0x10000, &ops, self);
  self->regions[2] = sv_memory_region_new_io ("bar4", TEST_FUNCTION_PORTS, &ops, self);
  self->msix_bar = sv_memory_region_new_container ("bar5", 0x1000);
  sv_pci_device_add_bar (device, 0, 0, self->regions[0]);
  sv_pci_device_add_bar (device, 2, SV_PCI_BAR_64 | SV_PCI_BAR_PREFETCH, self->regions[1]);
  sv_pci_device_add_bar (device, 4, SV_PCI_BAR_IO, self->regions[2]);
  sv_pci_device_use_pin (device);
  self->msix = sv_msix_new (device, 4, self->msix_bar, 5, 0, 0x800);
  sv_pci_device_add_bar (device, 5, 0, self->msix_bar);
  return TRUE;
}

static void
test_function_teardown (SvPciDevice *device)
{
  TestFunction *self = TEST_FUNCTION (device);

  g_clear_pointer (&self->msix, sv_msix_free);
  g_clear_object (&self->msix_bar);
  for (guint i = 0; i < G_N_ELEMENTS (self->regions); i++)
    g_clear_object (&self->regions[i]);
}

static void
test_function_reset (SvPciDevice *device)
{
  g_assert_true (sv_vcpu_get_current () == NULL || !TEST_FUNCTION (device)->busy);
  TEST_FUNCTION (device)->n_resets++;
  sv_msix_reset (TEST_FUNCTION (device)->msix);
}

static gboolean
test_function_settle (SvPciDevice *device)
{
  return !TEST_FUNCTION (device)->busy;
}

static void
test_function_config_written (SvPciDevice *device, guint offset, guint32 old_value, guint size)
{
  sv_msix_config_written (TEST_FUNCTION (device)->msix);
}

static void
test_function_class_init (TestFunctionClass *klass)
{
  SvPciDeviceClass *pci_class = SV_PCI_DEVICE_CLASS (klass);

  pci_class->vendor_id = 0x1234;
  pci_class->device_id = 0x5678;
  pci_class->class_code = 0x00ff00;
  pci_class->setup = test_function_setup;
  pci_class->teardown = test_function_teardown;
  pci_class->reset = test_function_reset;
  pci_class->settle = test_function_settle;
  pci_class->config_written = test_function_config_written;
}

static void
test_function_init (TestFunction *self)
{
}

/* --- fixture --- */

static void
set_line (gpointer opaque, guint line, gboolean level)
{
  PciFixture *self = opaque;

  g_assert_cmpint (self->lines[line], !=, level);
  self->lines[line] = level;
}

void
pci_fixture_set_up (PciFixture *self, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) memory = sv_memory_region_new_container ("memory", G_MAXUINT64);
  g_autoptr (SvMemoryRegion) io = sv_memory_region_new_container ("io", 0x10000);
  SvIrq *irqs[SV_PCI_N_PINS];

  memset (self, 0, sizeof *self);
  sv_vm_lock ();
  self->memory = sv_address_space_new ("memory", memory);
  self->io = sv_address_space_new ("io", io);
  self->accel = g_object_new (TEST_TYPE_ACCEL, NULL);
  self->root = sv_pci_bus_new_root (memory, io, self->memory, SV_ACCEL (self->accel));
  for (guint i = 0; i < SV_PCI_N_PINS; i++)
    irqs[i] = sv_irq_new (set_line, NULL, self, i);
  sv_pci_bus_set_irqs (self->root, irqs);
  for (guint i = 0; i < SV_PCI_N_PINS; i++)
    sv_irq_unref (irqs[i]);
  self->host = sv_pci_host_new (self->root, 256);
  sv_memory_region_add (memory, PCI_FIXTURE_ECAM, sv_pci_host_get_ecam (self->host), 2);
  sv_pci_host_map_ports (self->host, io);

  self->tree = sv_object_new_container ();
  g_assert_true (sv_object_add_child (self->tree, "pcie.0", SV_OBJECT (self->root), NULL));
}

void
pci_fixture_tear_down (PciFixture *self, gconstpointer data)
{
  g_clear_object (&self->tree);
  sv_memory_region_remove (sv_address_space_get_root (self->memory),
                           sv_pci_host_get_ecam (self->host));
  sv_pci_host_unmap_ports (self->host, sv_address_space_get_root (self->io));
  g_clear_object (&self->host);
  g_assert_finalize_object (self->root);
  for (guint i = 0; i < self->accel->routes->len; i += 2)
    g_assert_cmpuint (g_array_index (self->accel->routes, guint64, i + 1), ==, G_MAXUINT64);
  g_assert_cmpuint (g_hash_table_size (self->accel->irqfds), ==, 0);
  g_assert_finalize_object (self->accel);
  g_clear_object (&self->memory);
  g_clear_object (&self->io);
  sv_vm_unlock ();
}

SvPciDevice *
pci_fixture_add (
    PciFixture *self, SvPciBus *bus, GType type, const char *id, const char *addr, GError **error)
{
  g_autoptr (SvPciDevice) device = g_object_new (type, "addr", addr, NULL);

  g_assert_true (sv_object_add_child (self->tree, id, SV_OBJECT (device), NULL));
  if (sv_bus_plug (SV_BUS (bus), SV_DEVICE (device), error)
      && sv_object_complete (SV_OBJECT (device), error))
    return device;
  sv_object_unparent (SV_OBJECT (device));
  return NULL;
}

void
pci_fixture_remove (SvPciDevice *device)
{
  sv_device_unrealize (SV_DEVICE (device));
  sv_bus_unplug (sv_device_get_bus (SV_DEVICE (device)), SV_DEVICE (device));
  sv_object_unparent (SV_OBJECT (device));
}

guint32
pci_fixture_read (PciFixture *self, guint bus, guint devfn, guint offset, guint size)
{
  return (guint32)sv_address_space_io_read (self->memory, PCI_FIXTURE_ECAM_OF (bus, devfn) + offset,
                                            size);
}

void
pci_fixture_write (
    PciFixture *self, guint bus, guint devfn, guint offset, guint32 value, guint size)
{
  sv_address_space_io_write (self->memory, PCI_FIXTURE_ECAM_OF (bus, devfn) + offset, value, size);
}

const char *
pci_fixture_at (SvAddressSpace *space, guint64 address)
{
  const SvFlatView *view = sv_address_space_enter (space);
  const SvFlatRange *range = sv_flat_view_lookup (view, address);
  const char *name = range != NULL ? sv_memory_region_get_name (range->region) : NULL;

  sv_address_space_leave (space);
  return name;
}
