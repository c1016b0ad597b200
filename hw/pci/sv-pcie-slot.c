/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-pcie-slot.h"

#include <linux/pci_regs.h>

#define CONTROL_INDICATOR(value) ((value)&PCI_EXP_SLTCTL_PIC)
#define EVENTS                                                                                     \
  (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PFD | PCI_EXP_SLTSTA_MRLSC | PCI_EXP_SLTSTA_PDC             \
   | PCI_EXP_SLTSTA_CC | PCI_EXP_SLTSTA_DLLSC)
#define CONTROL_WRITABLE                                                                           \
  (PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PFDE | PCI_EXP_SLTCTL_MRLSCE | PCI_EXP_SLTCTL_PDCE         \
   | PCI_EXP_SLTCTL_CCIE | PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_AIC | PCI_EXP_SLTCTL_PIC           \
   | PCI_EXP_SLTCTL_PCC | PCI_EXP_SLTCTL_DLLSCE)

static guint16
get16 (const SvPcieSlot *self, guint offset)
{
  return sv_pci_config_get16 (self->config, self->capability + offset);
}

static void
set16 (SvPcieSlot *self, guint offset, guint value)
{
  sv_pci_config_set16 (self->config, self->capability + offset, (guint16)value);
}

static void
raise_event (SvPcieSlot *self, guint events)
{
  set16 (self, PCI_EXP_SLTSTA, get16 (self, PCI_EXP_SLTSTA) | events);
}

/* The link comes up when there is something in the slot and power on it. */
static void
update_link (SvPcieSlot *self)
{
  gboolean present = (get16 (self, PCI_EXP_SLTSTA) & PCI_EXP_SLTSTA_PDS) != 0;
  guint16 before = get16 (self, PCI_EXP_LNKSTA);
  guint16 now = before & ~PCI_EXP_LNKSTA_DLLLA;

  if (present && sv_pcie_slot_is_powered (self))
    now |= PCI_EXP_LNKSTA_DLLLA;
  if (now == before)
    return;
  set16 (self, PCI_EXP_LNKSTA, now);
  raise_event (self, PCI_EXP_SLTSTA_DLLSC);
}

/**
 * sv_pcie_slot_init: (skip)
 * @self: a slot
 * @config: configuration space of the port
 * @capability: offset of its PCI Express capability
 * @number: physical slot number, 0 to 8191
 * @hotplug: whether what is in the slot may come and go
 *
 * Commands are carried out at once, so there is no event when one completed.
 */
void
sv_pcie_slot_init (
    SvPcieSlot *self, SvPciConfig *config, guint capability, guint number, gboolean hotplug)
{
  guint32 link = sv_pci_config_get32 (config, capability + PCI_EXP_LNKCAP) | PCI_EXP_LNKCAP_DLLLARC;
  guint32 slot = PCI_EXP_SLTCAP_NCCS | number << 19;

  *self = (SvPcieSlot){ config, capability, FALSE };
  if (hotplug)
    slot |= PCI_EXP_SLTCAP_ABP | PCI_EXP_SLTCAP_PCP | PCI_EXP_SLTCAP_AIP | PCI_EXP_SLTCAP_PIP
            | PCI_EXP_SLTCAP_HPC;
  set16 (self, PCI_EXP_FLAGS, get16 (self, PCI_EXP_FLAGS) | PCI_EXP_FLAGS_SLOT);
  sv_pci_config_allow_change (config, capability + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_DLLLA, 2);
  sv_pci_config_allow_change (config, capability + PCI_EXP_SLTCTL, CONTROL_WRITABLE, 2);
  sv_pci_config_allow_change (config, capability + PCI_EXP_SLTSTA, EVENTS | PCI_EXP_SLTSTA_PDS, 2);
  sv_pci_config_set32 (config, capability + PCI_EXP_LNKCAP, link);
  sv_pci_config_set32 (config, capability + PCI_EXP_SLTCAP, slot);
  if (hotplug)
    {
      sv_pci_config_allow (config, capability + PCI_EXP_SLTCTL, CONTROL_WRITABLE, 2);
      sv_pci_config_allow_clear (config, capability + PCI_EXP_SLTSTA, EVENTS, 2);
    }
  sv_pcie_slot_reset (self, FALSE);
}

/**
 * sv_pcie_slot_reset: (skip)
 * @self: a slot
 * @present: whether there is something in it
 *
 * No event is pending, no request for an unplug either.
 */
void
sv_pcie_slot_reset (SvPcieSlot *self, gboolean present)
{
  self->unplug_pending = FALSE;
  set16 (self, PCI_EXP_SLTCTL,
         PCI_EXP_SLTCTL_ATTN_IND_OFF
             | (present ? PCI_EXP_SLTCTL_PWR_IND_ON
                        : PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_PCC));
  set16 (self, PCI_EXP_SLTSTA, present ? PCI_EXP_SLTSTA_PDS : 0);
  update_link (self);
  set16 (self, PCI_EXP_SLTSTA, get16 (self, PCI_EXP_SLTSTA) & ~EVENTS);
}

/**
 * sv_pcie_slot_insert: (skip)
 * @self: an empty slot
 *
 * Something was put in. The button is pressed too: presence alone makes no interrupt in guests that
 * have a button to listen to, and both together spare them the five seconds in which it could be
 * pressed again.
 */
void
sv_pcie_slot_insert (SvPcieSlot *self)
{
  self->unplug_pending = FALSE;
  raise_event (self, PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_ABP);
  update_link (self);
}

