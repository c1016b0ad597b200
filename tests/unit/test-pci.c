/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Configuration space, base address registers, bridges, pins. */

#include <linux/pci_regs.h>

#include "hw/pci/sv-pci-assign.h"
#include "hw/pci/sv-pcie-root-port.h"
#include "pci-fixture.h"

#define DEVFN_3 SV_PCI_DEVFN (3, 0)
#define ENABLE (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

static void
test_config_rules (void)
{
  g_autofree SvPciConfig *config = g_new0 (SvPciConfig, 1);
  guint first, second;

  sv_pci_config_set32 (config, 0x40, 0x12345678);
  sv_pci_config_allow (config, 0x40, 0x0000ff00, 4);
  sv_pci_config_allow_clear (config, 0x42, 0x0014, 2);
  sv_pci_config_write (config, 0x40, G_MAXUINT32, 4);
  g_assert_cmphex (sv_pci_config_read (config, 0x40, 4), ==, 0x1220ff78);
  sv_pci_config_write (config, 0x41, 0x5a, 1);
  g_assert_cmphex (sv_pci_config_get32 (config, 0x40), ==, 0x12205a78);

  g_assert_cmphex (sv_pci_config_read (config, 4095, 4), ==, G_MAXUINT32);
  g_assert_cmphex (sv_pci_config_read (config, G_MAXUINT32, 1), ==, G_MAXUINT32);
  sv_pci_config_write (config, 4094, 0, 4);

  first = sv_pci_config_add_capability (config, PCI_CAP_ID_VNDR, 7);
  second = sv_pci_config_add_capability (config, PCI_CAP_ID_MSIX, 12);
  g_assert_cmpuint (first, ==, 0x40);
  g_assert_cmpuint (second, ==, 0x48);
  g_assert_cmpuint (config->bytes[PCI_CAPABILITY_LIST], ==, first);
  g_assert_cmpuint (config->bytes[first + 1], ==, second);
  g_assert_cmpuint (sv_pci_config_find_capability (config, PCI_CAP_ID_MSIX), ==, second);
  g_assert_cmpuint (sv_pci_config_find_capability (config, PCI_CAP_ID_PM), ==, 0);
}

static void
test_both_ways (PciFixture *self, gconstpointer data)
{
  g_assert_nonnull (pci_fixture_add (self, self->root, TEST_TYPE_FUNCTION, "f", "3", NULL));

  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN_3, 0, 4), ==, 0x56781234);
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN_3, 2, 2), ==, 0x5678);
  g_assert_cmphex (pci_fixture_read (self, 0, SV_PCI_DEVFN (4, 0), 0, 4), ==, G_MAXUINT32);
  g_assert_cmphex (pci_fixture_read (self, 1, DEVFN_3, 0, 4), ==, G_MAXUINT32);

  sv_address_space_io_write (self->io, 0xcf8, 0x80000000 | DEVFN_3 << 8 | 0x08, 4);
  g_assert_cmphex (sv_address_space_io_read (self->io, 0xcf8, 4), ==,
                   0x80000000 | DEVFN_3 << 8 | 0x08);
  g_assert_cmphex (sv_address_space_io_read (self->io, 0xcfd, 1), ==, 0x00);
  g_assert_cmphex (sv_address_space_io_read (self->io, 0xcfe, 2), ==, 0x00ff);
  /* Not enabled; a byte is no address */
  sv_address_space_io_write (self->io, 0xcf8, DEVFN_3 << 8, 4);
  g_assert_cmphex (sv_address_space_io_read (self->io, 0xcfc, 4), ==, G_MAXUINT32);
  sv_address_space_io_write (self->io, 0xcfb, 0x80, 1);
  g_assert_cmphex (sv_address_space_io_read (self->io, 0xcf8, 4), ==, DEVFN_3 << 8);
}

