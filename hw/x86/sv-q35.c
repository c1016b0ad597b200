/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-q35.h"

#include <cpuid.h>

#include "hw/char/sv-serial.h"
#include "hw/pci/sv-pci-assign.h"
#include "hw/x86/sv-ich9-lpc.h"
#include "hw/x86/sv-q35-firmware.h"
#include "hw/x86/sv-q35-mch.h"
#include "hw/x86/sv-x86-layout.h"
#include "qom/sv-property.h"
#include "src/block/sv-block-node.h"
#include "src/migration/sv-migratable.h"

#define RESET_PORT 0xcf9u
#define RESET_VALUE 0x06u
#define PREFETCH_ALIGNMENT (1ull << 30)
#define PREFETCH_MAX (512ull << 30)
/* Registers of the platform hide what a guest places over them. */
#define PCI_PRIORITY -1

struct _SvQ35
{
  SvX86Machine parent_instance;

  SvPciBus *root;
  SvPciHost *host;
  SvQ35Mch *mch;
  SvIch9Lpc *lpc;
  SvPciResources resources;
  guint last_bus; /* that the tables tell of */
  SvFwCfg *fw_cfg;
  SvObject *flash[SV_Q35_N_FLASH]; /* links */
  SvQ35Firmware *firmware;         /* NULL: a kernel is booted directly */
};

