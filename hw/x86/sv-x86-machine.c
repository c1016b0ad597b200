/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-x86-machine.h"

#include "hw/x86/sv-x86-cpus.h"
#include "hw/misc/sv-cmos-rtc.h"
#include "hw/misc/sv-i8042.h"
#include "hw/smbios/sv-smbios.h"
#include "hw/x86/sv-x86-layout.h"
#include "qom/sv-type-registry.h"

#define MSI_TO_ALL 0xfeeff000u
#define MSI_NMI 0x400u
#define IOAPIC_PINS 24
#define SMBIOS_ANCHOR_ROOM 32

typedef struct
{
  SvX86Boot *boot;
  SvIsaBus *isa;
  SvAcpiGed *ged;
  SvX86Cpus *cpus;
} SvX86MachinePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SvX86Machine, sv_x86_machine, SV_TYPE_MACHINE)

#define PRIV(self) ((SvX86MachinePrivate *)sv_x86_machine_get_instance_private (self))

/* --- construction --- */

static guint64
ram_low (SvMachine *machine)
{
  return MIN (sv_machine_get_ram_size (machine), SV_X86_MACHINE_GET_CLASS (machine)->ram_below_4g);
}

static void
map_ram (SvMachine *machine)
{
  SvMemoryRegion *root = sv_address_space_get_root (sv_machine_get_memory (machine));
  guint64 size = sv_machine_get_ram_size (machine);
  guint64 low = ram_low (machine);
  g_autoptr (SvMemoryRegion) ram = sv_machine_new_ram_region (machine);
  g_autoptr (SvMemoryRegion) below = sv_memory_region_new_alias ("ram-below-4g", ram, 0, low);

  sv_memory_region_add (root, 0, below, 0);
  if (size > low)
    {
      g_autoptr (SvMemoryRegion) above
          = sv_memory_region_new_alias ("ram-above-4g", ram, low, size - low);

      sv_memory_region_add (root, SV_X86_RAM_ABOVE_4G, above, 0);
    }
}

static gboolean
add_isa_bus (SvX86Machine *self, GError **error)
{
  SvMachine *machine = SV_MACHINE (self);
  SvMemoryRegion *io = sv_address_space_get_root (sv_machine_get_io (machine));
  SvIrq *irqs[SV_ISA_N_IRQS];

  for (guint i = 0; i < SV_ISA_N_IRQS; i++)
    irqs[i] = sv_machine_get_irq (machine, i);
  PRIV (self)->isa = sv_isa_bus_new (io, irqs);
  return sv_object_add_child (SV_OBJECT (self), "isa.0", SV_OBJECT (PRIV (self)->isa), error);
}

/* Ports that kernels probe and nothing answers: COM2 to COM4. Writes to them stay in KVM. */
static void
add_absent_ports (SvX86Machine *self)
{
  static const guint16 absent[] = { 0x2f8, 0x3e8, 0x2e8 };

  for (guint i = 0; i < G_N_ELEMENTS (absent); i++)
    sv_isa_bus_map_absent (PRIV (self)->isa, absent[i], 8);
}

static gboolean
add_platform_devices (SvX86Machine *self, GError **error)
{
  SvX86MachineClass *klass = SV_X86_MACHINE_GET_CLASS (self);
  SvX86MachinePrivate *priv = PRIV (self);
  SvMachine *machine = SV_MACHINE (self);
  guint64 low = ram_low (machine);
  g_autoptr (SvDevice) i8042 = g_object_new (SV_TYPE_I8042, NULL);
  g_autoptr (SvDevice) rtc = g_object_new (SV_TYPE_CMOS_RTC, "irq", klass->rtc_irq, NULL);

  g_object_bind_property (machine, "rtc-base", rtc, "base", G_BINDING_SYNC_CREATE);
  g_object_bind_property (machine, "rtc-clock", rtc, "clock", G_BINDING_SYNC_CREATE);

  add_absent_ports (self);
  sv_cmos_rtc_set_memory (SV_CMOS_RTC (rtc), low, sv_machine_get_ram_size (machine) - low);
  priv->ged = sv_acpi_ged_new (SV_X86_GED_BASE, sv_machine_get_irq (machine, klass->ged_gsi));
  return sv_machine_adopt (machine, SV_DEVICE (priv->ged), NULL, error)
         && sv_machine_adopt (machine, i8042, SV_BUS (priv->isa), error)
         && sv_machine_adopt (machine, rtc, SV_BUS (priv->isa), error);
}

