/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-pcie-root-port.h"

#include <linux/pci_regs.h>
#include <string.h>

#include "hw/core/sv-machine.h"
#include "hw/pci/sv-msix.h"
#include "src/migration/sv-migration-values.h"

#define VENDOR_ID 0x1b36u /* as QEMU's, which guests know */
#define DEVICE_ID 0x000cu
#define MSIX_BAR 0u
#define MSIX_BAR_SIZE 0x1000u
#define MSIX_PBA 0x800u
#define MAX_SLOT_NUMBER 8191u

#define RESERVATION_SIZE 32u
#define RESERVATION_TYPE 1u
#define RESERVATION_DEFAULT G_MAXUINT32 /* as firmware likes */
#define RESERVED_MEMORY (2u << 20)
#define DEFAULT_RESERVED (256ull << 20)
#define MAX_RESERVED (1ull << 40)

struct _SvPcieRootPort
{
  SvPciBridge parent_instance;

  guint8 port;
  guint8 chassis;
  guint16 slot_number;
  gboolean hotplug;
  guint64 reserved;

  SvPcieSlot slot;
  SvMemoryRegion *bar;
  SvMsix *msix;
  gboolean interrupting;
  GSource *eject; /* while the guest let go of what is in the slot */
  gboolean eject_waits; /* for requests in flight, so that the main thread need not */
  GSource *tell;  /* while it is to be told that the guest did not */
};

static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvPcieRootPort, sv_pcie_root_port, SV_TYPE_PCI_BRIDGE, SV_MIGRATABLE_STATE (&migration))

enum
{
  PROP_PORT = 1,
  PROP_CHASSIS,
  PROP_SLOT,
  PROP_HOTPLUG,
  PROP_PREF64_RESERVE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

/* --- interrupts --- */

/* MSI-X sends one message when the first event comes, the pin stays up until the last one is
 * cleared. */
static void
update_interrupt (SvPcieRootPort *self)
{
  gboolean wanted = sv_pcie_slot_wants_interrupt (&self->slot);
  gboolean msix = sv_msix_is_enabled (self->msix);

  sv_pci_device_set_pin (SV_PCI_DEVICE (self), wanted && !msix);
  if (wanted && !self->interrupting && msix)
    sv_msix_notify (self->msix, 0);
  self->interrupting = wanted;
}

/* --- what is in the slot --- */

static SvPciBus *
get_secondary (SvPcieRootPort *self)
{
  return sv_pci_bridge_get_secondary (SV_PCI_BRIDGE (self));
}

static gboolean
is_occupied (SvPcieRootPort *self)
{
  SvBus *bus = SV_BUS (get_secondary (self));

  for (guint i = 0; i < sv_bus_get_n_devices (bus); i++)
    {
      SvDevice *device = sv_bus_get_device (bus, i);

      if (sv_pci_device_get_devfn (SV_PCI_DEVICE (device)) == 0 && sv_device_is_realized (device))
        return TRUE;
    }
  return FALSE;
}

static void
update_power (SvPcieRootPort *self)
{
  sv_pci_bus_set_powered (get_secondary (self),
                          !self->hotplug || sv_pcie_slot_is_powered (&self->slot));
}

static void
reset_slot (SvPcieRootPort *self)
{
  sv_pcie_slot_reset (&self->slot, is_occupied (self));
  update_power (self);
}

/* A slot counts as occupied when there is a function 0: others are put in before it. */
static void
device_added (gpointer opaque, SvPciDevice *device)
{
  SvPcieRootPort *self = opaque;

  if (sv_pci_device_get_devfn (device) != 0)
    return;
  if (!sv_device_is_hotplugged (SV_DEVICE (device)))
    {
      reset_slot (self);
      return;
    }
  sv_pcie_slot_insert (&self->slot);
  update_interrupt (self);
}

static void
device_gone (gpointer opaque, SvPciDevice *device)
{
  SvPcieRootPort *self = opaque;

  if (sv_pci_device_get_devfn (device) != 0)
    return;
  sv_pcie_slot_remove (&self->slot);
  update_interrupt (self);
}

static void
schedule (SvPcieRootPort *self, GSource **source, GSourceFunc func)
{
  if (*source != NULL)
    return;
  *source = g_idle_source_new ();
  g_source_set_priority (*source, G_PRIORITY_DEFAULT);
  g_source_set_callback (*source, func, self, NULL);
  g_source_attach (*source, NULL);
}

/* On the main thread: whoever listens to the tree expects that. */
static gboolean
eject (gpointer user_data)
{
  SvPcieRootPort *self = user_data;
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (self));
  SvBus *bus = SV_BUS (get_secondary (self));

