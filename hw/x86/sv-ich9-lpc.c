/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-ich9-lpc.h"

#include "qom/sv-property.h"
#include <linux/pci_regs.h>

#include "hw/core/sv-machine.h"
#include "hw/x86/sv-ich9-pm.h"
#include "src/migration/sv-migratable.h"

/* Configuration space, Intel ICH9 datasheet §13.1 */
#define PM_BASE 0x40u
#define PM_BASE_MASK 0xff80u
#define ACPI_CONTROL 0x44u
#define ACPI_CONTROL_ENABLE 0x80u
#define PIRQ_A 0x60u
#define PIRQ_DISABLED 0x80u
#define RCBA 0xf0u

#define RESET_CPU 0x04u /* port 0xcf9 */

struct _SvIch9Lpc
{
  SvPciDevice parent_instance;

  SvPciHost *host;
  SvIsaBus *isa;
  SvIrq *sci;
  SvIrq *pins[SV_PCI_N_PINS];
  SvIch9Pm *pm;
  SvMemoryRegion *io;
  gboolean pm_mapped;
  guint16 pm_address;

  gboolean levels[SV_PCI_N_PINS];
  guint isa_levels; /* bit per ISA interrupt that a pin asserts */
};

enum
{
  PROP_0,
  PROP_DISABLE_S3,
  PROP_DISABLE_S4,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvIch9Lpc, sv_ich9_lpc, SV_TYPE_PCI_DEVICE, SV_MIGRATABLE_STATE (&migration))

/* --- pins --- */

/* A pin reaches the PICs as well when the guest routes it there. */
static void
update_isa (SvIch9Lpc *self)
{
  const guint8 *bytes = sv_pci_device_get_config (SV_PCI_DEVICE (self))->bytes;
  guint levels = 0;

  for (guint n = 0; n < SV_PCI_N_PINS; n++)
    if (self->levels[n] && (bytes[PIRQ_A + n] & PIRQ_DISABLED) == 0)
      levels |= 1u << (bytes[PIRQ_A + n] & 0xf);
  for (guint irq = 3; irq < SV_ISA_N_IRQS; irq++)
    if (((levels ^ self->isa_levels) & 1u << irq) != 0)
      sv_irq_set (sv_isa_bus_get_irq (self->isa, irq), (levels & 1u << irq) != 0);
  self->isa_levels = levels;
}

static void
set_pin (gpointer opaque, guint line, gboolean level)
{
  SvIch9Lpc *self = opaque;

  self->levels[line] = level;
  sv_irq_set (self->pins[line], level);
  update_isa (self);
}

/* --- SvPciDevice --- */

static void
control_written (gpointer opaque, guint8 value)
{
  SvMachine *machine = sv_device_get_machine (opaque);

  if ((value & RESET_CPU) != 0 && machine != NULL)
    sv_machine_request_reset (machine, SV_SHUTDOWN_CAUSE_GUEST_RESET);
}

static void
map_pm (SvIch9Lpc *self)
{
  const SvPciConfig *config = sv_pci_device_get_config (SV_PCI_DEVICE (self));
  guint16 address = sv_pci_config_get16 (config, PM_BASE) & PM_BASE_MASK;
  gboolean map = (config->bytes[ACPI_CONTROL] & ACPI_CONTROL_ENABLE) != 0 && address != 0;

  if (self->pm_mapped && (!map || address != self->pm_address))
    {
      sv_memory_region_remove (self->io, sv_ich9_pm_get_region (self->pm));
      self->pm_mapped = FALSE;
    }
  if (!map || self->pm_mapped)
    return;
  sv_memory_region_add (self->io, address, sv_ich9_pm_get_region (self->pm), 0);
  self->pm_mapped = TRUE;
  self->pm_address = address;
}