static gboolean
build_parts (SvX86Machine *self, GError **error)
{
  SvX86MachineClass *klass = SV_X86_MACHINE_GET_CLASS (self);

  return sv_machine_create_cpus (SV_MACHINE (self), error) && add_isa_bus (self, error)
         && add_platform_devices (self, error)
         && sv_x86_cpus_add_controller (PRIV (self)->cpus, PRIV (self)->ged, error)
         && (klass->build_devices == NULL || klass->build_devices (self, error));
}

static gboolean
open_boot_files (SvX86Machine *self, GError **error)
{
  SvMachine *machine = SV_MACHINE (self);
  SvX86MachinePrivate *priv = PRIV (self);

  priv->boot
      = sv_x86_boot_new (SV_OBJECT (machine), sv_machine_get_kernel (machine),
                         sv_machine_get_initrd (machine), error);
  if (priv->boot == NULL)
    return FALSE;
  /* A file may hold what an earlier guest left. */
  if (sv_machine_is_ram_fresh (machine))
    sv_x86_boot_assume_zeroed (priv->boot);
  return TRUE;
}

static gboolean
has_firmware (SvX86Machine *self)
{
  SvX86MachineClass *klass = SV_X86_MACHINE_GET_CLASS (self);

  return klass->has_firmware != NULL && klass->has_firmware (self);
}

static gboolean
refuse_to_start (SvX86Machine *self, GError **error)
{
  g_autofree char *name = g_strdup (sv_type_registry_get_display_name (G_OBJECT_TYPE (self)));

  if (g_str_has_suffix (name, "-machine"))
    name[strlen (name) - strlen ("-machine")] = '\0';
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
               "Machine type '%s' boots a kernel directly: '-kernel FILE' is missing%s", name,
               SV_X86_MACHINE_GET_CLASS (self)->has_firmware != NULL
                   ? ", or firmware: '-drive if=pflash,...'"
                   : "");
  return FALSE;
}

static gboolean
sv_x86_machine_build (SvMachine *machine, GError **error)
{
  SvX86Machine *self = SV_X86_MACHINE (machine);
  SvX86MachineClass *klass = SV_X86_MACHINE_GET_CLASS (self);
  gboolean direct = !has_firmware (self);
  gboolean built;

  if (direct && sv_machine_get_kernel (machine) == NULL && sv_machine_runs_code (machine))
    return refuse_to_start (self, error);
  PRIV (self)->cpus = sv_x86_cpus_new (machine, error);
  if (PRIV (self)->cpus == NULL)
    return FALSE;
  if (direct && sv_machine_get_kernel (machine) != NULL && !open_boot_files (self, error))
    return FALSE;

  /* Outside the transaction: KVM makes its interrupt controllers faster after the first slot. */
  map_ram (machine);
  if (klass->map_early != NULL)
    klass->map_early (self);
  if (!sv_machine_open_accel (machine, error))
    return FALSE;
  sv_memory_transaction_begin ();
  built = build_parts (self, error);
  sv_memory_transaction_commit ();
  return built;
}

/* --- the guest's first instruction --- */

static guint
fill_e820 (SvX86Machine *self, SvE820Entry e820[SV_X86_MAX_E820])
{
  SvX86MachineClass *klass = SV_X86_MACHINE_GET_CLASS (self);
  guint64 size = sv_machine_get_ram_size (SV_MACHINE (self));
  guint64 low = ram_low (SV_MACHINE (self));
  guint n = 0;

  e820[n++] = (SvE820Entry){ 0, SV_X86_EBDA_START, 1 };
  e820[n++] = (SvE820Entry){ SV_X86_EBDA_START, 0xa0000 - SV_X86_EBDA_START, 2 };
  e820[n++] = (SvE820Entry){ SV_X86_ACPI_RSDP, SV_X86_HIGH_RAM - SV_X86_ACPI_RSDP, 2 };
  e820[n++] = (SvE820Entry){ SV_X86_HIGH_RAM, low - SV_X86_HIGH_RAM, 1 };
  if (klass->fill_e820 != NULL)
    n = klass->fill_e820 (self, e820, n);
  if (size > low)
    e820[n++] = (SvE820Entry){ SV_X86_RAM_ABOVE_4G, size - low, 1 };
  return n;
}

/**
 * sv_x86_machine_build_acpi: (skip)
 * @self: a machine with all its devices
 * @base: address at which the tables will lie
 * @error: return location
 *
 * Returns: (transfer full): the ACPI tables, RSDP first; %NULL with @error set
 */
