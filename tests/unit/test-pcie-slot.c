/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Native hotplug as a guest's driver sees it in the registers of a root port (PCIe 6.0 §6.7.3). */

#include <linux/pci_regs.h>

#include "hw/pci/sv-pcie-root-port.h"
#include "pci-fixture.h"

#define PORT SV_PCI_DEVFN (5, 0)
#define DRIVER_CONTROL (PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_DLLSCE)
#define POWERED (DRIVER_CONTROL | PCI_EXP_SLTCTL_PWR_IND_ON | PCI_EXP_SLTCTL_ATTN_IND_OFF)
#define BLINKING (DRIVER_CONTROL | PCI_EXP_SLTCTL_PWR_IND_BLINK | PCI_EXP_SLTCTL_ATTN_IND_OFF)
#define OFF                                                                                        \
  (DRIVER_CONTROL | PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_ATTN_IND_OFF | PCI_EXP_SLTCTL_PCC)
#define OFF_LIT                                                                                    \
  (DRIVER_CONTROL | PCI_EXP_SLTCTL_PWR_IND_BLINK | PCI_EXP_SLTCTL_ATTN_IND_OFF | PCI_EXP_SLTCTL_PCC)

typedef struct
{
  SvPciDevice *port;
  SvPciBus *bus;
  guint express;
} Guest;

static guint
status (PciFixture *self, Guest *guest)
{
  return pci_fixture_read (self, 0, PORT, guest->express + PCI_EXP_SLTSTA, 2);
}

static void
control (PciFixture *self, Guest *guest, guint value)
{
  pci_fixture_write (self, 0, PORT, guest->express + PCI_EXP_SLTCTL, value, 2);
}

static void
acknowledge (PciFixture *self, Guest *guest)
{
  pci_fixture_write (self, 0, PORT, guest->express + PCI_EXP_SLTSTA, status (self, guest), 2);
}

static gboolean
link_is_up (PciFixture *self, Guest *guest)
{
  return (pci_fixture_read (self, 0, PORT, guest->express + PCI_EXP_LNKSTA, 2)
          & PCI_EXP_LNKSTA_DLLLA)
         != 0;
}

static gboolean
interrupts (PciFixture *self)
{
  return self->lines[1];
}

static SvPciDevice *
plug (PciFixture *self, Guest *guest)
{
  g_autoptr (SvPciDevice) device = g_object_new (TEST_TYPE_FUNCTION, NULL);

  g_assert_true (sv_object_add_child (self->tree, "device", SV_OBJECT (device), NULL));
  sv_device_set_hotplugged (SV_DEVICE (device));
  g_assert_true (sv_bus_plug (SV_BUS (guest->bus), SV_DEVICE (device), NULL));
  g_assert_true (sv_object_complete (SV_OBJECT (device), NULL));
  return device;
}

static gboolean
request_unplug (Guest *guest, SvPciDevice *device)
{
  return SV_BUS_GET_CLASS (guest->bus)
      ->unplug_request (SV_BUS (guest->bus), SV_DEVICE (device), NULL);
}

static void
start (PciFixture *self, Guest *guest)
{
  guest->port = pci_fixture_add (self, self->root, SV_TYPE_PCIE_ROOT_PORT, "port", "5", NULL);
  guest->bus = sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (guest->port));
  guest->express
      = sv_pci_config_find_capability (sv_pci_device_get_config (guest->port), PCI_CAP_ID_EXP);
  pci_fixture_write (self, 0, PORT, PCI_PRIMARY_BUS, 0x010100, 4);
}

