/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-q35-mch.h"

#include <linux/pci_regs.h>

#include "hw/acpi/sv-acpi-build.h"
#include "hw/core/sv-machine.h"
#include "hw/pci/sv-pci-acpi.h"
#include "hw/pci/sv-pci-span.h"
#include "src/migration/sv-migratable.h"

/* Intel 3 Series datasheet §5.1.16: base, length, enable */
#define PCIEXBAR 0x60u
#define PCIEXBAR_ENABLE 1u
#define PCIEXBAR_ADDRESS_MASK 0xff0000000ull
#define ECAM_PRIORITY 2 /* above what base address registers show */

struct _SvQ35Mch
{
  SvPciDevice parent_instance;

  SvPciHost *host;
  SvQ35Windows windows;
  SvMemoryRegion *memory;
  SvMemoryRegion *io;
  guint8 last_bus;
  gboolean mapped;
  guint64 address;
};

static void sv_q35_mch_acpi_init (SvAcpiDescribedInterface *iface);
static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvQ35Mch,
                               sv_q35_mch,
                               SV_TYPE_PCI_DEVICE,
                               G_IMPLEMENT_INTERFACE (SV_TYPE_ACPI_DESCRIBED, sv_q35_mch_acpi_init)
                               SV_MIGRATABLE_STATE (&migration))

static void
map_ecam (SvQ35Mch *self)
{
  const SvPciConfig *config = sv_pci_device_get_config (SV_PCI_DEVICE (self));
  guint32 low = sv_pci_config_get32 (config, PCIEXBAR);
  guint64 address
      = (low | (guint64)sv_pci_config_get32 (config, PCIEXBAR + 4) << 32) & PCIEXBAR_ADDRESS_MASK;
  gboolean map = (low & PCIEXBAR_ENABLE) != 0;

  if (self->mapped && (!map || address != self->address))
    {
      sv_memory_region_remove (self->memory, sv_pci_host_get_ecam (self->host));
      self->mapped = FALSE;
    }
  if (!map || self->mapped)
    return;
  sv_memory_region_add (self->memory, address, sv_pci_host_get_ecam (self->host), ECAM_PRIORITY);
  self->mapped = TRUE;
  self->address = address;
}

static gboolean
sv_q35_mch_setup (SvPciDevice *device, GError **error)
{
  SvQ35Mch *self = SV_Q35_MCH (device);
  SvPciConfig *config = sv_pci_device_get_config (device);
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (device));

  if (machine == NULL || self->host == NULL)
    {
      g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                           "mch: only a machine can make this device");
      return FALSE;
    }
  sv_pci_config_allow (config, PCIEXBAR, 0xf0000001, 4);
  sv_pci_config_allow (config, PCIEXBAR + 4, 0xf, 4);
  self->memory = g_object_ref (sv_pci_bus_get_memory (sv_pci_device_get_bus (device)));
  self->io = g_object_ref (sv_address_space_get_root (sv_machine_get_io (machine)));
  sv_pci_host_map_ports (self->host, self->io);
  return TRUE;
}

static void
sv_q35_mch_teardown (SvPciDevice *device)
{
  SvQ35Mch *self = SV_Q35_MCH (device);

  sv_pci_host_unmap_ports (self->host, self->io);
  if (self->mapped)
    sv_memory_region_remove (self->memory, sv_pci_host_get_ecam (self->host));
  self->mapped = FALSE;
  g_clear_object (&self->memory);
  g_clear_object (&self->io);
}

static void
sv_q35_mch_reset (SvPciDevice *device)
{
  sv_pci_host_reset (SV_Q35_MCH (device)->host);
  map_ecam (SV_Q35_MCH (device));
}

static void
sv_q35_mch_config_written (SvPciDevice *device, guint offset, guint32 old_value, guint size)
{
  if (offset + size > PCIEXBAR && offset < PCIEXBAR + 8)
    map_ecam (SV_Q35_MCH (device));
}

/* Firmware chooses where 64-bit memory is: the window is what it gave away, unless that is within ours. */
static void
widen (SvQ35Mch *self, SvPciAcpiHost *host)
{
  guint64 start, end;

  if (!sv_pci_get_high_span (sv_pci_device_get_bus (SV_PCI_DEVICE (self)), &start, &end)
      || (start >= host->prefetch_base && end - host->prefetch_base <= host->prefetch_size))
    return;
  host->prefetch_base = start;
  host->prefetch_size = end - start;
}