GByteArray *
sv_x86_machine_build_acpi (SvX86Machine *self, guint64 base, GError **error)
{
  SvMachine *machine = SV_MACHINE (self);
  SvAcpiConfig config = {
    .lapic_base = SV_X86_LAPIC_BASE,
    .ioapic_base = SV_X86_IOAPIC_BASE,
    .ioapic_pins = IOAPIC_PINS,
    .ram_below_4g = ram_low (machine),
    .numa = sv_machine_get_numa (machine),
    .has_8042 = FALSE,
    .has_cmos_rtc = TRUE,
  };

  config.cpus = sv_x86_cpus_describe (PRIV (self)->cpus, &config.n_cpus);
  SV_X86_MACHINE_GET_CLASS (self)->fill_acpi (self, &config);
  return sv_acpi_build (SV_OBJECT (machine), &config, base, error);
}

static gboolean
write_acpi (SvX86Machine *self, GError **error)
{
  SvMachine *machine = SV_MACHINE (self);
  g_autoptr (GByteArray) tables = sv_x86_machine_build_acpi (self, SV_X86_ACPI_RSDP, error);

  if (tables == NULL)
    return FALSE;
  if (tables->len > SV_X86_ACPI_END - SV_X86_ACPI_RSDP
      || !sv_address_space_write (sv_machine_get_memory (machine), SV_X86_ACPI_RSDP, tables->data,
                                  tables->len))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "ACPI tables of %u bytes do not fit below 1 MiB", tables->len);
      return FALSE;
    }
  return TRUE;
}

static gboolean
write_smbios (SvX86Machine *self, GError **error)
{
  SvAddressSpace *memory = sv_machine_get_memory (SV_MACHINE (self));
  g_autoptr (GByteArray) anchor = NULL;
  g_autoptr (GByteArray) tables = NULL;

  if (!SV_X86_MACHINE_GET_CLASS (self)->smbios && !sv_smbios_is_wanted (SV_MACHINE (self)))
    return TRUE;
  if (!sv_x86_machine_build_smbios (self, SV_X86_SMBIOS + SMBIOS_ANCHOR_ROOM, &anchor, &tables, error))
    return FALSE;
  if (tables->len > SV_X86_SMBIOS_END - SV_X86_SMBIOS - SMBIOS_ANCHOR_ROOM
      || !sv_address_space_write (memory, SV_X86_SMBIOS, anchor->data, anchor->len)
      || !sv_address_space_write (memory, SV_X86_SMBIOS + SMBIOS_ANCHOR_ROOM, tables->data, tables->len))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "SMBIOS structures of %u bytes do not fit below 1 MiB: -smbios can have less text", tables->len);
      return FALSE;
    }
  return TRUE;
}

/* Puts a kernel and all it needs into memory. */
static gboolean
load_kernel (SvX86Machine *self, SvX86Entry *entry, GError **error)
{
  SvMachine *machine = SV_MACHINE (self);
  SvX86MachineClass *klass = SV_X86_MACHINE_GET_CLASS (self);
  const char *append = sv_machine_get_append (machine);
  g_autofree char *cmdline = klass->dup_cmdline != NULL ? klass->dup_cmdline (self)
                                                        : g_strdup (append != NULL ? append : "");
  SvE820Entry e820[SV_X86_MAX_E820];
  guint n_e820 = fill_e820 (self, e820);

  return sv_x86_boot_load (PRIV (self)->boot, sv_machine_get_memory (machine), cmdline, e820,
                           n_e820, SV_X86_ACPI_RSDP, entry, error)
         && (klass->write_tables == NULL || klass->write_tables (self, error))
         && write_acpi (self, error) && write_smbios (self, error);
}

static gboolean
sv_x86_machine_load (SvMachine *machine, GError **error)
{
  SvX86Machine *self = SV_X86_MACHINE (machine);
  SvX86MachineClass *klass = SV_X86_MACHINE_GET_CLASS (self);
  SvX86Entry entry = { .mode = SV_X86_ENTRY_RESET };

  if (has_firmware (self))
    return klass->load_firmware (self, error)
           && sv_x86_cpus_reset (PRIV (self)->cpus, &entry, error);
  if (klass->program_chipset != NULL)
    klass->program_chipset (self);
  /* A test plays the firmware, too. */
  if (PRIV (self)->boot == NULL)
    return sv_x86_cpus_reset (PRIV (self)->cpus, NULL, error);
  if (!load_kernel (self, &entry, error))
    return FALSE;
  return sv_x86_cpus_reset (PRIV (self)->cpus, &entry, error);
}

static void
sv_x86_machine_powerdown (SvMachine *machine)
{
  sv_acpi_ged_power_button (PRIV (SV_X86_MACHINE (machine))->ged);
}

