/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A serial device in PCI: its name, and queues that it gets after its transport was made. */

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "hw/pci/sv-pci-bus.h"
#include "hw/pci/sv-pci-device.h"
#include "hw/virtio/sv-virtio-serial-bus.h"
#include "qom/sv-property.h"
#include "src/sv-type-list.h"
#include "tests/unit/virtq-driver.h"

#define BAR 0x80000000u

typedef struct
{
  TestMemory memory;
  SvMemoryRegion *io;
  SvPciBus *bus;
  SvObject *root;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  sv_type_list_register ();
  test_memory_init (&fixture->memory);
  fixture->io = sv_memory_region_new_container ("io", 0x10000);
  fixture->root = sv_object_new_container ();
  fixture->bus = sv_pci_bus_new_root (fixture->memory.root, fixture->io, fixture->memory.space, NULL);
  sv_object_add_child (fixture->root, "pcie.0", SV_OBJECT (fixture->bus), &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->root);
  g_clear_object (&fixture->bus);
  g_clear_object (&fixture->io);
  test_memory_clear (&fixture->memory);
}

static SvObject *
plug (Fixture *fixture, const char *type, SvBus *bus)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SvObject) device
      = sv_object_new_from_json (type, SV_TYPE_DEVICE, NULL, fixture->root, &error);

  g_assert_no_error (error);
  sv_object_add_child (fixture->root, type, device, &error);
  g_assert_no_error (error);
  g_assert_true (sv_bus_plug (bus, SV_DEVICE (device), &error));
  sv_object_complete (device, &error);
  g_assert_no_error (error);
  return device;
}

static gboolean
find_serial_bus (SvObject *object, gpointer user_data)
{
  if (SV_IS_VIRTIO_SERIAL_BUS (object))
    *(SvObject **)user_data = object;
  return TRUE;
}

static guint
read_register (Fixture *fixture, guint offset)
{
  return sv_address_space_io_read (fixture->memory.space, BAR + offset, 2);
}

static void
write_register (Fixture *fixture, guint offset, guint value)
{
  sv_address_space_io_write (fixture->memory.space, BAR + offset, value, 2);
}

/* The guest sees them, and each has a vector of its own. */
static void
test_added_later (Fixture *fixture, gconstpointer data)
{
  SvObject *device = plug (fixture, "virtio-serial-pci", SV_BUS (fixture->bus));
  SvObject *serial_bus = NULL;

  sv_pci_device_set_bar_address (SV_PCI_DEVICE (device), 4, BAR);
  sv_pci_device_config_write (SV_PCI_DEVICE (device), PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
  g_assert_cmpuint (read_register (fixture, VIRTIO_PCI_COMMON_NUMQ), ==, 4);
  sv_object_walk (device, find_serial_bus, &serial_bus);
  g_assert_nonnull (serial_bus);
  plug (fixture, "virtserialport", SV_BUS (serial_bus));
  g_assert_cmpuint (read_register (fixture, VIRTIO_PCI_COMMON_NUMQ), ==, 6);

  for (guint i = 0; i < 7; i++)
    {
      write_register (fixture, VIRTIO_PCI_COMMON_Q_SELECT, i);
      g_assert_cmphex (read_register (fixture, VIRTIO_PCI_COMMON_Q_MSIX), ==, VIRTIO_MSI_NO_VECTOR);
      write_register (fixture, VIRTIO_PCI_COMMON_Q_MSIX, 1);
      g_assert_cmphex (read_register (fixture, VIRTIO_PCI_COMMON_Q_MSIX), ==,
                       i < 6 ? 1 : VIRTIO_MSI_NO_VECTOR);
    }
  sv_device_reset (SV_DEVICE (device));
}

/* By the id that the user gave, which is the transport's: as in -device virtconsole,bus=ID.0. */
static void
test_names (Fixture *fixture, gconstpointer data)
{
  SvObject *device = plug (fixture, "virtio-serial-pci", SV_BUS (fixture->bus));
  SvObject *serial_bus = NULL;
  g_autoptr (SvObject) port = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) properties = json_object_new ();

  sv_object_walk (device, find_serial_bus, &serial_bus);
  g_assert_cmpstr (sv_object_get_id (serial_bus), ==, "virtio-serial-pci.0");

  json_object_set_int_member (properties, "nr", 1);
  sv_pci_device_set_bar_address (SV_PCI_DEVICE (device), 4, BAR);
  sv_pci_device_config_write (SV_PCI_DEVICE (device), PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
  sv_address_space_io_write (fixture->memory.space, BAR + VIRTIO_PCI_COMMON_STATUS, 1, 1);
  port = sv_object_new_from_json ("virtserialport", SV_TYPE_DEVICE, properties, fixture->root, &error);
  g_assert_no_error (error);
  g_assert_false (sv_bus_plug (SV_BUS (serial_bus), SV_DEVICE (port), &error));
  g_assert_cmpstr (error->message, ==,
                   "Port number 1 is too high: 'virtio-serial-pci' has 1 ports (max_ports)");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/virtio/pci/queues/added-later", Fixture, NULL, set_up, test_added_later, tear_down);
  g_test_add ("/virtio/pci/queues/names", Fixture, NULL, set_up, test_names, tear_down);
  return g_test_run ();
}