static void
test_capabilities (PciFixture *self, gconstpointer data)
{
  Guest guest;
  guint32 capabilities;

  start (self, &guest);
  capabilities = pci_fixture_read (self, 0, PORT, guest.express + PCI_EXP_SLTCAP, 4);
  g_assert_cmphex (capabilities & 0x7ffff, ==,
                   PCI_EXP_SLTCAP_ABP | PCI_EXP_SLTCAP_PCP | PCI_EXP_SLTCAP_AIP | PCI_EXP_SLTCAP_PIP
                       | PCI_EXP_SLTCAP_HPC | PCI_EXP_SLTCAP_NCCS);
  g_assert_cmphex (pci_fixture_read (self, 0, PORT, guest.express + PCI_EXP_FLAGS, 2), ==,
                   2 | PCI_EXP_TYPE_ROOT_PORT << 4 | PCI_EXP_FLAGS_SLOT);
  /* Empty: no power, no link */
  g_assert_cmphex (status (self, &guest), ==, 0);
  g_assert_false (link_is_up (self, &guest));
}

static void
test_there_at_boot (PciFixture *self, gconstpointer data)
{
  Guest guest;

  start (self, &guest);
  g_assert_nonnull (pci_fixture_add (self, guest.bus, TEST_TYPE_FUNCTION, "cold", NULL, NULL));
  g_assert_cmphex (status (self, &guest), ==, PCI_EXP_SLTSTA_PDS);
  g_assert_true (link_is_up (self, &guest));
  g_assert_cmphex (pci_fixture_read (self, 1, 0, 0, 4), ==, 0x56781234);
}

static void
test_insert (PciFixture *self, gconstpointer data)
{
  Guest guest;
  SvPciDevice *device;

  start (self, &guest);
  control (self, &guest, OFF);
  device = plug (self, &guest);
  g_assert_cmphex (status (self, &guest), ==,
                   PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_ABP);
  g_assert_true (interrupts (self));
  g_assert_false (link_is_up (self, &guest));
  g_assert_cmphex (pci_fixture_read (self, 1, 0, 0, 4), ==, G_MAXUINT32);
  acknowledge (self, &guest);
  g_assert_false (interrupts (self));
  g_assert_cmphex (status (self, &guest), ==, PCI_EXP_SLTSTA_PDS);

  control (self, &guest, OFF_LIT);
  control (self, &guest, BLINKING);
  g_assert_true (link_is_up (self, &guest));
  g_assert_cmphex (status (self, &guest), ==, PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_DLLSC);
  g_assert_true (interrupts (self));
  acknowledge (self, &guest);
  /* It is at it: not the time to ask for the contrary. */
  g_assert_false (request_unplug (&guest, device));
  control (self, &guest, POWERED);
  g_assert_cmphex (pci_fixture_read (self, 1, 0, 0, 4), ==, 0x56781234);
}

static void
test_remove (PciFixture *self, gconstpointer data)
{
  Guest guest;
  SvPciDevice *device;

  start (self, &guest);
  device = plug (self, &guest);
  control (self, &guest, POWERED);
  acknowledge (self, &guest);

  g_assert_true (request_unplug (&guest, device));
  g_assert_true (interrupts (self));
  g_assert_cmphex (status (self, &guest) & PCI_EXP_SLTSTA_ABP, !=, 0);
  acknowledge (self, &guest);
  control (self, &guest, BLINKING);
  /* Once more: the button is not pressed again, which would take it back. */
  g_assert_true (request_unplug (&guest, device));
  g_assert_cmphex (status (self, &guest), ==, PCI_EXP_SLTSTA_PDS);

  control (self, &guest, OFF_LIT);
  g_assert_cmphex (pci_fixture_read (self, 1, 0, 0, 4), ==, G_MAXUINT32);
  g_assert_cmpuint (TEST_FUNCTION (device)->n_resets, ==, 1);
  g_assert_false (link_is_up (self, &guest));
  g_assert_true (sv_device_is_realized (SV_DEVICE (device)));
  g_assert_false (g_main_context_pending (NULL));
  control (self, &guest, OFF);
  /* Nothing leaves the tree in a vCPU's thread. */
  g_assert_true (sv_device_is_realized (SV_DEVICE (device)));
  g_assert_true (g_main_context_pending (NULL));

  acknowledge (self, &guest);
  pci_fixture_remove (device);
  g_assert_cmphex (status (self, &guest), ==, PCI_EXP_SLTSTA_PDC);
}

