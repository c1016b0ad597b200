/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a PCI function saves: configuration space and pin. */

#include "hw/pci/sv-pci-device-private.h"

#include <linux/pci_regs.h>

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvPciDevicePrivate *priv = sv_pci_device_priv (SV_PCI_DEVICE (migratable));

  return g_variant_new ("(@ayb)", sv_pci_config_dup (&priv->config), priv->pin_level);
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvPciDevicePrivate *priv = sv_pci_device_priv (SV_PCI_DEVICE (migratable));
  g_autoptr (GVariant) bytes = NULL;
  gboolean level;

  g_variant_get (state, "(@ayb)", &bytes, &level);
  priv->pin_level = level && priv->config.bytes[PCI_INTERRUPT_PIN] != 0;
  return sv_pci_config_load (&priv->config, priv->initial, bytes, error);
}

static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  sv_pci_device_update_bars (SV_PCI_DEVICE (migratable));
  sv_pci_device_update_pin (SV_PCI_DEVICE (migratable));
  return TRUE;
}

const SvMigratableState sv_pci_device_migration = {
  .types = (const char *const[]){ "(ayb)", NULL }, /* configuration space, what it wants of its pin */
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};