static void
test_bars_move (PciFixture *self, gconstpointer data)
{
  SvPciDevice *device = pci_fixture_add (self, self->root, TEST_TYPE_FUNCTION, "f", "3", NULL);

  pci_fixture_write (self, 0, DEVFN_3, PCI_BASE_ADDRESS_0, G_MAXUINT32, 4);
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN_3, PCI_BASE_ADDRESS_0, 4), ==, 0xfffff000);
  pci_fixture_write (self, 0, DEVFN_3, PCI_BASE_ADDRESS_2, G_MAXUINT32, 4);
  pci_fixture_write (self, 0, DEVFN_3, PCI_BASE_ADDRESS_3, G_MAXUINT32, 4);
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN_3, PCI_BASE_ADDRESS_2, 4), ==, 0xffff000c);
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN_3, PCI_BASE_ADDRESS_3, 4), ==, 0xffffffff);
  pci_fixture_write (self, 0, DEVFN_3, PCI_BASE_ADDRESS_4, G_MAXUINT32, 4);
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN_3, PCI_BASE_ADDRESS_4, 4), ==, 0xffffffe1);
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN_3, PCI_BASE_ADDRESS_1, 4), ==, 0);
  /* Enabled while the size is asked for: mapped nowhere */
  pci_fixture_write (self, 0, DEVFN_3, PCI_COMMAND, ENABLE, 2);
  g_assert_null (pci_fixture_at (self->memory, 0xfffff000));

  pci_fixture_write (self, 0, DEVFN_3, PCI_BASE_ADDRESS_0, 0xc0000123, 4);
  g_assert_cmpstr (pci_fixture_at (self->memory, 0xc0000000), ==, "bar0");
  g_assert_null (pci_fixture_at (self->memory, 0xc0001000));
  pci_fixture_write (self, 0, DEVFN_3, PCI_BASE_ADDRESS_0, 0xc0004000, 4);
  g_assert_null (pci_fixture_at (self->memory, 0xc0000000));
  g_assert_cmpstr (pci_fixture_at (self->memory, 0xc0004fff), ==, "bar0");

  pci_fixture_write (self, 0, DEVFN_3, PCI_BASE_ADDRESS_2, 0x40000000, 4);
  pci_fixture_write (self, 0, DEVFN_3, PCI_BASE_ADDRESS_3, 0x12, 4);
  g_assert_null (pci_fixture_at (self->memory, 0x1240010000ull));
  g_assert_cmpstr (pci_fixture_at (self->memory, 0x1240000000ull), ==, "bar2");
  pci_fixture_write (self, 0, DEVFN_3, PCI_BASE_ADDRESS_4, 0xd000, 4);
  g_assert_cmpstr (pci_fixture_at (self->io, 0xd01f), ==, "bar4");

  pci_fixture_write (self, 0, DEVFN_3, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
  g_assert_null (pci_fixture_at (self->io, 0xd01f));
  g_assert_cmpstr (pci_fixture_at (self->memory, 0xc0004000), ==, "bar0");
  sv_device_reset (SV_DEVICE (device));
  g_assert_null (pci_fixture_at (self->memory, 0xc0004000));
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN_3, PCI_BASE_ADDRESS_0, 4), ==, 0);
}

static void
test_bars_overlap (PciFixture *self, gconstpointer data)
{
  SvPciDevice *second;

  pci_fixture_add (self, self->root, TEST_TYPE_FUNCTION, "a", "3", NULL);
  second = pci_fixture_add (self, self->root, TEST_TYPE_FUNCTION, "b", "4", NULL);
  for (guint slot = 3; slot < 5; slot++)
    {
      pci_fixture_write (self, 0, SV_PCI_DEVFN (slot, 0), PCI_BASE_ADDRESS_0, 0xc0000000, 4);
      pci_fixture_write (self, 0, SV_PCI_DEVFN (slot, 0), PCI_BASE_ADDRESS_2, 0xc0000000, 4);
      pci_fixture_write (self, 0, SV_PCI_DEVFN (slot, 0), PCI_COMMAND, ENABLE, 2);
    }
  g_assert_nonnull (pci_fixture_at (self->memory, 0xc0000000));
  pci_fixture_remove (second);
  g_assert_nonnull (pci_fixture_at (self->memory, 0xc0000000));
  /* Over configuration space, which stays */
  pci_fixture_write (self, 0, DEVFN_3, PCI_BASE_ADDRESS_0, PCI_FIXTURE_ECAM_OF (0, DEVFN_3), 4);
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN_3, 0, 4), ==, 0x56781234);
}

