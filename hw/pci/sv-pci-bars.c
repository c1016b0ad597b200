/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Base address registers (PCIe 6.0 §7.5.1.2.1). */

#include "hw/pci/sv-pci-device-private.h"

#include <linux/pci_regs.h>

#define PRIV(self) (sv_pci_device_priv (self))
#define REGISTER(n) (PCI_BASE_ADDRESS_0 + (n)*4)
/* Lower ones hide behind the machine's own regions, devices' among themselves behind the latest. */
#define BAR_PRIORITY 1

static guint64
get_address (SvPciDevice *self, guint n)
{
  const SvPciBar *bar = &PRIV (self)->bars[n];
  const SvPciConfig *config = &PRIV (self)->config;
  guint64 value = sv_pci_config_get32 (config, REGISTER (n));

  if (bar->flags & SV_PCI_BAR_IO)
    return value & PCI_BASE_ADDRESS_IO_MASK & G_MAXUINT32;
  value &= PCI_BASE_ADDRESS_MEM_MASK;
  if (bar->flags & SV_PCI_BAR_64)
    value = (value & G_MAXUINT32) | (guint64)sv_pci_config_get32 (config, REGISTER (n + 1)) << 32;
  return value & (bar->flags & SV_PCI_BAR_64 ? G_MAXUINT64 : G_MAXUINT32);
}

/* Not where the registers were never set, nor where a driver that asks for the size leaves them. */
static gboolean
should_map (SvPciDevice *self, guint n, guint64 address)
{
  const SvPciBar *bar = &PRIV (self)->bars[n];
  guint16 command = sv_pci_config_get16 (&PRIV (self)->config, PCI_COMMAND);
  guint64 last = address + bar->size - 1;
  guint64 limit = G_MAXUINT32;

  if (address == 0 || last < address)
    return FALSE;
  if (bar->flags & SV_PCI_BAR_IO)
    return (command & PCI_COMMAND_IO) != 0 && last <= G_MAXUINT16;
  if (bar->flags & SV_PCI_BAR_64)
    limit = G_MAXUINT64;
  return (command & PCI_COMMAND_MEMORY) != 0 && last < limit;
}

static SvMemoryRegion *
container_of (SvPciDevice *self, const SvPciBar *bar)
{
  SvPciBus *bus = sv_pci_device_get_bus (self);

  return bar->flags & SV_PCI_BAR_IO ? sv_pci_bus_get_io (bus) : sv_pci_bus_get_memory (bus);
}

static void
unmap (SvPciDevice *self, SvPciBar *bar)
{
  if (bar->mapped)
    sv_memory_region_remove (container_of (self, bar), bar->region);
  bar->mapped = FALSE;
}

void
sv_pci_device_update_bars (SvPciDevice *self)
{
  sv_memory_transaction_begin ();
  for (guint i = 0; i < SV_PCI_N_BARS; i++)
    {
      SvPciBar *bar = &PRIV (self)->bars[i];
      guint64 address;
      gboolean map;

      if (bar->region == NULL)
        continue;
      address = get_address (self, i);
      map = should_map (self, i, address);
      if (bar->mapped && (!map || bar->address != address))
        unmap (self, bar);
      if (!map || bar->mapped)
        continue;
      sv_memory_region_add (container_of (self, bar), address, bar->region, BAR_PRIORITY);
      bar->mapped = TRUE;
      bar->address = address;
    }
  sv_memory_transaction_commit ();
}

void
sv_pci_device_unmap_bars (SvPciDevice *self)
{
  sv_memory_transaction_begin ();
  for (guint i = 0; i < SV_PCI_N_BARS; i++)
    unmap (self, &PRIV (self)->bars[i]);
  sv_memory_transaction_commit ();
}

void
sv_pci_device_clear_bars (SvPciDevice *self)
{
  for (guint i = 0; i < SV_PCI_N_BARS; i++)
    g_clear_object (&PRIV (self)->bars[i].region);
}

/**
 * sv_pci_device_add_bar: (skip)
 * @self: a device in its setup
 * @n: number of the register, 0 to 5; 0 and 1 for bridges
 * @flags: of #SvPciBarFlags
 * @region: a power of two in size, at least 16 bytes (4 for ports)
 *
 * From now on @region appears where the guest puts it.
 */
void
sv_pci_device_add_bar (SvPciDevice *self, guint n, guint flags, SvMemoryRegion *region)
{
  SvPciBar *bar = &PRIV (self)->bars[n];
  SvPciConfig *config = &PRIV (self)->config;
  guint64 size = sv_memory_region_get_size (region);
  guint64 mask = ~(size - 1);

  g_return_if_fail (n < SV_PCI_N_BARS && (size & (size - 1)) == 0
                    && size >= (flags & SV_PCI_BAR_IO ? 4 : 16));

  bar->region = g_object_ref (region);
  bar->size = size;
  bar->flags = flags;
  sv_pci_config_set32 (config, REGISTER (n), flags);
  sv_pci_config_allow (config, REGISTER (n), (guint32)mask, 4);
  if (flags & SV_PCI_BAR_64)
    sv_pci_config_allow (config, REGISTER (n + 1), (guint32)(mask >> 32), 4);
  sv_pci_config_allow (config, PCI_COMMAND,
                       flags & SV_PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY, 2);
}

/**
 * sv_pci_device_get_bar: (skip)
 * @self: a realized device
 * @n: number of a register
 * @flags: (out): of #SvPciBarFlags
 *
 * Returns: bytes that the register needs; 0: there is none
 */
guint64
sv_pci_device_get_bar (SvPciDevice *self, guint n, guint *flags)
{
  const SvPciBar *bar = &PRIV (self)->bars[n];

  if (n >= SV_PCI_N_BARS || bar->region == NULL)
    return 0;
  *flags = bar->flags;
  return bar->size;
}

/**
 * sv_pci_device_set_bar_address: (skip)
 * @self: a realized device
 * @n: number of a register it has
 * @address: a multiple of its size
 *
 * Programs the register as firmware would.
 */
void
sv_pci_device_set_bar_address (SvPciDevice *self, guint n, guint64 address)
{
  sv_pci_device_config_write (self, REGISTER (n), (guint32)address, 4);
  if (PRIV (self)->bars[n].flags & SV_PCI_BAR_64)
    sv_pci_device_config_write (self, REGISTER (n + 1), (guint32)(address >> 32), 4);
}