  g_clear_pointer (&self->eject, g_source_unref);
  self->eject_waits = !sv_pci_bus_settle (get_secondary (self));
  if (self->eject_waits)
    return G_SOURCE_REMOVE;
  /* Function 0, whose leaving shows in the registers, goes last. */
  while (machine != NULL && sv_bus_get_n_devices (bus) > 0)
    sv_machine_remove_device (machine, sv_bus_get_device (bus, sv_bus_get_n_devices (bus) - 1));
  return G_SOURCE_REMOVE;
}

/* A request that was in flight is done. */
static void
settled (gpointer opaque)
{
  SvPcieRootPort *self = opaque;

  if (self->eject_waits)
    schedule (self, &self->eject, eject);
}

static gboolean
unplug_request (gpointer opaque, SvPciDevice *device, GError **error)
{
  SvPcieRootPort *self = opaque;

  if (!self->hotplug)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Bus '%s' does not support hotplugging: its port has hotplug=off",
                   sv_object_get_id (SV_OBJECT (get_secondary (self))));
      return FALSE;
    }
  /* The guest has not switched it on so far, or never will. */
  if (sv_pcie_slot_is_off (&self->slot))
    {
      schedule (self, &self->eject, eject);
      return TRUE;
    }
  if (!sv_pcie_slot_request (&self->slot))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY,
                   "Device '%s' cannot be unplugged now: the guest is switching on its slot",
                   sv_pci_device_get_name (device));
      return FALSE;
    }
  update_interrupt (self);
  return TRUE;
}

static const SvPciBusFuncs bus_funcs = { device_added, device_gone, unplug_request, settled };

static gboolean
tell (gpointer user_data)
{
  SvPcieRootPort *self = user_data;
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (self));
  SvBus *bus = SV_BUS (get_secondary (self));

  g_clear_pointer (&self->tell, g_source_unref);
  for (guint i = 0; machine != NULL && i < sv_bus_get_n_devices (bus); i++)
    sv_machine_emit_unplug_refused (machine, sv_bus_get_device (bus, i));
  return G_SOURCE_REMOVE;
}

static void
cancel (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

/* --- SvPciDevice --- */

static guint
choose_slot_number (SvPcieRootPort *self)
{
  if (self->slot_number != 0)
    return self->slot_number;
  return self->chassis != 0 ? self->chassis : (guint)sv_pci_device_get_devfn (SV_PCI_DEVICE (self));
}

/* QEMU's resource reservation capability (docs/pcie_pci_bridge.txt there), by which firmware knows what to keep free
 * behind the port for what is plugged in later. */
static void
add_reservation (SvPcieRootPort *self)
{
  SvPciConfig *config = sv_pci_device_get_config (SV_PCI_DEVICE (self));
  guint at = sv_pci_config_add_capability (config, PCI_CAP_ID_VNDR, RESERVATION_SIZE);

  sv_pci_config_set8 (config, at + 2, RESERVATION_SIZE);
  sv_pci_config_set8 (config, at + 3, RESERVATION_TYPE);
  sv_pci_config_set32 (config, at + 4, RESERVATION_DEFAULT); /* bus numbers */
  sv_pci_config_set32 (config, at + 8, 0);                   /* ports: none, in 64 bits */
  sv_pci_config_set32 (config, at + 12, 0);
  sv_pci_config_set32 (config, at + 16, self->hotplug ? RESERVED_MEMORY : 0);
  sv_pci_config_set32 (config, at + 20, RESERVATION_DEFAULT); /* prefetchable below 4 GiB */
  sv_pci_config_set32 (config, at + 24, (guint32)(self->hotplug ? self->reserved : 0));
  sv_pci_config_set32 (config, at + 28, (guint32)((self->hotplug ? self->reserved : 0) >> 32));
}

static gboolean
sv_pcie_root_port_setup (SvPciDevice *device, GError **error)
{
  SvPcieRootPort *self = SV_PCIE_ROOT_PORT (device);
  SvPciConfig *config = sv_pci_device_get_config (device);
  guint express;

  if (sv_pci_bus_get_bridge (sv_pci_device_get_bus (device)) != NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Root port '%s' works on a root bus only, bus '%s' is behind a port",
                   sv_pci_device_get_name (device),
                   sv_object_get_id (SV_OBJECT (sv_pci_device_get_bus (device))));
      return FALSE;
    }
  if (!SV_PCI_DEVICE_CLASS (sv_pcie_root_port_parent_class)->setup (device, error))
    return FALSE;

  sv_pci_device_use_pin (device);
  express = sv_pci_device_add_express (device, PCI_EXP_TYPE_ROOT_PORT);
  sv_pci_config_set32 (config, express + PCI_EXP_LNKCAP,
                       sv_pci_config_get32 (config, express + PCI_EXP_LNKCAP)
                           | (guint32)self->port << 24);
  sv_pci_config_allow (
      config, express + PCI_EXP_LNKCTL,
      PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_LD | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES, 2);
  sv_pci_config_allow (
      config, express + PCI_EXP_RTCTL,
      PCI_EXP_RTCTL_SECEE | PCI_EXP_RTCTL_SENFEE | PCI_EXP_RTCTL_SEFEE | PCI_EXP_RTCTL_PMEIE, 2);
  add_reservation (self);
  sv_pcie_slot_init (&self->slot, config, express, choose_slot_number (self), self->hotplug);

  self->bar = sv_memory_region_new_container ("pcie-root-port-msix", MSIX_BAR_SIZE);
  self->msix = sv_msix_new (device, 1, self->bar, MSIX_BAR, 0, MSIX_PBA);
  sv_pci_device_add_bar (device, MSIX_BAR, 0, self->bar);
  if (sv_msix_use (self->msix, 0, error) < 0)
    {
      g_clear_pointer (&self->msix, sv_msix_free);
      g_clear_object (&self->bar);
      SV_PCI_DEVICE_CLASS (sv_pcie_root_port_parent_class)->teardown (device);
      return FALSE;
    }
  sv_pci_bus_set_funcs (get_secondary (self), &bus_funcs, self);
  sv_pci_bus_set_hotplug (get_secondary (self), self->hotplug);
  reset_slot (self);
  return TRUE;
}

