/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A guest that resets what is behind a bridge while that has requests in flight: PCIe 6.0 §6.6.1, §6.7.3. */

#include <linux/pci_regs.h>

#include "hw/pci/sv-pcie-root-port.h"
#include "pci-fixture.h"
#include "src/migration/sv-migratable.h"
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

enum
{
  BY_BRIDGE,
  BY_POWER,
  BY_POWER_AND_INDICATOR,
};

/* @power: by the slot's power, and its indicator in the same write, otherwise by the bridge's reset bit; then a write that tells how far the vCPU got */
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
  if (GPOINTER_TO_INT (power) != BY_BRIDGE)
    test_vcpu_add_write (self->vcpu, PCI_FIXTURE_ECAM_OF (0, PORT) + express + PCI_EXP_SLTCTL,
                         PCI_EXP_SLTCTL_PCC | (GPOINTER_TO_INT (power) == BY_POWER ? 0 : PCI_EXP_SLTCTL_PWR_IND_OFF));
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

/* Whether its state says that what is in the slot is to be taken out */
static gboolean
is_leaving (Fixture *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) state = sv_migratable_dup (SV_OBJECT (self->port), &error);
  gboolean leaving = FALSE;

  g_assert_no_error (error);
  for (gsize i = 0; i < g_variant_n_children (state); i++)
    {
      g_autoptr (GVariant) own = NULL;
      const char *name;

      g_variant_get_child (state, i, "(&suv)", &name, NULL, &own);
      if (g_str_equal (name, "SvPcieRootPort"))
        g_variant_get_child (own, 2, "b", &leaving);
    }
  return leaving;
}

/* A guest that lets go of a device at once: that leaves when nothing is in flight, and the main thread does not wait. */
static void
test_eject_waits (Fixture *self, gconstpointer data)
{
  SvBus *bus = SV_BUS (sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (self->port)));
  g_autoptr (GError) error = NULL;

  SV_BUS_GET_CLASS (bus)->unplug_request (bus, SV_DEVICE (self->function), &error);
  g_assert_no_error (error);
  self->function->busy = TRUE;
  test_vcpu_run_until_held (self->vcpu, 1);
  g_assert_true (is_leaving (self));
  iterate ();
  g_assert_true (is_leaving (self));
  sv_pci_device_settled (SV_PCI_DEVICE (self->function));
  iterate ();
  g_assert_true (is_leaving (self));

  self->function->busy = FALSE;
  sv_pci_device_settled (SV_PCI_DEVICE (self->function));
  test_vcpu_finish (self->vcpu);
  iterate ();
  g_assert_false (is_leaving (self));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                  \
  g_test_add ("/pci/reset/" path, Fixture, GINT_TO_POINTER (BY_BRIDGE), set_up, function, tear_down);            \
  g_test_add ("/pci/reset/" path "-by-power", Fixture, GINT_TO_POINTER (BY_POWER), set_up, function, tear_down)
  ADD ("waits", test_waits);
  ADD ("idle", test_idle);
  ADD ("machine-reset", test_machine_reset);
  g_test_add ("/pci/reset/eject-waits", Fixture, GINT_TO_POINTER (BY_POWER_AND_INDICATOR), set_up, test_eject_waits, tear_down);
  return g_test_run ();
}
