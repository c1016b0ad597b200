/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-pci-slots.h"

/* PCI Code and ID Assignment 1.11 §1.7 */
#define PCI_CLASS_BRIDGE_HOST 0x0600

static gboolean
slot_is_free (const SvPciSlots *self, guint slot)
{
  for (guint function = 0; function < 8; function++)
    if (self->functions[SV_PCI_DEVFN (slot, function)] != NULL)
      return FALSE;
  return TRUE;
}

static gboolean
has_host_bridge (const SvPciSlots *self)
{
  return self->functions[0] != NULL
         && SV_PCI_DEVICE_GET_CLASS (self->functions[0])->class_code >> 8 == PCI_CLASS_BRIDGE_HOST;
}

/*
 * The place that @device asks for, or else the first free slot; -1: none. The place of the machine's host bridge can be
 * nobody else's, so who asks for it (StratoVirt's documents write addr=0) has no wish.
 */
static gint
choose_devfn (const SvPciSlots *self, SvPciDevice *device)
{
  gint devfn = sv_pci_device_get_devfn (device);

  if (devfn == 0 && self->functions[0] != device && has_host_bridge (self))
    devfn = -1;
  for (guint slot = 0; devfn == -1 && slot < self->n_slots; slot++)
    if (slot_is_free (self, slot))
      devfn = SV_PCI_DEVFN (slot, 0);
  return devfn;
}

gboolean
sv_pci_slots_check_place (const SvPciSlots *self, SvPciDevice *device, const char *bus, GError **error)
{
  gint devfn = choose_devfn (self, device);

  if (devfn == SV_PCI_ADDR_INVALID)
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                 "'%s': parameter 'addr' expects SLOT or SLOT.FUNCTION, hexadecimal, slot 0 to 1f, "
                 "function 0 to 7",
                 sv_pci_device_get_name (device));
  else if (devfn < 0)
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY, "PCI: no slot is free on bus '%s'",
                 bus);
  else if (SV_PCI_SLOT ((guint)devfn) >= self->n_slots)
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                 "PCI: slot %x is not available on bus '%s', which has slot 0 only",
                 SV_PCI_SLOT (devfn), bus);
  else if (self->functions[devfn] != NULL)
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY,
                 "PCI: slot %x function %u of bus '%s' is taken by '%s'", SV_PCI_SLOT (devfn),
                 SV_PCI_FUNCTION (devfn), bus, sv_pci_device_get_name (self->functions[devfn]));
  else
    return TRUE;
  return FALSE;
}

/* PCI 3.0 §3.2.2.3.4: function 0 says whether there are others. */
gboolean
sv_pci_slots_check_multifunction (const SvPciSlots *self, SvPciDevice *device, const char *bus, GError **error)
{
  guint8 devfn = (guint8)choose_devfn (self, device);
  SvPciDevice *first = self->functions[devfn & ~7u];

  if (SV_PCI_FUNCTION (devfn) != 0)
    {
      if (first == NULL || sv_pci_device_get_multifunction (first))
        return TRUE;
      g_set_error (
          error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
          "PCI: function %x.%u of bus '%s' needs function 0 ('%s') to have multifunction=on",
          SV_PCI_SLOT (devfn), SV_PCI_FUNCTION (devfn), bus,
          sv_pci_device_get_name (first));
      return FALSE;
    }
  if (sv_pci_device_get_multifunction (device))
    return TRUE;
  for (guint function = 1; function < 8; function++)
    if (self->functions[devfn + function] != NULL)
      {
        g_set_error (
            error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
            "PCI: slot %x of bus '%s' has function %u, so function 0 needs multifunction=on",
            SV_PCI_SLOT (devfn), bus, function);
        return FALSE;
      }
  return TRUE;
}

void
sv_pci_slots_add (SvPciSlots *self, SvPciDevice *device)
{
  gint devfn = choose_devfn (self, device);

  sv_pci_device_set_devfn (device, devfn);
  self->functions[devfn] = device;
}

void
sv_pci_slots_remove (SvPciSlots *self, SvPciDevice *device)
{
  for (guint i = 0; i < SV_PCI_N_FUNCTIONS; i++)
    if (self->functions[i] == device)
      self->functions[i] = NULL;
}
