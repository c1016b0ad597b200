/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-pci-assign.h"

#include <linux/pci_regs.h>

#include "hw/pci/sv-pci-bridge.h"

#define LAST_BUS 255u
#define MEMORY_STEP 0x100000ull /* of bridge windows */
#define IO_STEP 0x1000ull
/* Room behind each bridge for what is plugged in later */
#define MEMORY_RESERVE (2 * MEMORY_STEP)
#define PREFETCH_RESERVE (1ull << 30)

enum
{
  KIND_IO,
  KIND_MEMORY,
  KIND_PREFETCH,
  N_KINDS
};

/* Addresses are given away from below. */
typedef struct
{
  guint64 next[N_KINDS];
  guint64 end[N_KINDS];
  guint64 prefetch_reserve;
  guint last_bus;
} Assignment;

static const char *const kind_names[N_KINDS]
    = { "I/O ports", "memory below 4 GiB", "64-bit memory" };

static guint64
align_up (guint64 value, guint64 step)
{
  return (value + step - 1) & ~(step - 1);
}

static guint
kind_of (const Assignment *self, guint flags)
{
  if ((flags & SV_PCI_BAR_IO) != 0)
    return KIND_IO;
  return (flags & SV_PCI_BAR_64) != 0 && (flags & SV_PCI_BAR_PREFETCH) != 0
                 && self->end[KIND_PREFETCH] != 0
             ? KIND_PREFETCH
             : KIND_MEMORY;
}

static gboolean
assign_bars (Assignment *self, SvPciDevice *device, GError **error)
{
  guint16 command = sv_pci_config_get16 (sv_pci_device_get_config (device), PCI_COMMAND);

  for (guint n = 0; n < SV_PCI_N_BARS; n++)
    {
      guint flags;
      guint64 size = sv_pci_device_get_bar (device, n, &flags);
      guint64 address;
      guint kind;

      if (size == 0)
        continue;
      kind = kind_of (self, flags);
      address = align_up (self->next[kind], size);
      if (address < self->next[kind] || address > self->end[kind]
          || size > self->end[kind] - address)
        {
          g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY,
                       "PCI: no %s left for %" G_GUINT64_FORMAT " bytes of '%s'", kind_names[kind],
                       size, sv_pci_device_get_name (device));
          return FALSE;
        }
      self->next[kind] = address + size;
      sv_pci_device_set_bar_address (device, n, address);
      command |= kind == KIND_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
    }
  /* Being bus master is for drivers to switch on. */
  sv_pci_device_config_write (device, PCI_COMMAND, command, 2);
  return TRUE;
}

static gboolean assign_bus (Assignment *self, SvPciBus *bus, GError **error);

/* What lies between the two places, grown to at least @reserve; closed when there is nothing. */
static gboolean
close_window (Assignment *self,
              guint kind,
              guint64 start,
              guint64 step,
              guint64 reserve,
              guint64 *base,
              guint64 *limit)
{
  guint64 end = MAX (align_up (self->next[kind], step), start + reserve);

  *base = start;
  *limit = end - 1;
  if (end == start || self->end[kind] == 0)
    {
      /* Base above limit */
      *base = step;
      *limit = 0;
      return TRUE;
    }
  self->next[kind] = end;
  return end <= self->end[kind];
}

static gboolean
assign_bridge (Assignment *self, SvPciBridge *bridge, GError **error)
{
  SvPciBridgeWindows windows = { 0 };
  guint64 start[N_KINDS];

  if (self->last_bus >= LAST_BUS)
    {
      g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY,
                           "PCI: more than 255 buses");
      return FALSE;
    }
  windows.secondary = (guint8)++self->last_bus;
  for (guint kind = 0; kind < N_KINDS; kind++)
    start[kind] = self->next[kind]
        = align_up (self->next[kind], kind == KIND_IO ? IO_STEP : MEMORY_STEP);

  /* What is below is numbered and found while it is given its addresses. */
  windows.subordinate = LAST_BUS;
  sv_pci_bridge_program (bridge, &windows);
  if (!assign_bus (self, sv_pci_bridge_get_secondary (bridge), error))
    return FALSE;
  windows.subordinate = (guint8)self->last_bus;

  if (!close_window (self, KIND_IO, start[KIND_IO], IO_STEP, 0, &windows.io_base, &windows.io_limit)
      || !close_window (self, KIND_MEMORY, start[KIND_MEMORY], MEMORY_STEP, MEMORY_RESERVE,
                        &windows.memory_base, &windows.memory_limit)
      || !close_window (self, KIND_PREFETCH, start[KIND_PREFETCH], MEMORY_STEP,
                        self->prefetch_reserve, &windows.prefetch_base, &windows.prefetch_limit))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY,
                   "PCI: no addresses left for bridge '%s'",
                   sv_pci_device_get_name (SV_PCI_DEVICE (bridge)));
      return FALSE;
    }
  sv_pci_bridge_program (bridge, &windows);
  return TRUE;
}

static gboolean
assign_bus (Assignment *self, SvPciBus *bus, GError **error)
{
  for (guint devfn = 0; devfn < SV_PCI_N_FUNCTIONS; devfn++)
    {
      SvPciDevice *device = sv_pci_bus_get_function (bus, (guint8)devfn);

      if (device == NULL)
        continue;
      if (!assign_bars (self, device, error)
          || (SV_IS_PCI_BRIDGE (device) && !assign_bridge (self, SV_PCI_BRIDGE (device), error)))
        return FALSE;
    }
  return TRUE;
}

static gboolean
count_bridge (SvObject *object, gpointer user_data)
{
  guint *n = user_data;

  *n += SV_IS_PCI_BRIDGE (object);
  return TRUE;
}

/* As much as each bridge may have, if there are many or little is there. */
static guint64
choose_prefetch_reserve (SvPciBus *root, guint64 size)
{
  guint n_bridges = 0;
  guint64 share;

  sv_object_walk (sv_object_get_root (SV_OBJECT (root)), count_bridge, &n_bridges);
  share = size / (n_bridges + 1) / 2;
  return MIN (PREFETCH_RESERVE, share & ~(MEMORY_STEP - 1));
}

/**
 * sv_pci_assign: (skip)
 * @root: a root bus
 * @resources: what may be given away
 * @last_bus: (out) (optional): the highest number that a bus got
 * @error: return location
 *
 * VM lock held; the guest does not run.
 *
 * Returns: %FALSE when it does not suffice
 */
gboolean
sv_pci_assign (SvPciBus *root,
               const SvPciResources *resources,
               guint *last_bus,
               GError **error)
{
  Assignment self = {
    .next = { resources->io_base, resources->memory_base, resources->prefetch_base },
    .end
    = { resources->io_base + resources->io_size, resources->memory_base + resources->memory_size,
        resources->prefetch_size != 0 ? resources->prefetch_base + resources->prefetch_size : 0 },
    .prefetch_reserve = choose_prefetch_reserve (root, resources->prefetch_size),
  };
  gboolean assigned;

  sv_memory_transaction_begin ();
  assigned = assign_bus (&self, root, error);
  sv_memory_transaction_commit ();
  if (last_bus != NULL)
    *last_bus = self.last_bus;
  return assigned;
}
