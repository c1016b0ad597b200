/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-pci-bridge.h"

#include <linux/pci_regs.h>

#include "hw/core/sv-late-writes.h"
#include "src/migration/sv-migratable.h"

#define IO_STEP 0x1000ull
#define MEMORY_STEP 0x100000ull
#define WINDOWS_END 0x34u

enum
{
  WINDOW_IO,
  WINDOW_MEMORY,
  WINDOW_PREFETCH,
  N_WINDOWS
};

typedef struct
{
  SvMemoryRegion *alias; /* in the primary bus; NULL: closed */
  guint64 base;
  guint64 size;
} Window;

typedef struct
{
  SvPciBus *secondary; /* a child */
  SvMemoryRegion *memory;
  SvMemoryRegion *io;
  Window windows[N_WINDOWS];
  SvLateWrites *late; /* a reset of the secondary bus that waits for the host */
} SvPciBridgePrivate;

static const SvMigratableState migration;

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (SvPciBridge, sv_pci_bridge, SV_TYPE_PCI_DEVICE,
                                  G_ADD_PRIVATE (SvPciBridge) SV_MIGRATABLE_STATE (&migration))

#define PRIV(self) ((SvPciBridgePrivate *)sv_pci_bridge_get_instance_private (self))

/* --- windows --- */

static SvMemoryRegion *
primary_container (SvPciBridge *self, guint n)
{
  SvPciBus *primary = sv_pci_device_get_bus (SV_PCI_DEVICE (self));

  return n == WINDOW_IO ? sv_pci_bus_get_io (primary) : sv_pci_bus_get_memory (primary);
}

static gboolean
get_window (SvPciBridge *self, guint n, guint64 *base, guint64 *limit)
{
  const SvPciConfig *config = sv_pci_device_get_config (SV_PCI_DEVICE (self));
  guint16 command = sv_pci_config_get16 (config, PCI_COMMAND);

  switch (n)
    {
    case WINDOW_IO:
      *base = (guint64)(config->bytes[PCI_IO_BASE] & PCI_IO_RANGE_MASK) << 8;
      *limit = ((guint64)(config->bytes[PCI_IO_LIMIT] & PCI_IO_RANGE_MASK) << 8) + IO_STEP - 1;
      return (command & PCI_COMMAND_IO) != 0 && *base <= *limit;
    case WINDOW_MEMORY:
      *base = (guint64)(sv_pci_config_get16 (config, PCI_MEMORY_BASE) & 0xfff0) << 16;
      *limit = ((guint64)(sv_pci_config_get16 (config, PCI_MEMORY_LIMIT) & 0xfff0) << 16)
               + MEMORY_STEP - 1;
      break;
    default:
      *base = (guint64)(sv_pci_config_get16 (config, PCI_PREF_MEMORY_BASE) & 0xfff0) << 16
              | (guint64)sv_pci_config_get32 (config, PCI_PREF_BASE_UPPER32) << 32;
      *limit = ((guint64)(sv_pci_config_get16 (config, PCI_PREF_MEMORY_LIMIT) & 0xfff0) << 16
                | (guint64)sv_pci_config_get32 (config, PCI_PREF_LIMIT_UPPER32) << 32)
               + MEMORY_STEP - 1;
      break;
    }
  return (command & PCI_COMMAND_MEMORY) != 0 && *base <= *limit;
}

static void
close_window (SvPciBridge *self, guint n)
{
  Window *window = &PRIV (self)->windows[n];

  if (window->alias != NULL)
    sv_memory_region_remove (primary_container (self, n), window->alias);
  g_clear_object (&window->alias);
}

static void
update_windows (SvPciBridge *self)
{
  static const char *const names[N_WINDOWS]
      = { "pci-bridge-io", "pci-bridge-memory", "pci-bridge-prefetch" };
  SvPciBridgePrivate *priv = PRIV (self);

  sv_memory_transaction_begin ();
  for (guint n = 0; n < N_WINDOWS; n++)
    {
      Window *window = &priv->windows[n];
      guint64 base, limit;
      gboolean open = get_window (self, n, &base, &limit);

      if (window->alias != NULL
          && (!open || window->base != base || window->size != limit - base + 1))
        close_window (self, n);
      if (!open || window->alias != NULL || limit - base == G_MAXUINT64)
        continue;
      window->base = base;
      window->size = limit - base + 1;
      window->alias = sv_memory_region_new_alias (
          names[n], n == WINDOW_IO ? priv->io : priv->memory, base, window->size);
      sv_memory_region_add (primary_container (self, n), base, window->alias, 0);
    }
  sv_memory_transaction_commit ();
}