/**
 * sv_pcie_slot_remove: (skip)
 * @self: a slot
 *
 * What was in it is gone, whether the guest knew or not.
 */
void
sv_pcie_slot_remove (SvPcieSlot *self)
{
  self->unplug_pending = FALSE;
  set16 (self, PCI_EXP_SLTSTA, get16 (self, PCI_EXP_SLTSTA) & ~PCI_EXP_SLTSTA_PDS);
  raise_event (self, PCI_EXP_SLTSTA_PDC);
  update_link (self);
}

/**
 * sv_pcie_slot_request: (skip)
 * @self: a slot with something in it
 *
 * Presses the button (PCIe 6.0 §6.7.1.5). A guest that is at it already, which its blinking power
 * indicator shows, would take that for a change of mind.
 *
 * Returns: %FALSE when the guest is about to switch the slot on
 */
gboolean
sv_pcie_slot_request (SvPcieSlot *self)
{
  if (CONTROL_INDICATOR (get16 (self, PCI_EXP_SLTCTL)) == PCI_EXP_SLTCTL_PWR_IND_BLINK)
    return self->unplug_pending;
  self->unplug_pending = TRUE;
  raise_event (self, PCI_EXP_SLTSTA_ABP);
  return TRUE;
}

/**
 * sv_pcie_slot_is_present: (skip)
 * @self: a slot
 *
 * Returns: whether its registers say that there is something in it
 */
gboolean
sv_pcie_slot_is_present (const SvPcieSlot *self)
{
  return (get16 (self, PCI_EXP_SLTSTA) & PCI_EXP_SLTSTA_PDS) != 0;
}

/**
 * sv_pcie_slot_is_powered: (skip)
 * @self: a slot
 *
 * Returns: whether the power controller is on
 */
gboolean
sv_pcie_slot_is_powered (const SvPcieSlot *self)
{
  return (get16 (self, PCI_EXP_SLTCTL) & PCI_EXP_SLTCTL_PCC) == 0;
}

static gboolean
is_emptied (guint16 control)
{
  return (control & PCI_EXP_SLTCTL_PCC) != 0
         && CONTROL_INDICATOR (control) == PCI_EXP_SLTCTL_PWR_IND_OFF;
}

/**
 * sv_pcie_slot_is_off: (skip)
 * @self: a slot
 *
 * Returns: whether the power controller and the power indicator are off: what is in the slot may be taken out
 */
gboolean
sv_pcie_slot_is_off (const SvPcieSlot *self)
{
  return is_emptied (get16 (self, PCI_EXP_SLTCTL));
}

/**
 * sv_pcie_slot_written: (skip)
 * @self: a slot
 * @offset: where the guest wrote
 * @old_value: what was there
 * @size: bytes
 *
 * Takes over what the guest wrote to Slot Control.
 *
 * Returns: #SvPcieSlotPower flags of what changed
 */
guint
sv_pcie_slot_written (SvPcieSlot *self, guint offset, guint32 old_value, guint size)
{
  guint at = self->capability + PCI_EXP_SLTCTL;
  guint16 now = get16 (self, PCI_EXP_SLTCTL);
  guint16 before = now;
  guint changes = 0;

  if (offset >= at + 2 || offset + size <= at)
    return 0;
  for (guint i = 0; i < size; i++)
    if (offset + i == at || offset + i == at + 1)
      {
        guint shift = 8 * (offset + i - at);

        before = (guint16)((before & ~(0xff << shift)) | (old_value >> 8 * i & 0xff) << shift);
      }

  if (((before ^ now) & PCI_EXP_SLTCTL_PCC) != 0)
    {
      changes |= sv_pcie_slot_is_powered (self) ? SV_PCIE_SLOT_POWER_ON : SV_PCIE_SLOT_POWER_OFF;
      update_link (self);
    }
  if (is_emptied (now) && !is_emptied (before))
    changes |= SV_PCIE_SLOT_EMPTIED;
  /* It thought about it, and goes on using the device: a new request may follow. */
  if (CONTROL_INDICATOR (before) == PCI_EXP_SLTCTL_PWR_IND_BLINK
      && CONTROL_INDICATOR (now) == PCI_EXP_SLTCTL_PWR_IND_ON && self->unplug_pending)
    {
      self->unplug_pending = FALSE;
      changes |= SV_PCIE_SLOT_REFUSED;
    }
  return changes;
}

/**
 * sv_pcie_slot_wants_interrupt: (skip)
 * @self: a slot
 *
 * Returns: whether an event that the guest listens to is pending (PCIe 6.0 §6.7.3.4)
 */
gboolean
sv_pcie_slot_wants_interrupt (const SvPcieSlot *self)
{
  guint16 control = get16 (self, PCI_EXP_SLTCTL);
  guint16 status = get16 (self, PCI_EXP_SLTSTA);

  /* The events have the same bits in both registers but for the link's. */
  if ((control & PCI_EXP_SLTCTL_HPIE) == 0)
    return FALSE;
  if ((control & PCI_EXP_SLTCTL_DLLSCE) != 0 && (status & PCI_EXP_SLTSTA_DLLSC) != 0)
    return TRUE;
  return (control & status & (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PFD | PCI_EXP_SLTSTA_PDC)) != 0;
}

G_STATIC_ASSERT (PCI_EXP_SLTCTL_ABPE == PCI_EXP_SLTSTA_ABP
                 && PCI_EXP_SLTCTL_PDCE == PCI_EXP_SLTSTA_PDC);
