/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-pci-span.h"

#include <linux/pci_regs.h>

#include "hw/pci/sv-pci-bridge.h"

#define FOUR_GIB (1ull << 32)
#define WINDOW_STEP 0x100000ull

typedef struct
{
  guint64 start;
  guint64 end;
} Span;

static void
add (Span *span, guint64 start, guint64 size)
{
  if (start < FOUR_GIB || size == 0 || size > G_MAXUINT64 - start)
    return;
  span->start = MIN (span->start, start);
  span->end = MAX (span->end, start + size);
}

static guint64
get_pair (const SvPciConfig *config, guint low, guint64 mask, guint high)
{
  return (sv_pci_config_get32 (config, low) & mask) | (guint64)sv_pci_config_get32 (config, high) << 32;
}

static void
add_bars (Span *span, SvPciDevice *device)
{
  const SvPciConfig *config = sv_pci_device_get_config (device);

  for (guint n = 0; n < SV_PCI_N_BARS; n++)
    {
      guint flags;
      guint64 size = sv_pci_device_get_bar (device, n, &flags);
      guint at = PCI_BASE_ADDRESS_0 + 4 * n;

      if (size != 0 && (flags & SV_PCI_BAR_64) != 0)
        add (span, get_pair (config, at, PCI_BASE_ADDRESS_MEM_MASK & G_MAXUINT32, at + 4), size);
    }
}

static void
add_window (Span *span, SvPciDevice *bridge)
{
  const SvPciConfig *config = sv_pci_device_get_config (bridge);
  guint64 base = (guint64)(sv_pci_config_get16 (config, PCI_PREF_MEMORY_BASE) & 0xfff0) << 16
                 | (guint64)sv_pci_config_get32 (config, PCI_PREF_BASE_UPPER32) << 32;
  guint64 limit = (guint64)(sv_pci_config_get16 (config, PCI_PREF_MEMORY_LIMIT) & 0xfff0) << 16
                  | (guint64)sv_pci_config_get32 (config, PCI_PREF_LIMIT_UPPER32) << 32;

  if (base <= limit)
    add (span, base, limit - base + WINDOW_STEP);
}

/**
 * sv_pci_get_high_span: (skip)
 * @root: a root bus
 * @start: (out): first address
 * @end: (out): the address behind the last one
 *
 * Looks at what the guest wrote into base address registers, and into prefetchable windows of bridges.
 *
 * Returns: whether any of it is above 4 GiB
 */
gboolean
sv_pci_get_high_span (SvPciBus *root, guint64 *start, guint64 *end)
{
  Span span = { G_MAXUINT64, 0 };

  for (guint devfn = 0; devfn < SV_PCI_N_FUNCTIONS; devfn++)
    {
      SvPciDevice *device = sv_pci_bus_get_function (root, (guint8)devfn);

      if (device == NULL)
        continue;
      add_bars (&span, device);
      if (SV_IS_PCI_BRIDGE (device))
        add_window (&span, device);
    }
  *start = span.start;
  *end = span.end;
  return span.end != 0;
}