static void
test_addresses (PciFixture *self, gconstpointer data)
{
  static const struct
  {
    const char *addr;
    const char *message;
  } bad[] = {
    { "20", "'x': parameter 'addr' expects SLOT or SLOT.FUNCTION, hexadecimal, slot 0 to 1f, "
            "function 0 to 7" },
    { "3.8", "'x': parameter 'addr' expects SLOT or SLOT.FUNCTION, hexadecimal, slot 0 to 1f, "
             "function 0 to 7" },
    { "", "'x': parameter 'addr' expects SLOT or SLOT.FUNCTION, hexadecimal, slot 0 to 1f, "
          "function 0 to 7" },
    { "-1", "'x': parameter 'addr' expects SLOT or SLOT.FUNCTION, hexadecimal, slot 0 to 1f, "
            "function 0 to 7" },
    { "0x3", "PCI: slot 3 function 0 of bus 'pcie.0' is taken by 'a'" },
    { "3.1", "PCI: function 3.1 of bus 'pcie.0' needs function 0 ('a') to have multifunction=on" },
  };
  SvPciDevice *device = pci_fixture_add (self, self->root, TEST_TYPE_FUNCTION, "a", "0x3.0", NULL);
  g_autofree char *addr = NULL;

  g_assert_nonnull (device);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (
          pci_fixture_add (self, self->root, TEST_TYPE_FUNCTION, "x", bad[i].addr, &error));
      g_assert_cmpstr (error->message, ==, bad[i].message);
    }
  device = pci_fixture_add (self, self->root, TEST_TYPE_FUNCTION, "free", NULL, NULL);
  g_object_get (device, "addr", &addr, NULL);
  g_assert_cmpstr (addr, ==, "00.0");
}