static gboolean
sv_ich9_lpc_setup (SvPciDevice *device, GError **error)
{
  SvIch9Lpc *self = SV_ICH9_LPC (device);
  SvPciConfig *config = sv_pci_device_get_config (device);
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (device));

  if (machine == NULL || self->host == NULL)
    {
      g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                           "ICH9-LPC: only a machine can make this device");
      return FALSE;
    }
  sv_pci_config_set16 (config, PCI_COMMAND,
                       PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
  sv_pci_config_set32 (config, PM_BASE, 1);
  sv_pci_config_allow (config, PM_BASE, PM_BASE_MASK, 4);
  sv_pci_config_allow (config, ACPI_CONTROL, ACPI_CONTROL_ENABLE | 7, 1);
  for (guint i = 0; i < 8; i++)
    {
      guint at = PIRQ_A + i % 4 + i / 4 * 8;

      sv_pci_config_set8 (config, at, PIRQ_DISABLED);
      sv_pci_config_allow (config, at, PIRQ_DISABLED | 0xf, 1);
    }
  sv_pci_config_allow (config, RCBA, 0xffffc001, 4);

  self->io = g_object_ref (sv_address_space_get_root (sv_machine_get_io (machine)));
  self->pm = sv_ich9_pm_new (machine, self->sci);
  sv_pci_host_set_control_func (self->host, control_written, self);
  return TRUE;
}

static void
sv_ich9_lpc_teardown (SvPciDevice *device)
{
  SvIch9Lpc *self = SV_ICH9_LPC (device);

  sv_pci_host_set_control_func (self->host, NULL, NULL);
  if (self->pm_mapped)
    sv_memory_region_remove (self->io, sv_ich9_pm_get_region (self->pm));
  self->pm_mapped = FALSE;
  g_clear_pointer (&self->pm, sv_ich9_pm_free);
  g_clear_object (&self->io);
}

static void
sv_ich9_lpc_reset (SvPciDevice *device)
{
  SvIch9Lpc *self = SV_ICH9_LPC (device);

  sv_ich9_pm_reset (self->pm);
  map_pm (self);
  update_isa (self);
}

static void
sv_ich9_lpc_config_written (SvPciDevice *device, guint offset, guint32 old_value, guint size)
{
  SvIch9Lpc *self = SV_ICH9_LPC (device);

  if (offset >= PM_BASE && offset <= ACPI_CONTROL)
    map_pm (self);
  if (offset >= PIRQ_A && offset < PIRQ_A + SV_PCI_N_PINS)
    update_isa (self);
}

/* --- state: levels of pins follow from the devices that drive them --- */

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  return g_variant_new ("(@" SV_ICH9_PM_STATE_TYPE ")", sv_ich9_pm_dup_state (SV_ICH9_LPC (migratable)->pm));
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  g_autoptr (GVariant) pm = g_variant_get_child_value (state, 0);

  return sv_ich9_pm_load_state (SV_ICH9_LPC (migratable)->pm, pm, error);
}

static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvIch9Lpc *self = SV_ICH9_LPC (migratable);

  map_pm (self);
  update_isa (self);
  sv_ich9_pm_loaded (self->pm);
  return TRUE;
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ "(" SV_ICH9_PM_STATE_TYPE ")", NULL }, /* power management */
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};

static void
sv_ich9_lpc_finalize (GObject *object)
{
  SvIch9Lpc *self = SV_ICH9_LPC (object);

  g_clear_object (&self->host);
  g_clear_object (&self->isa);
  g_clear_pointer (&self->sci, sv_irq_unref);
  for (guint i = 0; i < SV_PCI_N_PINS; i++)
    g_clear_pointer (&self->pins[i], sv_irq_unref);
  G_OBJECT_CLASS (sv_ich9_lpc_parent_class)->finalize (object);
}

/* There is no suspending. Management says that it wants none, which is fine. */
static void
sv_ich9_lpc_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_uint (value, 1);
}

static void
sv_ich9_lpc_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
}

