/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A guest that resets what is behind a bridge while that has requests in flight: PCIe 6.0 §6.6.1, §6.7.3. */

#include <linux/pci_regs.h>

#include "hw/pci/sv-pcie-root-port.h"
#include "pci-fixture.h"
#include "src/runtime/sv-vm-lock.h"
#include "vcpu-fixture.h"

#define PORT SV_PCI_DEVFN (5, 0)

typedef struct
{
  PciFixture pci;
  SvPciDevice *port;
  TestFunction *function;
  TestVcpu *vcpu;
} Fixture;

/* @power: by the slot's power, otherwise by the bridge's reset bit; then a write that tells how far the vCPU got */
static void
set_up (Fixture *self, gconstpointer power)
{
  PciFixture *pci = &self->pci;
  guint express;

  pci_fixture_set_up (pci, NULL);
  sv_vm_lock_attach (NULL);
  self->port = pci_fixture_add (pci, pci->root, SV_TYPE_PCIE_ROOT_PORT, "port", "5", NULL);
  self->function = TEST_FUNCTION (pci_fixture_add (
      pci, sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (self->port)), TEST_TYPE_FUNCTION, "f", NULL, NULL));
  express = sv_pci_config_find_capability (sv_pci_device_get_config (self->port), PCI_CAP_ID_EXP);
  self->vcpu = test_vcpu_new (pci->memory);
  if (GPOINTER_TO_INT (power))
    test_vcpu_add_write (self->vcpu, PCI_FIXTURE_ECAM_OF (0, PORT) + express + PCI_EXP_SLTCTL, PCI_EXP_SLTCTL_PCC);
  else
    test_vcpu_add_write (self->vcpu, PCI_FIXTURE_ECAM_OF (0, PORT) + PCI_INTERRUPT_LINE,
                         PCI_BRIDGE_CTL_BUS_RESET << 16);
  test_vcpu_add_write (self->vcpu, PCI_FIXTURE_ECAM_OF (0, PORT) + PCI_PRIMARY_BUS, 0x010100);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  test_vcpu_free (self->vcpu);
  pci_fixture_tear_down (&self->pci, NULL);
}

static void
iterate (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* Only the vCPU waits. It is asked again whenever something is done, and goes on behind the reset. */
static void
test_waits (Fixture *self, gconstpointer data)
{
  self->function->busy = TRUE;
  test_vcpu_run_until_held (self->vcpu, 1);
  iterate ();
  g_assert_cmpuint (self->function->n_resets, ==, 0);
  sv_pci_device_settled (SV_PCI_DEVICE (self->function));
  iterate ();
  g_assert_cmpuint (self->function->n_resets, ==, 0);
  g_assert_cmpuint (test_vcpu_get_done (self->vcpu), ==, 1);

  self->function->busy = FALSE;
  sv_pci_device_settled (SV_PCI_DEVICE (self->function));
  test_vcpu_finish (self->vcpu);
  g_assert_cmpuint (self->function->n_resets, ==, 1);
}

static void
test_idle (Fixture *self, gconstpointer data)
{
  test_vcpu_run_until_done (self->vcpu);
  g_assert_cmpuint (self->function->n_resets, ==, 1);
}

/* The machine is reset meanwhile: nobody waits any more, and nothing is reset later. */
static void
test_machine_reset (Fixture *self, gconstpointer data)
{
  self->function->busy = TRUE;
  test_vcpu_run_until_held (self->vcpu, 1);
  sv_device_reset (SV_DEVICE (self->port));
  test_vcpu_finish (self->vcpu);
  self->function->busy = FALSE;
  sv_pci_device_settled (SV_PCI_DEVICE (self->function));
  iterate ();
  g_assert_cmpuint (self->function->n_resets, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                  \
  g_test_add ("/pci/reset/" path, Fixture, GINT_TO_POINTER (FALSE), set_up, function, tear_down);            \
  g_test_add ("/pci/reset/" path "-by-power", Fixture, GINT_TO_POINTER (TRUE), set_up, function, tear_down)
  ADD ("waits", test_waits);
  ADD ("idle", test_idle);
  ADD ("machine-reset", test_machine_reset);
  return g_test_run ();
}
