/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-device.h"

G_BEGIN_DECLS

/* The slots of a bus with their functions, and the rules for who may be where. */
typedef struct
{
  SvPciDevice *functions[SV_PCI_N_FUNCTIONS]; /* by slot and function; not owned */
  guint n_slots;
} SvPciSlots;

/* Whether @device can have the place that it asks for, or else one is free. @bus: its name, for messages */
gboolean sv_pci_slots_check_place (const SvPciSlots *self, SvPciDevice *device, const char *bus, GError **error);
/* Whether there may be several functions in that place's slot; after sv_pci_slots_check_place() */
gboolean sv_pci_slots_check_multifunction (const SvPciSlots *self, SvPciDevice *device, const char *bus, GError **error);
/* Puts @device in its place, which it is told; after both checks */
void sv_pci_slots_add (SvPciSlots *self, SvPciDevice *device);
void sv_pci_slots_remove (SvPciSlots *self, SvPciDevice *device);

G_END_DECLS