static void
sv_q35_mch_build_aml (SvAcpiDescribed *described, GByteArray *scope)
{
  SvQ35Mch *self = SV_Q35_MCH (described);
  SvPciAcpiHost host = {
    .last_bus = self->last_bus,
    .io_base = self->windows.io_base,
    .io_size = self->windows.io_size,
    .memory_base = self->windows.memory_base,
    .memory_size = self->windows.memory_size,
    .prefetch_base = self->windows.prefetch_base,
    .prefetch_size = self->windows.prefetch_size,
    .first_gsi = self->windows.first_gsi,
    .ecam_base = self->mapped ? self->address : 0,
    .ecam_size = sv_memory_region_get_size (sv_pci_host_get_ecam (self->host)),
  };

  widen (self, &host);
  sv_pci_acpi_append_host (scope, &host);
}

static void
sv_q35_mch_acpi_init (SvAcpiDescribedInterface *iface)
{
  iface->build_aml = sv_q35_mch_build_aml;
}

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  guint32 address;
  guint8 control;

  sv_pci_host_get_ports (SV_Q35_MCH (migratable)->host, &address, &control);
  return g_variant_new ("(uy)", address, control);
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  guint32 address;
  guint8 control;

  g_variant_get (state, "(uy)", &address, &control);
  return sv_pci_host_set_ports (SV_Q35_MCH (migratable)->host, address, control, error);
}

static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  map_ecam (SV_Q35_MCH (migratable));
  return TRUE;
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ "(uy)", NULL }, /* configuration address, reset control */
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};

static void
sv_q35_mch_finalize (GObject *object)
{
  g_clear_object (&SV_Q35_MCH (object)->host);
  G_OBJECT_CLASS (sv_q35_mch_parent_class)->finalize (object);
}

static void
sv_q35_mch_class_init (SvQ35MchClass *klass)
{
  SvPciDeviceClass *pci_class = SV_PCI_DEVICE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_q35_mch_finalize;
  SV_DEVICE_CLASS (klass)->category = "bridge";
  SV_DEVICE_CLASS (klass)->description = "Q35 host bridge";
  pci_class->vendor_id = 0x8086;
  pci_class->device_id = 0x29c0;
  pci_class->subsystem_vendor_id = 0x1af4;
  pci_class->subsystem_id = 0x1100;
  pci_class->class_code = 0x060000;
  pci_class->setup = sv_q35_mch_setup;
  pci_class->teardown = sv_q35_mch_teardown;
  pci_class->reset = sv_q35_mch_reset;
  pci_class->config_written = sv_q35_mch_config_written;
}

static void
sv_q35_mch_init (SvQ35Mch *self)
{
}

/**
 * sv_q35_mch_new: (skip)
 * @host: ways to configuration space
 * @windows: what the root bus passes on
 *
 * Returns: (transfer full): the host bridge, to be adopted by the machine
 */
SvQ35Mch *
sv_q35_mch_new (SvPciHost *host, const SvQ35Windows *windows)
{
  SvQ35Mch *self = g_object_new (SV_TYPE_Q35_MCH, "addr", "0.0", NULL);

  self->host = g_object_ref (host);
  self->windows = *windows;
  self->last_bus = (guint8)(sv_memory_region_get_size (sv_pci_host_get_ecam (host)) / SV_PCI_ECAM_BUS_SIZE - 1);
  return self;
}

/**
 * sv_q35_mch_program: (skip)
 * @self: the host bridge
 * @ecam: where configuration space is to be in memory; a multiple of 256 MiB
 */
void
sv_q35_mch_program (SvQ35Mch *self, guint64 ecam)
{
  sv_pci_device_config_write (SV_PCI_DEVICE (self), PCIEXBAR + 4, (guint32)(ecam >> 32), 4);
  sv_pci_device_config_write (SV_PCI_DEVICE (self), PCIEXBAR, (guint32)ecam | PCIEXBAR_ENABLE, 4);
}

/**
 * sv_q35_mch_set_last_bus: (skip)
 * @self: the host bridge
 * @last_bus: the highest bus number that there can be
 *
 * Limits what the root bus' description says of bus numbers.
 */
void
sv_q35_mch_set_last_bus (SvQ35Mch *self, guint8 last_bus)
{
  self->last_bus = last_bus;
}

/**
 * sv_q35_mch_get_ecam: (skip)
 * @self: the host bridge
 *
 * Returns: where configuration space is in memory; 0 while it is not
 */
guint64
sv_q35_mch_get_ecam (SvQ35Mch *self)
{
  return self->mapped ? self->address : 0;
}