/* --- SvPciDevice --- */

static void
fill_header (SvPciConfig *config)
{
  sv_pci_config_allow (config, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 2);
  sv_pci_config_allow (config, PCI_PRIMARY_BUS, 0xffffff, 4);
  sv_pci_config_set8 (config, PCI_IO_BASE, PCI_IO_RANGE_TYPE_16);
  sv_pci_config_set8 (config, PCI_IO_LIMIT, PCI_IO_RANGE_TYPE_16);
  sv_pci_config_allow (config, PCI_IO_BASE, 0xf0f0, 2);
  sv_pci_config_allow (config, PCI_MEMORY_BASE, 0xfff0fff0, 4);
  sv_pci_config_set32 (config, PCI_PREF_MEMORY_BASE,
                       PCI_PREF_RANGE_TYPE_64 << 16 | PCI_PREF_RANGE_TYPE_64);
  sv_pci_config_allow (config, PCI_PREF_MEMORY_BASE, 0xfff0fff0, 4);
  sv_pci_config_allow (config, PCI_PREF_BASE_UPPER32, G_MAXUINT32, 4);
  sv_pci_config_allow (config, PCI_PREF_LIMIT_UPPER32, G_MAXUINT32, 4);
  sv_pci_config_allow (config, PCI_BRIDGE_CONTROL,
                       PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR | PCI_BRIDGE_CTL_BUS_RESET, 2);
}

static gboolean
sv_pci_bridge_setup (SvPciDevice *device, GError **error)
{
  SvPciBridge *self = SV_PCI_BRIDGE (device);
  SvPciBridgePrivate *priv = PRIV (self);
  const char *id = sv_object_get_id (SV_OBJECT (self));

  priv->memory = sv_memory_region_new_container ("pci-secondary-memory", G_MAXUINT64);
  priv->io = sv_memory_region_new_container ("pci-secondary-io", 0x10000);
  priv->secondary = sv_pci_bus_new_secondary (device, priv->memory, priv->io);
  fill_header (sv_pci_device_get_config (device));
  return sv_object_add_child (SV_OBJECT (self), id != NULL ? id : "secondary",
                              SV_OBJECT (priv->secondary), error);
}

static void
sv_pci_bridge_teardown (SvPciDevice *device)
{
  SvPciBridge *self = SV_PCI_BRIDGE (device);
  SvPciBridgePrivate *priv = PRIV (self);
  SvBus *secondary = SV_BUS (priv->secondary);

  sv_late_writes_forget (priv->late);
  while (sv_bus_get_n_devices (secondary) > 0)
    sv_bus_unplug (secondary, sv_bus_get_device (secondary, 0));
  for (guint n = 0; n < N_WINDOWS; n++)
    close_window (self, n);
  sv_object_unparent (SV_OBJECT (secondary));
  g_clear_object (&priv->secondary);
  g_clear_object (&priv->memory);
  g_clear_object (&priv->io);
}

static void
sv_pci_bridge_reset (SvPciDevice *device)
{
  sv_late_writes_forget (PRIV (SV_PCI_BRIDGE (device))->late);
  update_windows (SV_PCI_BRIDGE (device));
}

/* Nothing is in flight any more when the reset has happened. */
static void
sv_pci_bridge_quiesce (SvDevice *device)
{
  sv_late_writes_finish (PRIV (SV_PCI_BRIDGE (device))->late);
}

static gboolean
sv_pci_bridge_settle (SvPciDevice *device)
{
  return sv_pci_bus_settle (PRIV (SV_PCI_BRIDGE (device))->secondary);
}

static void
sv_pci_bridge_config_written (SvPciDevice *device, guint offset, guint32 old_value, guint size)
{
  SvPciBridge *self = SV_PCI_BRIDGE (device);
  const SvPciConfig *config = sv_pci_device_get_config (device);
  guint32 now = sv_pci_config_read (config, offset, size);

  if (offset < PCI_STATUS || (offset + size > PCI_IO_BASE && offset < WINDOWS_END))
    update_windows (self);
  /* A secondary bus is reset when the bit goes up; what is on it stays quiet by itself until set
   * up. */
  if (offset <= PCI_BRIDGE_CONTROL && offset + size > PCI_BRIDGE_CONTROL)
    {
      guint shift = (PCI_BRIDGE_CONTROL - offset) * 8;

      if ((now >> shift & ~(old_value >> shift) & PCI_BRIDGE_CTL_BUS_RESET) != 0)
        sv_pci_bridge_reset_secondary (self);
    }
}

static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  update_windows (SV_PCI_BRIDGE (migratable));
  return TRUE;
}