/* A guest that takes its time, changes its mind, or switches the slot off by itself */
static void
test_no_answer (PciFixture *self, gconstpointer data)
{
  Guest guest;
  SvPciDevice *device;

  start (self, &guest);
  device = plug (self, &guest);
  control (self, &guest, POWERED);
  acknowledge (self, &guest);

  g_assert_true (request_unplug (&guest, device));
  acknowledge (self, &guest);
  g_assert_true (request_unplug (&guest, device));
  g_assert_cmphex (status (self, &guest) & PCI_EXP_SLTSTA_ABP, !=, 0);
  acknowledge (self, &guest);
  control (self, &guest, BLINKING);
  g_assert_false (g_main_context_pending (NULL));
  control (self, &guest, POWERED);
  /* The user is told, on the main thread. */
  g_assert_true (g_main_context_iteration (NULL, FALSE));

  control (self, &guest, OFF);
  g_assert_false (g_main_context_pending (NULL));
  control (self, &guest, POWERED);
  g_assert_cmphex (pci_fixture_read (self, 1, 0, 0, 4), ==, 0x56781234);

  g_assert_true (request_unplug (&guest, device));
  sv_device_reset (SV_DEVICE (guest.port));
  g_assert_cmphex (status (self, &guest), ==, PCI_EXP_SLTSTA_PDS);
  g_assert_true (link_is_up (self, &guest));
  g_assert_false (interrupts (self));
}

/* Events that came before the driver listens interrupt as soon as it does. */
static void
test_late_driver (PciFixture *self, gconstpointer data)
{
  Guest guest;

  start (self, &guest);
  plug (self, &guest);
  g_assert_false (interrupts (self));
  control (self, &guest, OFF & ~PCI_EXP_SLTCTL_HPIE);
  g_assert_false (interrupts (self));
  control (self, &guest, OFF);
  g_assert_true (interrupts (self));
  /* Byte by byte is as good. */
  pci_fixture_write (self, 0, PORT, guest.express + PCI_EXP_SLTCTL + 1, 0x01, 1);
  g_assert_true (link_is_up (self, &guest));
}

static void
test_hotplug_off (PciFixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SvPciDevice) port
      = g_object_new (SV_TYPE_PCIE_ROOT_PORT, "addr", "5", "hotplug", FALSE, "slot", 77, NULL);
  g_autoptr (SvPciDevice) device = g_object_new (TEST_TYPE_FUNCTION, NULL);
  guint express;

  g_assert_true (sv_object_add_child (self->tree, "port", SV_OBJECT (port), NULL));
  g_assert_true (sv_bus_plug (SV_BUS (self->root), SV_DEVICE (port), NULL));
  g_assert_true (sv_object_complete (SV_OBJECT (port), NULL));
  express = sv_pci_config_find_capability (sv_pci_device_get_config (port), PCI_CAP_ID_EXP);
  g_assert_cmphex (pci_fixture_read (self, 0, PORT, express + PCI_EXP_SLTCAP, 4), ==,
                   77u << 19 | PCI_EXP_SLTCAP_NCCS);
  sv_device_set_hotplugged (SV_DEVICE (device));
  g_assert_false (sv_bus_plug (SV_BUS (sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (port))),
                               SV_DEVICE (device), &error));
  g_assert_cmpstr (error->message, ==,
                   "Bus 'port' does not support hotplugging: plug into a 'pcie-root-port'");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pci_fixture_add_test ("/pci/slot/capabilities", test_capabilities);
  pci_fixture_add_test ("/pci/slot/there-at-boot", test_there_at_boot);
  pci_fixture_add_test ("/pci/slot/insert", test_insert);
  pci_fixture_add_test ("/pci/slot/remove", test_remove);
  pci_fixture_add_test ("/pci/slot/no-answer", test_no_answer);
  pci_fixture_add_test ("/pci/slot/late-driver", test_late_driver);
  pci_fixture_add_test ("/pci/slot/hotplug-off", test_hotplug_off);
  return g_test_run ();
}