static void
test_pins (PciFixture *self, gconstpointer data)
{
  SvPciDevice *a = pci_fixture_add (self, self->root, TEST_TYPE_FUNCTION, "a", "3", NULL);
  SvPciDevice *b = pci_fixture_add (self, self->root, TEST_TYPE_FUNCTION, "b", "7", NULL);
  SvPciDevice *port = pci_fixture_add (self, self->root, SV_TYPE_PCIE_ROOT_PORT, "port", "5", NULL);
  SvPciBus *bus = sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (port));
  SvPciDevice *c = pci_fixture_add (self, bus, TEST_TYPE_FUNCTION, "c", NULL, NULL);

  sv_pci_device_set_pin (a, TRUE);
  g_assert_true (self->lines[3]);
  sv_pci_device_set_pin (b, TRUE);
  sv_pci_device_set_pin (a, FALSE);
  g_assert_true (self->lines[3]);
  g_assert_cmphex (
      pci_fixture_read (self, 0, SV_PCI_DEVFN (7, 0), PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, !=, 0);
  pci_fixture_write (self, 0, SV_PCI_DEVFN (7, 0), PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
  g_assert_false (self->lines[3]);
  pci_fixture_write (self, 0, SV_PCI_DEVFN (7, 0), PCI_COMMAND, 0, 2);
  g_assert_true (self->lines[3]);
  /* What goes takes its level along. */
  pci_fixture_remove (b);
  g_assert_false (self->lines[3]);
  /* Through the port at slot 5 */
  sv_pci_device_set_pin (c, TRUE);
  g_assert_true (self->lines[1]);
  sv_pci_device_set_pin (c, FALSE);
}

static void
test_bridge (PciFixture *self, gconstpointer data)
{
  SvPciDevice *port = pci_fixture_add (self, self->root, SV_TYPE_PCIE_ROOT_PORT, "port", "5", NULL);
  SvPciBus *bus = sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (port));
  SvPciDevice *device = pci_fixture_add (self, bus, TEST_TYPE_FUNCTION, "f", NULL, NULL);
  guint at = SV_PCI_DEVFN (5, 0);

  g_assert_cmpstr (sv_object_get_id (SV_OBJECT (bus)), ==, "port");
  g_assert_true (sv_object_resolve (self->tree, "/pcie.0/port/port/f", SV_TYPE_PCI_DEVICE, NULL)
                 == SV_OBJECT (device));
  g_assert_null (sv_object_resolve (self->tree, "/pcie.0/f", SV_TYPE_PCI_DEVICE, NULL));
  g_assert_cmphex (pci_fixture_read (self, 1, 0, 0, 4), ==, G_MAXUINT32);
  pci_fixture_write (self, 0, at, PCI_PRIMARY_BUS, 0x090700, 4);
  g_assert_cmphex (pci_fixture_read (self, 7, 0, 0, 4), ==, 0x56781234);
  g_assert_cmphex (pci_fixture_read (self, 8, 0, 0, 4), ==, G_MAXUINT32);

  pci_fixture_write (self, 7, 0, PCI_BASE_ADDRESS_0, 0xc0200000, 4);
  pci_fixture_write (self, 7, 0, PCI_BASE_ADDRESS_2, 0, 4);
  pci_fixture_write (self, 7, 0, PCI_BASE_ADDRESS_3, 0x20, 4);
  pci_fixture_write (self, 7, 0, PCI_COMMAND, ENABLE, 2);
  g_assert_null (pci_fixture_at (self->memory, 0xc0200000));
  pci_fixture_write (self, 0, at, PCI_MEMORY_BASE, 0xc020c020, 4);
  pci_fixture_write (self, 0, at, PCI_PREF_BASE_UPPER32, 0x20, 4);
  pci_fixture_write (self, 0, at, PCI_PREF_LIMIT_UPPER32, 0x20, 4);
  pci_fixture_write (self, 0, at, PCI_COMMAND, ENABLE, 2);
  g_assert_cmpstr (pci_fixture_at (self->memory, 0xc0200000), ==, "bar0");
  g_assert_cmpstr (pci_fixture_at (self->memory, 0x2000000000ull), ==, "bar2");
  /* Out of the window */
  pci_fixture_write (self, 7, 0, PCI_BASE_ADDRESS_0, 0xc0300000, 4);
  g_assert_null (pci_fixture_at (self->memory, 0xc0300000));
  pci_fixture_write (self, 0, at, PCI_MEMORY_LIMIT, 0xc030, 2);
  g_assert_cmpstr (pci_fixture_at (self->memory, 0xc0300000), ==, "bar0");
  /* Base above limit: closed */
  pci_fixture_write (self, 0, at, PCI_MEMORY_BASE, 0x0000c040, 4);
  g_assert_null (pci_fixture_at (self->memory, 0xc0300000));

  /* Reset of what is behind */
  pci_fixture_write (self, 0, at, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 2);
  g_assert_cmpuint (TEST_FUNCTION (device)->n_resets, ==, 1);
  g_assert_cmphex (pci_fixture_read (self, 7, 0, PCI_BASE_ADDRESS_0, 4), ==, 0);
  pci_fixture_write (self, 0, at, PCI_BRIDGE_CONTROL, 0, 2);
  g_assert_cmpuint (TEST_FUNCTION (device)->n_resets, ==, 1);
  /* The port takes what is behind it along. */
  pci_fixture_remove (port);
  g_assert_false (sv_device_is_realized (SV_DEVICE (device)));
}

static guint64
bar_of (PciFixture *self, guint bus, guint devfn, guint n)
{
  return pci_fixture_read (self, bus, devfn, PCI_BASE_ADDRESS_0 + 4 * n, 4) & ~0xfu;
}

