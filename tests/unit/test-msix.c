/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <linux/pci_regs.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pci-fixture.h"

#define DEVFN SV_PCI_DEVFN (3, 0)
#define TABLE 0xc0000000u
#define PBA (TABLE + 0x800)
#define MESSAGE 0xfee01000u

typedef struct
{
  SvPciDevice *device;
  SvMsix *msix;
  guint control;
} Guest;

static guint32
read32 (PciFixture *self, guint64 address)
{
  return (guint32)sv_address_space_io_read (self->memory, address, 4);
}

static void
write32 (PciFixture *self, guint64 address, guint32 value)
{
  sv_address_space_io_write (self->memory, address, value, 4);
}

static void
set_control (PciFixture *self, Guest *guest, guint16 flags)
{
  pci_fixture_write (self, 0, DEVFN, guest->control, flags, 2);
}

static void
set_message (PciFixture *self, guint vector, guint32 data)
{
  write32 (self, TABLE + vector * 16, MESSAGE);
  write32 (self, TABLE + vector * 16 + 4, 0);
  write32 (self, TABLE + vector * 16 + 8, data);
}

static void
set_mask (PciFixture *self, guint vector, gboolean masked)
{
  write32 (self, TABLE + vector * 16 + 12, masked);
}

static void
start (PciFixture *self, Guest *guest)
{
  guest->device = pci_fixture_add (self, self->root, TEST_TYPE_FUNCTION, "f", "3", NULL);
  guest->msix = TEST_FUNCTION (guest->device)->msix;
  guest->control
      = sv_pci_config_find_capability (sv_pci_device_get_config (guest->device), PCI_CAP_ID_MSIX)
        + PCI_MSIX_FLAGS;
  pci_fixture_write (self, 0, DEVFN, PCI_BASE_ADDRESS_5, TABLE, 4);
  pci_fixture_write (self, 0, DEVFN, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static void
test_registers (PciFixture *self, gconstpointer data)
{
  Guest guest;

  start (self, &guest);
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN, guest.control, 2), ==, 3);
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN, guest.control + 2, 4), ==, 5);
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN, guest.control + 6, 4), ==, 0x805);
  for (guint i = 0; i < 4; i++)
    g_assert_cmphex (read32 (self, TABLE + 16 * i + 12), ==, 1);
  set_control (self, &guest, 0xffff);
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN, guest.control, 2), ==, 0xc003);
  set_message (self, 2, 0x42);
  g_assert_cmphex (read32 (self, TABLE + 32 + 8), ==, 0x42);
  write32 (self, PBA, G_MAXUINT32);
  g_assert_cmphex (read32 (self, PBA), ==, 0);
  sv_device_reset (SV_DEVICE (guest.device));
  g_assert_cmphex (pci_fixture_read (self, 0, DEVFN, guest.control, 2), ==, 3);
}

/* Connected to the accelerator exactly while enabled, unmasked and bus master; pending in between
 */
static void
test_masking (PciFixture *self, gconstpointer data)
{
  GHashTable *irqfds = self->accel->irqfds;
  Guest guest;
  int fd;

  start (self, &guest);
  fd = sv_msix_use (guest.msix, 1, NULL);
  g_assert_cmpint (fd, >=, 0);
  set_message (self, 1, 0x31);
  set_mask (self, 1, FALSE);
  g_assert_cmpuint (g_hash_table_size (irqfds), ==, 0);
  set_control (self, &guest, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
  g_assert_cmpuint (g_hash_table_size (irqfds), ==, 0);

  sv_msix_notify (guest.msix, 1);
  g_assert_cmphex (read32 (self, PBA), ==, 0x2);
  set_control (self, &guest, PCI_MSIX_FLAGS_ENABLE);
  g_assert_true (g_hash_table_contains (irqfds, GINT_TO_POINTER (fd)));
  g_assert_cmphex (g_array_index (self->accel->routes, guint64, 0), ==, MESSAGE);
  g_assert_cmphex (g_array_index (self->accel->routes, guint64, 1), ==, 0x31);
  /* The kernel would have it by now. */
  g_assert_cmphex (read32 (self, PBA), ==, 0);

  set_mask (self, 1, TRUE);
  g_assert_cmpuint (g_hash_table_size (irqfds), ==, 0);
  g_assert_cmphex (read32 (self, PBA), ==, 0x2);
  set_message (self, 1, 0x55);
  set_mask (self, 1, FALSE);
  g_assert_cmphex (g_array_index (self->accel->routes, guint64, 1), ==, 0x55);
  g_assert_cmpuint (self->accel->routes->len, ==, 2);

  pci_fixture_write (self, 0, DEVFN, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
  g_assert_cmpuint (g_hash_table_size (irqfds), ==, 0);
  sv_device_reset (SV_DEVICE (guest.device));
  pci_fixture_write (self, 0, DEVFN, PCI_BASE_ADDRESS_5, TABLE, 4);
  pci_fixture_write (self, 0, DEVFN, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
  g_assert_cmphex (read32 (self, PBA), ==, 0);
  sv_msix_release (guest.msix, 1);
}

static void
test_further_fds (PciFixture *self, gconstpointer data)
{
  int other = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  GHashTable *irqfds = self->accel->irqfds;
  guint64 one = 1;
  Guest guest;

  start (self, &guest);
  g_assert_cmpint (sv_msix_use (guest.msix, 0, NULL), >=, 0);
  g_assert_cmpint (sv_msix_use (guest.msix, 0, NULL), >=, 0);
  set_control (self, &guest, PCI_MSIX_FLAGS_ENABLE);
  g_assert_true (sv_msix_connect_fd (guest.msix, 0, other, NULL));
  g_assert_cmpint (write (other, &one, sizeof one), ==, sizeof one);
  g_assert_cmphex (read32 (self, PBA), ==, 0x1);
  set_mask (self, 0, FALSE);
  g_assert_cmpuint (g_hash_table_size (irqfds), ==, 2);
  g_assert_true (g_hash_table_lookup (irqfds, GINT_TO_POINTER (other)) == GUINT_TO_POINTER (0));
  sv_msix_disconnect_fd (guest.msix, 0, other);
  sv_msix_release (guest.msix, 0);
  g_assert_cmpuint (g_hash_table_size (irqfds), ==, 1);
  sv_msix_release (guest.msix, 0);
  g_assert_cmpuint (g_hash_table_size (irqfds), ==, 0);
  close (other);
}

/* An accelerator that takes no eventfds: the main loop sends the message. */
static void
test_without_routes (PciFixture *self, gconstpointer data)
{
  Guest guest;

  self->accel->no_routes = TRUE;
  start (self, &guest);
  g_assert_cmpint (sv_msix_use (guest.msix, 3, NULL), >=, 0);
  set_control (self, &guest, PCI_MSIX_FLAGS_ENABLE);
  set_message (self, 3, 0x77);
  sv_msix_notify (guest.msix, 3);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (self->accel->n_sent, ==, 0);
  g_assert_cmphex (read32 (self, PBA), ==, 0x8);
  set_mask (self, 3, FALSE);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (self->accel->n_sent, ==, 1);
  g_assert_cmphex (self->accel->sent_address, ==, MESSAGE);
  g_assert_cmphex (self->accel->sent_data, ==, 0x77);
  sv_msix_release (guest.msix, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pci_fixture_add_test ("/pci/msix/registers", test_registers);
  pci_fixture_add_test ("/pci/msix/masking", test_masking);
  pci_fixture_add_test ("/pci/msix/further-fds", test_further_fds);
  pci_fixture_add_test ("/pci/msix/without-routes", test_without_routes);
  return g_test_run ();
}
