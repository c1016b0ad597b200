/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What PCI functions save: configuration space, base address registers, windows, MSI-X, pins, slots. */

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "hw/pci/sv-pcie-root-port.h"
#include "hw/virtio/sv-virtio-pci.h"
#include "pci-fixture.h"
#include "src/runtime/sv-vm-lock.h"
#include "src/sv-type-list.h"
#include "state-fixture.h"

#define PORT SV_PCI_DEVFN (5, 0)
#define BAR 0xc0000000u
#define MSIX 0xc0100000u
#define CONTROL                                                                                                        \
  (PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_DLLSCE | PCI_EXP_SLTCTL_PWR_IND_ON                       \
   | PCI_EXP_SLTCTL_ATTN_IND_OFF)

/* Two machines: the one that is saved, the one that goes on. */
typedef struct
{
  PciFixture pci[2];
  SvPciDevice *port[2];
  SvPciDevice *device[2]; /* behind the port */
} Fixture;

GType sv_virtio_rng_pci_get_type (void);

static guint
capability (SvPciDevice *device, guint8 id)
{
  return sv_pci_config_find_capability (sv_pci_device_get_config (device), id);
}

static guint32
cfg (Fixture *f, guint i, guint bus, guint devfn, guint offset, guint size)
{
  return pci_fixture_read (&f->pci[i], bus, devfn, offset, size);
}

static void
set_cfg (Fixture *f, guint bus, guint devfn, guint offset, guint32 value, guint size)
{
  pci_fixture_write (&f->pci[0], bus, devfn, offset, value, size);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  sv_type_list_register ();
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      SvPciBus *secondary;

      /* Each takes the VM lock. */
      if (i > 0)
        sv_vm_unlock ();
      pci_fixture_set_up (&f->pci[i], NULL);
      f->port[i] = pci_fixture_add (&f->pci[i], f->pci[i].root, SV_TYPE_PCIE_ROOT_PORT, "port", "5", &error);
      secondary = sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (f->port[i]));
      f->device[i] = pci_fixture_add (&f->pci[i], secondary, sv_virtio_rng_pci_get_type (), "rng", "0", &error);
      g_assert_no_error (error);
    }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      if (i > 0)
        sv_vm_lock ();
      pci_fixture_remove (f->device[i]);
      pci_fixture_remove (f->port[i]);
      pci_fixture_tear_down (&f->pci[i], NULL);
    }
}