/* A message to all local APICs (Intel SDM volume 3, 11.11): delivery mode NMI */
static void
sv_x86_machine_inject_nmi (SvMachine *machine)
{
  sv_accel_send_msi (sv_machine_get_accel (machine), MSI_TO_ALL, MSI_NMI);
}

/* --- processors that come and go --- */

static gboolean
sv_x86_machine_device_plugged (SvMachine *machine, SvDevice *device, GError **error)
{
  return !SV_IS_CPU (device)
         || sv_x86_cpus_plugged (PRIV (SV_X86_MACHINE (machine))->cpus, SV_CPU (device), error);
}

static gboolean
sv_x86_machine_unplug_request (SvMachine *machine, SvDevice *device, GError **error)
{
  if (SV_IS_CPU (device))
    return sv_x86_cpus_unplug_request (PRIV (SV_X86_MACHINE (machine))->cpus, SV_CPU (device), error);
  return sv_machine_refuse_unplug (device, error);
}

/* --- GObject --- */

static void
sv_x86_machine_finalize (GObject *object)
{
  SvX86MachinePrivate *priv = PRIV (SV_X86_MACHINE (object));

  g_clear_object (&priv->boot);
  g_clear_object (&priv->isa);
  g_clear_object (&priv->ged);
  g_clear_pointer (&priv->cpus, sv_x86_cpus_free);
  G_OBJECT_CLASS (sv_x86_machine_parent_class)->finalize (object);
}

static void
sv_x86_machine_class_init (SvX86MachineClass *klass)
{
  SvMachineClass *machine_class = SV_MACHINE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_x86_machine_finalize;
  machine_class->build = sv_x86_machine_build;
  machine_class->load = sv_x86_machine_load;
  machine_class->device_plugged = sv_x86_machine_device_plugged;
  machine_class->unplug_request = sv_x86_machine_unplug_request;
  machine_class->powerdown = sv_x86_machine_powerdown;
  machine_class->inject_nmi = sv_x86_machine_inject_nmi;
  machine_class->hotpluggable_cpus = TRUE;
  machine_class->serial_driver = "isa-serial";
}

static void
sv_x86_machine_init (SvX86Machine *self)
{
}

/**
 * sv_x86_machine_get_isa: (skip)
 * @self: a machine that is built
 *
 * Returns: (transfer none): its ISA bus
 */
SvIsaBus *
sv_x86_machine_get_isa (SvX86Machine *self)
{
  return PRIV (self)->isa;
}

/**
 * sv_x86_machine_get_ged: (skip)
 * @self: a machine that is built
 *
 * Returns: (transfer none): its generic event device
 */
SvAcpiGed *
sv_x86_machine_get_ged (SvX86Machine *self)
{
  return PRIV (self)->ged;
}

/**
 * sv_x86_machine_build_smbios: (skip)
 * @self: a complete machine
 * @address: where the structures will lie; 0: the firmware places them
 * @anchor: (out) (transfer full): entry point
 * @tables: (out) (transfer full): structures
 * @error: return location
 *
 * Builds SMBIOS structures of what the user said and what the machine has.
 *
 * Returns: %FALSE when the user gave a value that is none
 */
gboolean
sv_x86_machine_build_smbios (SvX86Machine *self,
                             guint64 address,
                             GByteArray **anchor,
                             GByteArray **tables,
                             GError **error)
{
  const guint64 size = sv_machine_get_ram_size (SV_MACHINE (self));
  const guint64 low = ram_low (SV_MACHINE (self));
  const SvSmbiosRange ram[] = { { 0, low }, { SV_X86_RAM_ABOVE_4G, size - low } };
  const SvSmbiosConfig config = { address, ram, size > low ? 2 : 1 };

  return sv_smbios_build (SV_MACHINE (self), &config, anchor, tables, error);
}

/**
 * sv_x86_machine_get_ram_low: (skip)
 * @self: a machine with its RAM
 *
 * Returns: bytes of RAM below 4 GiB, from address 0 on
 */
guint64
sv_x86_machine_get_ram_low (SvX86Machine *self)
{
  return ram_low (SV_MACHINE (self));
}

/**
 * sv_x86_machine_get_ram_end: (skip)
 * @self: a machine with its RAM
 *
 * Returns: the first address above all RAM, at least 4 GiB
 */
guint64
sv_x86_machine_get_ram_end (SvX86Machine *self)
{
  return SV_X86_RAM_ABOVE_4G + sv_machine_get_ram_size (SV_MACHINE (self)) - ram_low (SV_MACHINE (self));
}