static void
sv_pcie_root_port_teardown (SvPciDevice *device)
{
  SvPcieRootPort *self = SV_PCIE_ROOT_PORT (device);

  cancel (&self->eject);
  self->eject_waits = FALSE;
  cancel (&self->tell);
  sv_pci_bus_set_funcs (get_secondary (self), NULL, NULL);
  SV_PCI_DEVICE_CLASS (sv_pcie_root_port_parent_class)->teardown (device);
  g_clear_pointer (&self->msix, sv_msix_free);
  g_clear_object (&self->bar);
}

static void
sv_pcie_root_port_reset (SvPciDevice *device)
{
  SvPcieRootPort *self = SV_PCIE_ROOT_PORT (device);

  SV_PCI_DEVICE_CLASS (sv_pcie_root_port_parent_class)->reset (device);
  sv_msix_reset (self->msix);
  reset_slot (self);
  settled (self);
  self->interrupting = FALSE;
}

static void
sv_pcie_root_port_config_written (SvPciDevice *device, guint offset, guint32 old_value, guint size)
{
  SvPcieRootPort *self = SV_PCIE_ROOT_PORT (device);
  guint changes = sv_pcie_slot_written (&self->slot, offset, old_value, size);

  SV_PCI_DEVICE_CLASS (sv_pcie_root_port_parent_class)
      ->config_written (device, offset, old_value, size);
  sv_msix_config_written (self->msix);
  if ((changes & (SV_PCIE_SLOT_POWER_OFF | SV_PCIE_SLOT_POWER_ON)) != 0)
    update_power (self);
  /* Without power it forgets all, and touches the guest's memory no more. */
  if ((changes & SV_PCIE_SLOT_POWER_OFF) != 0)
    sv_pci_bridge_reset_secondary (SV_PCI_BRIDGE (self));
  if ((changes & SV_PCIE_SLOT_EMPTIED) != 0 && self->slot.unplug_pending)
    schedule (self, &self->eject, eject);
  if ((changes & SV_PCIE_SLOT_REFUSED) != 0)
    schedule (self, &self->tell, tell);
  update_interrupt (self);
}

/* Who quiesces waits for requests himself. */
static void
sv_pcie_root_port_quiesce (SvDevice *device)
{
  SV_DEVICE_CLASS (sv_pcie_root_port_parent_class)->quiesce (device);
  settled (SV_PCIE_ROOT_PORT (device));
}

/* --- state: the slot's registers are in configuration space --- */

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvPcieRootPort *self = SV_PCIE_ROOT_PORT (migratable);

  return g_variant_new ("(bbbb@" SV_MSIX_STATE_TYPE ")", self->slot.unplug_pending, self->interrupting,
                        self->eject != NULL || self->eject_waits, self->tell != NULL, sv_msix_dup_state (self->msix));
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvPcieRootPort *self = SV_PCIE_ROOT_PORT (migratable);
  g_autoptr (GVariant) msix = NULL;
  gboolean ejects, tells;

  g_variant_get (state, "(bbbb@" SV_MSIX_STATE_TYPE ")", &self->slot.unplug_pending, &self->interrupting, &ejects,
                 &tells, &msix);
  if (!sv_migration_check_same ("presence in the slot", sv_pcie_slot_is_present (&self->slot), is_occupied (self), error)
      || !sv_msix_load_state (self->msix, msix, error))
    return FALSE;
  cancel (&self->eject);
  self->eject_waits = FALSE;
  cancel (&self->tell);
  if (ejects)
    schedule (self, &self->eject, eject);
  if (tells)
    schedule (self, &self->tell, tell);
  update_power (self);
  return TRUE;
}