static const SvMigratableState migration = {
  .stateless = "all of it is in configuration space",
  .loaded = state_loaded,
};

static void
reset_late (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  sv_pci_bus_reset (PRIV (SV_PCI_BRIDGE (opaque))->secondary);
}

static gboolean
is_settled (gpointer opaque)
{
  return sv_pci_bus_settle (PRIV (SV_PCI_BRIDGE (opaque))->secondary);
}

static void
sv_pci_bridge_finalize (GObject *object)
{
  sv_late_writes_free (PRIV (SV_PCI_BRIDGE (object))->late);
  G_OBJECT_CLASS (sv_pci_bridge_parent_class)->finalize (object);
}

static void
sv_pci_bridge_class_init (SvPciBridgeClass *klass)
{
  SvPciDeviceClass *pci_class = SV_PCI_DEVICE_CLASS (klass);

  pci_class->bridge = TRUE;
  pci_class->class_code = 0x060400;
  pci_class->setup = sv_pci_bridge_setup;
  pci_class->teardown = sv_pci_bridge_teardown;
  pci_class->reset = sv_pci_bridge_reset;
  pci_class->settle = sv_pci_bridge_settle;
  SV_DEVICE_CLASS (klass)->quiesce = sv_pci_bridge_quiesce;
  G_OBJECT_CLASS (klass)->finalize = sv_pci_bridge_finalize;
  pci_class->config_written = sv_pci_bridge_config_written;
}

static void
sv_pci_bridge_init (SvPciBridge *self)
{
  PRIV (self)->late = sv_late_writes_new (reset_late, is_settled, self);
}

/**
 * sv_pci_bridge_reset_secondary: (skip)
 * @self: a realized bridge
 *
 * Resets what is behind it. Requests in flight there may take their time: only the vCPU that asks for the reset waits
 * for them, as its next instruction runs behind it.
 */
void
sv_pci_bridge_reset_secondary (SvPciBridge *self)
{
  SvPciBridgePrivate *priv = PRIV (self);

  if (sv_pci_bus_settle (priv->secondary) || !sv_late_writes_defer (priv->late, 0, 0, 0))
    sv_pci_bus_reset (priv->secondary);
}

void
sv_pci_bridge_settled (SvPciBridge *self)
{
  sv_late_writes_schedule (PRIV (self)->late);
}

/**
 * sv_pci_bridge_get_secondary:
 * @self: a bridge
 *
 * Returns: (transfer none) (nullable): its secondary bus, while it is realized
 */
SvPciBus *
sv_pci_bridge_get_secondary (SvPciBridge *self)
{
  return PRIV (self)->secondary;
}

/**
 * sv_pci_bridge_program: (skip)
 * @self: a realized bridge
 * @windows: bus numbers and what is to be forwarded
 *
 * Programs the bridge as firmware would, and lets it forward.
 */
void
sv_pci_bridge_program (SvPciBridge *self, const SvPciBridgeWindows *windows)
{
  SvPciDevice *device = SV_PCI_DEVICE (self);
  const struct
  {
    guint offset;
    guint64 value;
    guint size;
  } registers[] = {
    { PCI_PRIMARY_BUS, sv_pci_bus_get_number (sv_pci_device_get_bus (device)), 1 },
    { PCI_SECONDARY_BUS, windows->secondary, 1 },
    { PCI_SUBORDINATE_BUS, windows->subordinate, 1 },
    { PCI_IO_BASE, windows->io_base >> 8, 1 },
    { PCI_IO_LIMIT, windows->io_limit >> 8, 1 },
    { PCI_MEMORY_BASE, windows->memory_base >> 16, 2 },
    { PCI_MEMORY_LIMIT, windows->memory_limit >> 16, 2 },
    { PCI_PREF_MEMORY_BASE, windows->prefetch_base >> 16, 2 },
    { PCI_PREF_MEMORY_LIMIT, windows->prefetch_limit >> 16, 2 },
    { PCI_PREF_BASE_UPPER32, windows->prefetch_base >> 32, 4 },
    { PCI_PREF_LIMIT_UPPER32, windows->prefetch_limit >> 32, 4 },
    { PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2 },
  };

  sv_memory_transaction_begin ();
  for (guint i = 0; i < G_N_ELEMENTS (registers); i++)
    sv_pci_device_config_write (device, registers[i].offset, (guint32)registers[i].value,
                                registers[i].size);
  sv_memory_transaction_commit ();
}

G_STATIC_ASSERT (PCI_PREF_LIMIT_UPPER32 + 4 <= PCI_CAPABILITY_LIST);