static void
test_assign (PciFixture *self, gconstpointer data)
{
  const SvPciResources resources = {
    .io_base = 0x1000,
    .io_size = 0xf000,
    .memory_base = 0xc0000000,
    .memory_size = 0x30000000,
    .prefetch_base = 0x200000000,
    .prefetch_size = 0x1000000000,
  };
  const SvPciResources few = { .memory_base = 0xc0000000, .memory_size = 0x1000 };
  guint last_bus = 0;
  g_autoptr (GError) error = NULL;
  SvPciDevice *port;

  pci_fixture_add (self, self->root, TEST_TYPE_FUNCTION, "a", "3", NULL);
  port = pci_fixture_add (self, self->root, SV_TYPE_PCIE_ROOT_PORT, "p1", "4", NULL);
  pci_fixture_add (self, self->root, SV_TYPE_PCIE_ROOT_PORT, "p2", "5", NULL);
  pci_fixture_add (self, sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (port)), TEST_TYPE_FUNCTION,
                   "b", NULL, NULL);

  g_assert_true (sv_pci_assign (self->root, &resources, &last_bus, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (last_bus, ==, 2);
  g_assert_cmphex (pci_fixture_read (self, 0, SV_PCI_DEVFN (4, 0), PCI_PRIMARY_BUS, 4) & 0xffffff,
                   ==, 0x010100);
  g_assert_cmphex (pci_fixture_read (self, 0, SV_PCI_DEVFN (5, 0), PCI_PRIMARY_BUS, 4) & 0xffffff,
                   ==, 0x020200);
  g_assert_cmpstr (pci_fixture_at (self->memory, bar_of (self, 0, DEVFN_3, 0)), ==, "bar0");
  g_assert_cmpstr (pci_fixture_at (self->memory, bar_of (self, 1, 0, 0)), ==, "bar0");
  g_assert_cmpstr (pci_fixture_at (self->io, bar_of (self, 1, 0, 4)), ==, "bar4");
  g_assert_cmphex (pci_fixture_read (self, 1, 0, PCI_BASE_ADDRESS_3, 4), >=, 2);
  /* Drivers become bus masters themselves. */
  g_assert_cmphex (pci_fixture_read (self, 1, 0, PCI_COMMAND, 2), ==,
                   PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
  /* Room behind the empty port: 2 MiB and 1 GiB; no ports */
  g_assert_cmphex (pci_fixture_read (self, 0, SV_PCI_DEVFN (5, 0), PCI_MEMORY_LIMIT, 2)
                       - pci_fixture_read (self, 0, SV_PCI_DEVFN (5, 0), PCI_MEMORY_BASE, 2),
                   ==, 0x10);
  g_assert_cmphex (pci_fixture_read (self, 0, SV_PCI_DEVFN (5, 0), PCI_PREF_MEMORY_LIMIT, 2)
                       - pci_fixture_read (self, 0, SV_PCI_DEVFN (5, 0), PCI_PREF_MEMORY_BASE, 2),
                   ==, 0x3ff0);
  g_assert_cmphex (pci_fixture_read (self, 0, SV_PCI_DEVFN (5, 0), PCI_IO_BASE, 1), >,
                   pci_fixture_read (self, 0, SV_PCI_DEVFN (5, 0), PCI_IO_LIMIT, 1));

  g_assert_false (sv_pci_assign (self->root, &few, NULL, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pci/config/rules", test_config_rules);
  pci_fixture_add_test ("/pci/config/both-ways", test_both_ways);
  pci_fixture_add_test ("/pci/bars/move", test_bars_move);
  pci_fixture_add_test ("/pci/bars/overlap", test_bars_overlap);
  pci_fixture_add_test ("/pci/addresses", test_addresses);
  pci_fixture_add_test ("/pci/pins", test_pins);
  pci_fixture_add_test ("/pci/bridge", test_bridge);
  pci_fixture_add_test ("/pci/assign", test_assign);
  return g_test_run ();
}
