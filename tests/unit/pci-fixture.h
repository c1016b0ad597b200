/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-msix.h"
#include "hw/pci/sv-pci-host.h"

G_BEGIN_DECLS

/* An accelerator that writes down what it is told; see the fields. */
#define TEST_TYPE_ACCEL (test_accel_get_type ())
G_DECLARE_FINAL_TYPE (TestAccel, test_accel, TEST, ACCEL, SvAccel)

struct _TestAccel
{
  SvAccel parent_instance;

  gboolean no_routes; /* messages are sent by this program then */
  GArray *routes;     /* guint64 address, guint64 data alternating; data G_MAXUINT64: free */
  GHashTable *irqfds; /* fd -> line */
  guint n_sent;
  guint64 sent_address;
  guint32 sent_data;
};

/* A function with a 4 KiB memory register 0, a 64-bit prefetchable register 2 of 64 KiB, ports in
 * register 4, and MSI-X (four vectors) in register 5 */
#define TEST_TYPE_FUNCTION (test_function_get_type ())
G_DECLARE_FINAL_TYPE (TestFunction, test_function, TEST, FUNCTION, SvPciDevice)

struct _TestFunction
{
  SvPciDevice parent_instance;

  SvMemoryRegion *regions[3];
  SvMemoryRegion *msix_bar;
  SvMsix *msix;
  guint n_resets;
  gboolean busy; /* a reset by a vCPU has to wait, and fails the test when it does not */
};

#define TEST_FUNCTION_PORTS 0x20u

typedef struct
{
  SvObject *tree;
  SvAddressSpace *memory;
  SvAddressSpace *io;
  TestAccel *accel;
  SvPciBus *root;
  SvPciHost *host;
  gboolean lines[SV_PCI_N_PINS];
} PciFixture;

#define PCI_FIXTURE_ECAM 0xb0000000u
#define PCI_FIXTURE_ECAM_OF(bus, devfn) (PCI_FIXTURE_ECAM + ((bus) << 20) + ((devfn) << 12))

void pci_fixture_set_up (PciFixture *self, gconstpointer data);
void pci_fixture_tear_down (PciFixture *self, gconstpointer data);
#define pci_fixture_add_test(path, function)                                                       \
  g_test_add (path, PciFixture, NULL, pci_fixture_set_up, function, pci_fixture_tear_down)
/* Makes a device, places it in the tree, on @bus and realizes it; NULL with @error */
SvPciDevice *pci_fixture_add (
    PciFixture *self, SvPciBus *bus, GType type, const char *id, const char *addr, GError **error);
void pci_fixture_remove (SvPciDevice *device);
guint32 pci_fixture_read (PciFixture *self, guint bus, guint devfn, guint offset, guint size);
void pci_fixture_write (
    PciFixture *self, guint bus, guint devfn, guint offset, guint32 value, guint size);
/* Name of the region at @address; NULL: nothing */
const char *pci_fixture_at (SvAddressSpace *space, guint64 address);

G_END_DECLS