enum
{
  PROP_0,
  PROP_PFLASH0,
  PROP_PFLASH1,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (SvQ35, sv_q35, SV_TYPE_X86_MACHINE,
                               SV_MIGRATABLE_STATELESS ("its parts have their own state"))

/* --- construction --- */

static guint64
get_address_limit (void)
{
  guint eax = 36, ebx, ecx, edx;

  if (!__get_cpuid (0x80000008, &eax, &ebx, &ecx, &edx))
    eax = 36;
  return 1ull << CLAMP (eax & 0xff, 36, 52);
}

static void
choose_resources (SvQ35 *self)
{
  guint64 ram_end = sv_x86_machine_get_ram_end (SV_X86_MACHINE (self));
  guint64 base = (ram_end + PREFETCH_ALIGNMENT - 1) & ~(PREFETCH_ALIGNMENT - 1);
  guint64 limit = get_address_limit ();

  self->resources = (SvPciResources){
    .io_base = SV_Q35_PCI_IO_BASE,
    .io_size = 0x10000 - SV_Q35_PCI_IO_BASE,
    .memory_base = SV_Q35_PCI_MMIO_BASE,
    .memory_size = SV_Q35_PCI_MMIO_SIZE,
    .prefetch_base = base,
    .prefetch_size = base < limit ? MIN (limit - base, PREFETCH_MAX) : 0,
  };
}

static gboolean
add_root_bus (SvQ35 *self, GError **error)
{
  SvMachine *machine = SV_MACHINE (self);
  g_autoptr (SvMemoryRegion) memory = sv_memory_region_new_container ("pci-memory", G_MAXUINT64);
  g_autoptr (SvMemoryRegion) io = sv_memory_region_new_container ("pci-io", 0x10000);

  sv_memory_region_add (sv_address_space_get_root (sv_machine_get_memory (machine)), 0, memory,
                        PCI_PRIORITY);
  sv_memory_region_add (sv_address_space_get_root (sv_machine_get_io (machine)), 0, io,
                        PCI_PRIORITY);
  self->root = sv_pci_bus_new_root (memory, io, sv_machine_get_memory (machine),
                                    sv_machine_get_accel (machine));
  self->host = sv_pci_host_new (self->root, SV_Q35_ECAM_BUSES);
  return sv_object_add_child (SV_OBJECT (self), "pcie.0", SV_OBJECT (self->root), error);
}

static gboolean
add_chipset (SvQ35 *self, GError **error)
{
  SvMachine *machine = SV_MACHINE (self);
  const SvQ35Windows windows = {
    .memory_base = self->resources.memory_base,
    .memory_size = self->resources.memory_size,
    .prefetch_base = self->resources.prefetch_base,
    .prefetch_size = self->resources.prefetch_size,
    .io_base = (guint32)self->resources.io_base,
    .io_size = (guint32)self->resources.io_size,
    .first_gsi = SV_Q35_PCI_GSI,
  };
  SvIrq *pins[SV_PCI_N_PINS];

  for (guint i = 0; i < SV_PCI_N_PINS; i++)
    pins[i] = sv_machine_get_irq (machine, SV_Q35_PCI_GSI + i);
  self->mch = sv_q35_mch_new (self->host, &windows);
  self->lpc = sv_ich9_lpc_new (self->host, sv_x86_machine_get_isa (SV_X86_MACHINE (self)),
                               sv_machine_get_irq (machine, SV_Q35_SCI), pins);
  for (guint i = 0; i < SV_PCI_N_PINS; i++)
    pins[i] = sv_ich9_lpc_dup_pin (self->lpc, i);
  sv_pci_bus_set_irqs (self->root, pins);
  for (guint i = 0; i < SV_PCI_N_PINS; i++)
    sv_irq_unref (pins[i]);
  return sv_machine_adopt (machine, SV_DEVICE (self->mch), SV_BUS (self->root), error)
         && sv_machine_adopt (machine, SV_DEVICE (self->lpc), SV_BUS (self->root), error);
}

static gboolean
sv_q35_has_firmware (SvX86Machine *machine)
{
  SvQ35 *self = SV_Q35 (machine);

  return self->flash[0] != NULL || self->flash[1] != NULL;
}

static gboolean
add_firmware (SvQ35 *self, GError **error)
{
  SvX86Machine *machine = SV_X86_MACHINE (self);

  self->fw_cfg = sv_fw_cfg_new (sv_machine_get_memory (SV_MACHINE (self)));
  if (!sv_machine_adopt (SV_MACHINE (self), SV_DEVICE (self->fw_cfg),
                         SV_BUS (sv_x86_machine_get_isa (machine)), error))
    return FALSE;
  if (!sv_q35_has_firmware (machine))
    return TRUE;
  self->firmware = sv_q35_firmware_new (machine, self->fw_cfg, self->flash, error);
  return self->firmware != NULL;
}

static gboolean
sv_q35_build_devices (SvX86Machine *machine, GError **error)
{
  SvQ35 *self = SV_Q35 (machine);

  choose_resources (self);
  return add_root_bus (self, error) && add_chipset (self, error) && add_firmware (self, error);
}

/* --- the guest's first instruction --- */

static guint
sv_q35_fill_e820 (SvX86Machine *machine, SvE820Entry *e820, guint n)
{
  e820[n++]
      = (SvE820Entry){ SV_Q35_ECAM_BASE, (guint64)SV_Q35_ECAM_BUSES * SV_PCI_ECAM_BUS_SIZE, 2 };
  return n;
}

static void
sv_q35_program_chipset (SvX86Machine *machine)
{
  SvQ35 *self = SV_Q35 (machine);

  sv_q35_mch_program (self->mch, SV_Q35_ECAM_BASE);
  sv_ich9_lpc_program (self->lpc, SV_Q35_PM_BASE);
}

/* What firmware does before the tables, which tell of it. */
static gboolean
sv_q35_write_tables (SvX86Machine *machine, GError **error)
{
  SvQ35 *self = SV_Q35 (machine);

  /*
   * The tables tell of the buses that there are; more cannot come, as root ports stay. Linux looks for host bridges at each
   * slot of each bus that the tables tell of: 16,000 exits for 255.
   */
  if (!sv_pci_assign (self->root, &self->resources, &self->last_bus, error))
    return FALSE;
  sv_q35_mch_set_last_bus (self->mch, (guint8)self->last_bus);
  return TRUE;
}

/* The first serial port */
static gboolean
find_console (SvObject *object, gpointer user_data)
{
  SvAcpiConfig *config = user_data;
  guint port, irq;

  if (!SV_IS_SERIAL (object))
    return TRUE;
  g_object_get (object, "iobase", &port, "irq", &irq, NULL);
  config->console_port = (guint16)port;
  config->console_irq = (guint8)irq;
  return FALSE;
}

static gboolean
sv_q35_load_firmware (SvX86Machine *machine, GError **error)
{
  return sv_q35_firmware_load (SV_Q35 (machine)->firmware, error);
}

/* What the chipset is set to, by firmware or in its stead. */
static void
sv_q35_fill_acpi (SvX86Machine *machine, SvAcpiConfig *config)
{
  SvQ35 *self = SV_Q35 (machine);

  sv_object_walk (SV_OBJECT (machine), find_console, config);
  config->reset_register = RESET_PORT;
  config->reset_port = TRUE;
  config->reset_value = RESET_VALUE;
  config->pm_base = sv_ich9_lpc_get_pm_base (self->lpc);
  config->sci = SV_Q35_SCI;
  config->ecam_base = sv_q35_mch_get_ecam (self->mch);
  config->ecam_buses = self->last_bus + 1;
}

static gboolean
sv_q35_add_firmware_file (
    SvMachine *machine, const char *name, gconstpointer data, gsize size, GError **error)
{
  SvFwCfg *fw_cfg = SV_Q35 (machine)->fw_cfg;

  if (!sv_fw_cfg_has_file (fw_cfg, name))
    return sv_fw_cfg_set_file (fw_cfg, name, data, size, error);
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_EXISTS, "there is a file '%s' already", name);
  return FALSE;
}

