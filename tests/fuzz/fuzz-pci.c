/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A hostile driver of PCI devices: configuration space, MSI-X, registers of virtio. Input: steps of
 * 8 bytes each: what is done, to which device, where (16 bits), a value (32 bits).
 */

#include <linux/pci_regs.h>
#include <string.h>

#include "hw/pci/sv-pci-bus.h"
#include "hw/pci/sv-pci-device.h"
#include "hw/pci/sv-pci-host.h"
#include "hw/virtio/sv-virtio-serial-bus.h"
#include "qom/sv-property.h"
#include "src/sv-type-list.h"
#include "tests/unit/virtq-driver.h"

#define ECAM 0xe0000000u
#define BARS 0x90000000u
#define BAR_STEP 0x100000u
#define MAX_STEPS 512

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static const char *const types[]
    = { "virtio-serial-pci", "virtio-serial-pci", "virtio-balloon-pci" };
static const guint8 bar_numbers[] = { 4, 1 };

typedef struct
{
  TestMemory memory;
  SvPciBus *bus;
  SvPciHost *host;
  SvPciDevice *devices[G_N_ELEMENTS (types)];
} Fuzz;

static SvObject *
plug (SvObject *root, SvBus *bus, const char *type, const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SvObject) device = sv_object_new_from_json (type, SV_TYPE_DEVICE, NULL, root, &error);

  g_assert_no_error (error);
  sv_object_add_child (root, id, device, NULL);
  if (!sv_bus_plug (bus, SV_DEVICE (device), &error) || !sv_object_complete (device, &error))
    g_error ("%s: %s", type, error->message);
  return device;
}

static gboolean
find_serial_bus (SvObject *object, gpointer user_data)
{
  if (SV_IS_VIRTIO_SERIAL_BUS (object))
    *(SvObject **)user_data = object;
  return TRUE;
}

static Fuzz *
set_up (void)
{
  Fuzz *self = g_new0 (Fuzz, 1);
  SvObject *root = sv_object_new_container ();
  SvMemoryRegion *io = sv_memory_region_new_container ("io", 0x10000);
  SvObject *serial_bus = NULL;

  sv_type_list_register ();
  test_memory_init (&self->memory);
  self->bus = sv_pci_bus_new_root (self->memory.root, io, self->memory.space, NULL);
  self->host = sv_pci_host_new (self->bus, 2);
  sv_memory_region_add (self->memory.root, ECAM, sv_pci_host_get_ecam (self->host), 2);
  sv_object_add_child (root, "pcie.0", SV_OBJECT (self->bus), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *id = g_strdup_printf ("dev%u", i);

      self->devices[i] = SV_PCI_DEVICE (plug (root, SV_BUS (self->bus), types[i], id));
    }
  /* One of them gets its port, and two queues, late. */
  sv_object_walk (SV_OBJECT (self->devices[0]), find_serial_bus, &serial_bus);
  plug (root, SV_BUS (serial_bus), "virtserialport", "port");
  return self;
}

static void
program (Fuzz *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      sv_device_reset (SV_DEVICE (self->devices[i]));
      for (guint n = 0; n < G_N_ELEMENTS (bar_numbers); n++)
        sv_pci_device_set_bar_address (self->devices[i], bar_numbers[n],
                                       BARS + (2 * i + n) * BAR_STEP);
      sv_pci_device_config_write (self->devices[i], PCI_COMMAND,
                                  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
    }
  memset (test_memory_at (&self->memory, 0), 0, 0x10000);
}

static void
step (Fuzz *self, const guint8 *data)
{
  guint device = data[1] % G_N_ELEMENTS (types);
  guint size = 1u << data[0] / 16 % 4;
  guint16 where;
  guint32 value;
  guint64 address;

  memcpy (&where, data + 2, sizeof where);
  memcpy (&value, data + 4, sizeof value);
  switch (data[0] % 8)
    {
    case 0:
    case 1:
      address = ECAM + (device << 15) + where % 4096;
      break;
    case 2:
    case 3:
    case 4:
      address = BARS + 2 * device * BAR_STEP + where % 0x4000;
      break;
    case 5:
      address = BARS + (2 * device + 1) * BAR_STEP + where % 0x1000;
      break;
    case 6:
      memcpy (test_memory_at (&self->memory, where & 0xfffc), &value, sizeof value);
      return;
    default:
      while (g_main_context_iteration (NULL, FALSE))
        continue;
      return;
    }
  if (data[1] & 0x80)
    sv_address_space_io_read (self->memory.space, address, size);
  else
    sv_address_space_io_write (self->memory.space, address, value, size);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static Fuzz *self;

  if (self == NULL)
    self = set_up ();
  program (self);
  for (gsize i = 0; i < MAX_STEPS && 8 * (i + 1) <= size; i++)
    step (self, data + 8 * i);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    sv_device_reset (SV_DEVICE (self->devices[i]));
  return 0;
}