static void
sv_ich9_lpc_class_init (SvIch9LpcClass *klass)
{
  SvPciDeviceClass *pci_class = SV_PCI_DEVICE_CLASS (klass);

  G_OBJECT_CLASS (klass)->get_property = sv_ich9_lpc_get_property;
  G_OBJECT_CLASS (klass)->set_property = sv_ich9_lpc_set_property;
  G_OBJECT_CLASS (klass)->finalize = sv_ich9_lpc_finalize;
  SV_DEVICE_CLASS (klass)->category = "bridge";
  SV_DEVICE_CLASS (klass)->description = "ICH9 LPC bridge";
  pci_class->vendor_id = 0x8086;
  pci_class->device_id = 0x2918;
  pci_class->subsystem_vendor_id = 0x1af4;
  pci_class->subsystem_id = 0x1100;
  pci_class->revision = 2;
  pci_class->class_code = 0x060100;
  pci_class->setup = sv_ich9_lpc_setup;
  pci_class->teardown = sv_ich9_lpc_teardown;
  pci_class->reset = sv_ich9_lpc_reset;
  pci_class->config_written = sv_ich9_lpc_config_written;

  /**
   * SvIch9Lpc:disable-s3:
   *
   * That the guest cannot suspend to memory: always.
   */
  props[PROP_DISABLE_S3] = g_param_spec_uint ("disable-s3", "disable_s3", "The guest cannot suspend to memory: always 1",
                                              1, 1, 1, SV_PARAM_RW_WIRING);

  /**
   * SvIch9Lpc:disable-s4:
   *
   * That the guest cannot suspend to disk with the firmware's help: always.
   */
  props[PROP_DISABLE_S4] = g_param_spec_uint ("disable-s4", "disable_s4", "The guest cannot suspend to disk: always 1", 1, 1,
                                              1, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (G_OBJECT_CLASS (klass), N_PROPS, props);
}

static void
sv_ich9_lpc_init (SvIch9Lpc *self)
{
}

/**
 * sv_ich9_lpc_new: (skip)
 * @host: whose port 0xcf9 is the reset control
 * @isa: the ISA bus
 * @sci: system control interrupt
 * @pins: (array fixed-size=4): lines of the IOAPIC for the root bus' pins
 *
 * Returns: (transfer full): the bridge, to be adopted by the machine
 */
SvIch9Lpc *
sv_ich9_lpc_new (SvPciHost *host, SvIsaBus *isa, SvIrq *sci, SvIrq *pins[SV_PCI_N_PINS])
{
  SvIch9Lpc *self = g_object_new (SV_TYPE_ICH9_LPC, "addr", "1f.0", NULL);

  self->host = g_object_ref (host);
  self->isa = g_object_ref (isa);
  self->sci = sv_irq_ref (sci);
  for (guint i = 0; i < SV_PCI_N_PINS; i++)
    self->pins[i] = sv_irq_ref (pins[i]);
  return self;
}

/**
 * sv_ich9_lpc_dup_pin: (skip)
 * @self: the bridge, which outlives the line
 * @n: 0 to 3
 *
 * Returns: (transfer full): what pin @n of the root bus drives
 */
SvIrq *
sv_ich9_lpc_dup_pin (SvIch9Lpc *self, guint n)
{
  return sv_irq_new (set_pin, NULL, self, n);
}

/**
 * sv_ich9_lpc_program: (skip)
 * @self: the bridge
 * @pm_base: first port of the power management registers
 *
 * Maps the registers, as firmware would.
 */
void
sv_ich9_lpc_program (SvIch9Lpc *self, guint16 pm_base)
{
  sv_pci_device_config_write (SV_PCI_DEVICE (self), PM_BASE, pm_base | 1, 4);
  sv_pci_device_config_write (SV_PCI_DEVICE (self), ACPI_CONTROL, ACPI_CONTROL_ENABLE, 1);
}

/**
 * sv_ich9_lpc_get_pm_base: (skip)
 * @self: the bridge
 *
 * Returns: first port of the power management registers; 0 while they are not mapped
 */
guint16
sv_ich9_lpc_get_pm_base (SvIch9Lpc *self)
{
  return self->pm_mapped ? self->pm_address : 0;
}