/* A message that was sent is not sent again; the pin follows the registers. */
static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvPcieRootPort *self = SV_PCIE_ROOT_PORT (migratable);

  sv_msix_loaded (self->msix);
  update_interrupt (self);
  return TRUE;
}

static const SvMigratableState migration = {
  /* Unplug asked for, interrupt announced, to be taken out, refusal to be told, MSI-X */
  .types = (const char *const[]){ "(bbbb" SV_MSIX_STATE_TYPE ")", NULL },
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};

/* --- GObject --- */

static void
sv_pcie_root_port_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvPcieRootPort *self = SV_PCIE_ROOT_PORT (object);

  switch (id)
    {
    case PROP_PORT:
      g_value_set_uint (value, self->port);
      break;
    case PROP_CHASSIS:
      g_value_set_uint (value, self->chassis);
      break;
    case PROP_SLOT:
      g_value_set_uint (value, self->slot_number);
      break;
    case PROP_HOTPLUG:
      g_value_set_boolean (value, self->hotplug);
      break;
    case PROP_PREF64_RESERVE:
      g_value_set_uint64 (value, self->reserved);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_pcie_root_port_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvPcieRootPort *self = SV_PCIE_ROOT_PORT (object);

  switch (id)
    {
    case PROP_PORT:
      self->port = (guint8)g_value_get_uint (value);
      break;
    case PROP_CHASSIS:
      self->chassis = (guint8)g_value_get_uint (value);
      break;
    case PROP_SLOT:
      self->slot_number = (guint16)g_value_get_uint (value);
      break;
    case PROP_HOTPLUG:
      self->hotplug = g_value_get_boolean (value);
      break;
    case PROP_PREF64_RESERVE:
      self->reserved = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_pcie_root_port_class_init (SvPcieRootPortClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);
  SvPciDeviceClass *pci_class = SV_PCI_DEVICE_CLASS (klass);

  object_class->get_property = sv_pcie_root_port_get_property;
  object_class->set_property = sv_pcie_root_port_set_property;
  device_class->quiesce = sv_pcie_root_port_quiesce;
  device_class->user_creatable = TRUE;
  device_class->category = "bridge";
  device_class->description = "PCI Express root port with one slot";
  pci_class->vendor_id = VENDOR_ID;
  pci_class->device_id = DEVICE_ID;
  pci_class->setup = sv_pcie_root_port_setup;
  pci_class->teardown = sv_pcie_root_port_teardown;
  pci_class->reset = sv_pcie_root_port_reset;
  pci_class->config_written = sv_pcie_root_port_config_written;

  props[PROP_PORT] = g_param_spec_uint ("port", "port", "Number of the port in its root complex", 0,
                                        255, 0, SV_PARAM_RW_WIRING);
  props[PROP_CHASSIS]
      = g_param_spec_uint ("chassis", "chassis", "Number of the chassis that the slot is in", 0,
                           255, 0, SV_PARAM_RW_WIRING);
  props[PROP_SLOT] = g_param_spec_uint (
      "slot", "slot",
      "Number of the slot, by which the guest names it; 0: the chassis, or else the address", 0,
      MAX_SLOT_NUMBER, 0, SV_PARAM_RW_WIRING);
  props[PROP_HOTPLUG] = g_param_spec_boolean (
      "hotplug", "hotplug", "Whether devices may come and go while the guest runs", TRUE,
      SV_PARAM_RW_WIRING);
  props[PROP_PREF64_RESERVE] = g_param_spec_uint64 (
      "pref64-reserve", "pref64-reserve",
      "Memory above 4 GiB that firmware keeps free behind the port for what is plugged in later", 0,
      MAX_RESERVED, DEFAULT_RESERVED, SV_PARAM_RW_WIRING | SV_PARAM_SIZE);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_pcie_root_port_init (SvPcieRootPort *self)
{
  self->hotplug = TRUE;
  self->reserved = DEFAULT_RESERVED;
}

/**
 * sv_pcie_root_port_get_slot: (skip)
 * @self: a realized port
 *
 * Returns: (transfer none): its slot
 */
SvPcieSlot *
sv_pcie_root_port_get_slot (SvPcieRootPort *self)
{
  return &self->slot;
}