/* As firmware does it: bus 1 behind the port, its windows, the device's registers. */
static void
program (Fixture *f)
{
  set_cfg (f, 0, PORT, PCI_PRIMARY_BUS, 0x010100, 4);
  set_cfg (f, 0, PORT, PCI_MEMORY_BASE, 0xc010c000, 4);
  set_cfg (f, 0, PORT, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
  set_cfg (f, 1, 0, PCI_BASE_ADDRESS_4, BAR, 4);
  set_cfg (f, 1, 0, PCI_BASE_ADDRESS_1, MSIX, 4);
  set_cfg (f, 1, 0, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static guint64
rd (Fixture *f, guint i, guint64 address, guint size)
{
  return sv_address_space_io_read (f->pci[i].memory, address, size);
}

static void
wr (Fixture *f, guint64 address, guint64 value, guint size)
{
  sv_address_space_io_write (f->pci[0].memory, address, value, size);
}

static void
copy (Fixture *f)
{
  SvObject *before[4], *after[4];

  for (guint i = 0; i < 2; i++)
    {
      SvObject **objects = i == 0 ? before : after;

      objects[0] = SV_OBJECT (f->port[i]);
      objects[1] = SV_OBJECT (f->device[i]);
      objects[2] = SV_OBJECT (sv_virtio_pci_get_core (SV_VIRTIO_PCI (f->device[i])));
    }
  state_copy_all (before, after, 3);
}

static void
write_entry (Fixture *f, guint vector, guint64 address, guint32 data, gboolean masked)
{
  wr (f, MSIX + 16 * vector, address, 8);
  wr (f, MSIX + 16 * vector + 8, data, 4);
  wr (f, MSIX + 16 * vector + 12, masked, 4);
}

static void
test_registers (Fixture *f, gconstpointer data)
{
  guint msix = capability (f->device[0], PCI_CAP_ID_MSIX);
  guint64 routes;

  program (f);
  write_entry (f, 0, 0xfee00000, 0x41, FALSE);
  write_entry (f, 1, 0xfee00000, 0x42, TRUE);
  set_cfg (f, 1, 0, msix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
  wr (f, BAR + VIRTIO_PCI_COMMON_MSIX, 0, 2);
  wr (f, BAR + VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
  wr (f, BAR + VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
  wr (f, BAR + VIRTIO_PCI_COMMON_GF, 1, 4);
  wr (f, BAR + VIRTIO_PCI_COMMON_STATUS, 3, 1);
  routes = f->pci[0].accel->routes->len;

  copy (f);
  g_assert_cmpstr (pci_fixture_at (f->pci[1].memory, BAR), ==, "virtio-pci-common");
  g_assert_cmphex (cfg (f, 1, 1, 0, PCI_BASE_ADDRESS_1, 4), ==, MSIX);
  g_assert_cmphex (cfg (f, 1, 1, 0, msix + PCI_MSIX_FLAGS, 2), ==, cfg (f, 0, 1, 0, msix + PCI_MSIX_FLAGS, 2));
  g_assert_cmphex (rd (f, 1, MSIX + 16 + 8, 4), ==, 0x42);
  g_assert_cmphex (rd (f, 1, BAR + VIRTIO_PCI_COMMON_STATUS, 1), ==, 3);
  g_assert_cmphex (rd (f, 1, BAR + VIRTIO_PCI_COMMON_MSIX, 2), ==, 0);
  g_assert_cmphex (rd (f, 1, BAR + VIRTIO_PCI_COMMON_Q_MSIX, 2), ==, 1);
  g_assert_cmphex (rd (f, 1, BAR + VIRTIO_PCI_COMMON_GF, 4), ==, 1);
  /* The vector that the guest can take has its route. */
  g_assert_cmpuint (f->pci[1].accel->routes->len, ==, routes);

  /* Of another function */
  state_assert_refused (SV_OBJECT (f->device[0]), SV_OBJECT (f->device[1]), "0/2/0/0/0", g_variant_new_byte (0x86),
                        "*configuration space has 0x86 at 0x000, here it is 0xf4*");
  state_assert_refused (SV_OBJECT (f->device[0]), SV_OBJECT (f->device[1]), "1/2/0/5", g_variant_new_uint16 (2),
                        "*vector is 2: 0 to 1 are possible*");
  g_assert_cmpuint (state_torture (SV_OBJECT (f->device[0]), SV_OBJECT (f->device[1])), >, 50);
}

/* A masked vector that is pending interrupts there when the guest unmasks it. */
static void
test_pending (Fixture *f, gconstpointer data)
{
  guint express = capability (f->port[0], PCI_CAP_ID_EXP);
  guint msix = capability (f->port[0], PCI_CAP_ID_MSIX);

  program (f);
  set_cfg (f, 0, PORT, PCI_BASE_ADDRESS_0, 0xc0200000, 4);
  wr (f, 0xc0200000, 0xfee00000, 8);
  wr (f, 0xc0200008, 0x50, 4);
  set_cfg (f, 0, PORT, msix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
  set_cfg (f, 0, PORT, express + PCI_EXP_SLTCTL, CONTROL, 2);
  g_assert_true (SV_BUS_GET_CLASS (sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (f->port[0])))
                     ->unplug_request (SV_BUS (sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (f->port[0]))),
                                       SV_DEVICE (f->device[0]), NULL));
  g_assert_cmphex (rd (f, 0, 0xc0200800, 4), ==, 1);

  copy (f);
  g_assert_cmphex (rd (f, 1, 0xc0200800, 4), ==, 1);
  g_assert_cmphex (cfg (f, 1, 0, PORT, express + PCI_EXP_SLTSTA, 2), ==,
                   cfg (f, 0, 0, PORT, express + PCI_EXP_SLTSTA, 2));
  /* The guest lets go of the device, which it was asked for there. */
  pci_fixture_write (&f->pci[1], 0, PORT, express + PCI_EXP_SLTCTL,
                     (CONTROL & ~PCI_EXP_SLTCTL_PIC) | PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_PCC, 2);
  g_assert_cmphex (cfg (f, 1, 1, 0, PCI_VENDOR_ID, 2), ==, 0xffff);
  copy (f);
  g_assert_cmphex (cfg (f, 1, 1, 0, PCI_VENDOR_ID, 2), ==, 0x1af4);
}

/* The pin follows from what asks for it. */
static void
test_pin (Fixture *f, gconstpointer data)
{
  guint express = capability (f->port[0], PCI_CAP_ID_EXP);

  program (f);
  set_cfg (f, 0, PORT, express + PCI_EXP_SLTCTL, CONTROL, 2);
  SV_BUS_GET_CLASS (sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (f->port[0])))
      ->unplug_request (SV_BUS (sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (f->port[0]))), SV_DEVICE (f->device[0]), NULL);
  g_assert_true (f->pci[0].lines[1]);
  copy (f);
  g_assert_true (f->pci[1].lines[1]);
  pci_fixture_write (&f->pci[1], 0, PORT, express + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_ABP, 2);
  g_assert_false (f->pci[1].lines[1]);
  g_assert_cmpuint (state_torture (SV_OBJECT (f->port[0]), SV_OBJECT (f->port[1])), >, 50);
}

static void
test_presence (Fixture *f, gconstpointer data)
{
  g_autoptr (GVariant) state = NULL;
  g_autoptr (GError) error = NULL;

  program (f);
  state = state_dup (SV_OBJECT (f->port[0]));
  pci_fixture_remove (f->device[1]);
  g_assert_false (sv_migratable_load (SV_OBJECT (f->port[1]), state, &error));
  g_assert_true (g_pattern_match_simple ("*presence in the slot is 1, here it is 0*", error->message));
  g_clear_error (&error);
  f->device[1] = pci_fixture_add (&f->pci[1], sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (f->port[1])),
                                  sv_virtio_rng_pci_get_type (), "rng", "0", &error);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/state/pci/registers", Fixture, NULL, set_up, test_registers, tear_down);
  g_test_add ("/state/pci/pending", Fixture, NULL, set_up, test_pending, tear_down);
  g_test_add ("/state/pci/pin", Fixture, NULL, set_up, test_pin, tear_down);
  g_test_add ("/state/pci/presence", Fixture, NULL, set_up, test_presence, tear_down);
  return g_test_run ();
}