/* --- devices that come with -device --- */

/* The root bus comes before those behind root ports. */
static SvBus *
sv_q35_find_bus (SvMachine *machine, SvDevice *device, GError **error)
{
  SvBus *root = SV_BUS (SV_Q35 (machine)->root);
  SvBus *other;

  if (!g_type_is_a (SV_TYPE_PCI_BUS, SV_DEVICE_GET_CLASS (device)->bus_type))
    return SV_MACHINE_CLASS (sv_q35_parent_class)->find_bus (machine, device, error);
  if (sv_bus_can_plug (root, device, NULL))
    return root;
  other = SV_MACHINE_CLASS (sv_q35_parent_class)->find_bus (machine, device, NULL);
  /* Where it fits nowhere the root bus says why. */
  return other != NULL ? other : root;
}

/* --- GObject --- */

static void
sv_q35_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id >= PROP_PFLASH0 && id <= PROP_PFLASH1)
    g_value_set_object (value, SV_Q35 (object)->flash[id - PROP_PFLASH0]);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_q35_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id >= PROP_PFLASH0 && id <= PROP_PFLASH1)
    sv_object_set_link (SV_OBJECT (object), pspec, &SV_Q35 (object)->flash[id - PROP_PFLASH0],
                        g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_q35_dispose (GObject *object)
{
  SvQ35 *self = SV_Q35 (object);

  for (guint i = 0; i < SV_Q35_N_FLASH; i++)
    sv_object_set_link (SV_OBJECT (self), props[PROP_PFLASH0 + i], &self->flash[i], NULL);
  G_OBJECT_CLASS (sv_q35_parent_class)->dispose (object);
}

static void
sv_q35_finalize (GObject *object)
{
  SvQ35 *self = SV_Q35 (object);

  g_clear_pointer (&self->firmware, sv_q35_firmware_free);
  g_clear_object (&self->fw_cfg);
  g_clear_object (&self->mch);
  g_clear_object (&self->lpc);
  g_clear_object (&self->host);
  g_clear_object (&self->root);
  G_OBJECT_CLASS (sv_q35_parent_class)->finalize (object);
}

static void
sv_q35_class_init (SvQ35Class *klass)
{
  SvMachineClass *machine_class = SV_MACHINE_CLASS (klass);
  SvX86MachineClass *x86_class = SV_X86_MACHINE_CLASS (klass);
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_q35_get_property;
  object_class->set_property = sv_q35_set_property;
  object_class->dispose = sv_q35_dispose;
  object_class->finalize = sv_q35_finalize;
  machine_class->find_bus = sv_q35_find_bus;
  machine_class->add_firmware_file = sv_q35_add_firmware_file;
  machine_class->description = "standard machine: PCI Express, native hotplug, MSI-X, ACPI";

  x86_class->ram_below_4g = SV_Q35_RAM_BELOW_4G;
  x86_class->ged_gsi = SV_Q35_GED_GSI;
  x86_class->rtc_irq = 8;
  x86_class->smbios = TRUE;
  x86_class->build_devices = sv_q35_build_devices;
  x86_class->fill_e820 = sv_q35_fill_e820;
  x86_class->program_chipset = sv_q35_program_chipset;
  x86_class->write_tables = sv_q35_write_tables;
  x86_class->fill_acpi = sv_q35_fill_acpi;
  x86_class->has_firmware = sv_q35_has_firmware;
  x86_class->load_firmware = sv_q35_load_firmware;

  /**
   * SvQ35:pflash0:
   *
   * Image of the flash chip that ends at 4 GiB: firmware, from which the guest starts then.
   */
  props[PROP_PFLASH0] = g_param_spec_object (
      "pflash0", "pflash0", "Flash image with firmware: id of a drive or node", SV_TYPE_BLOCK_NODE,
      SV_PARAM_RW_WIRING);
  /**
   * SvQ35:pflash1:
   *
   * Image of the flash chip below it: the firmware's variables.
   */
  props[PROP_PFLASH1] = g_param_spec_object (
      "pflash1", "pflash1", "Flash image with variables of firmware: id of a drive or node",
      SV_TYPE_BLOCK_NODE, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_q35_init (SvQ35 *self)
{
  self->last_bus = SV_Q35_ECAM_BUSES - 1;
}
