/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-config.h"

G_BEGIN_DECLS

/**
 * SvPcieSlotPower:
 * @SV_PCIE_SLOT_POWER_OFF: the guest switched the slot off; what is in it is not reachable
 * @SV_PCIE_SLOT_POWER_ON: the guest switched the slot on
 * @SV_PCIE_SLOT_EMPTIED: the slot is off and its power indicator too: what was to be unplugged may
 * be taken out
 * @SV_PCIE_SLOT_REFUSED: the guest was asked for what is in the slot, and keeps it
 *
 * What a write of the guest amounts to.
 */
typedef enum
{
  SV_PCIE_SLOT_POWER_OFF = 1 << 0,
  SV_PCIE_SLOT_POWER_ON = 1 << 1,
  SV_PCIE_SLOT_EMPTIED = 1 << 2,
  SV_PCIE_SLOT_REFUSED = 1 << 3,
} SvPcieSlotPower;

/**
 * SvPcieSlot:
 *
 * The slot of a downstream port as its registers show it (PCIe 6.0 §6.7.3, §7.5.3.9 ff.): attention
 * button, power controller, indicators, presence, state of the link. Lives in the port's PCI
 * Express capability.
 */
typedef struct
{
  SvPciConfig *config;
  guint capability;
  gboolean unplug_pending; /* the button was pressed for that; the guest did not answer so far */
} SvPcieSlot;

/* Sets up the registers of capability @capability; @number is what operating systems name the slot
 * by. */
SV_API void sv_pcie_slot_init (
    SvPcieSlot *self, SvPciConfig *config, guint capability, guint number, gboolean hotplug);
/* To the state in which the guest finds it: powered when there is something in it. */
SV_API void sv_pcie_slot_reset (SvPcieSlot *self, gboolean present);
/* Something was put in or taken out while the guest runs. */
SV_API void sv_pcie_slot_insert (SvPcieSlot *self);
SV_API void sv_pcie_slot_remove (SvPcieSlot *self);
/* Asks for what is in the slot: presses the button. FALSE: not now, the guest is busy with it. */
SV_API gboolean sv_pcie_slot_request (SvPcieSlot *self);
/* After a write of the guest to configuration space; returns #SvPcieSlotPower flags. */
SV_API guint sv_pcie_slot_written (SvPcieSlot *self, guint offset, guint32 old_value, guint size);

SV_API gboolean sv_pcie_slot_is_powered (const SvPcieSlot *self);
/* Power and its indicator are off: nobody uses what is in it. */
SV_API gboolean sv_pcie_slot_is_off (const SvPcieSlot *self);
SV_API gboolean sv_pcie_slot_is_present (const SvPcieSlot *self);
/* Whether it asks for an interrupt. */
SV_API gboolean sv_pcie_slot_wants_interrupt (const SvPcieSlot *self);

G_END_DECLS
