/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-microvm.h"

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-acpi-ged.h"
#include "hw/core/sv-cpu.h"
#include "hw/core/sv-isa-bus.h"
#include "hw/misc/sv-cmos-rtc.h"
#include "hw/misc/sv-i8042.h"
#include "hw/virtio/sv-virtio-mmio-bank.h"
#include "hw/x86/sv-mptable.h"
#include "hw/x86/sv-x86-boot.h"
#include "hw/x86/sv-x86-layout.h"

#define IOAPIC_PINS 24
#define MAX_E820 8

struct _SvMicrovm
{
  SvMachine parent_instance;

  SvX86Boot *boot;
  SvIsaBus *isa;
  SvAcpiGed *ged;
  SvVirtioMmioBank *bank;
  SvVirtioMmio *transports[SV_MICROVM_MMIO_COUNT]; /* owned by the tree */
};

G_DEFINE_FINAL_TYPE (SvMicrovm, sv_microvm, SV_TYPE_MACHINE)

/* --- construction --- */

static void
map_ram (SvMachine *machine)
{
  SvMemoryRegion *root = sv_address_space_get_root (sv_machine_get_memory (machine));
  SvMemoryBackend *backend = sv_machine_get_ram (machine);
  guint64 size = sv_memory_backend_get_size (backend);
  guint64 low = MIN (size, SV_MICROVM_RAM_BELOW_4G);
  g_autoptr (SvMemoryRegion) ram = sv_memory_region_new_ram ("ram", backend);
  g_autoptr (SvMemoryRegion) below = sv_memory_region_new_alias ("ram-below-4g", ram, 0, low);

  sv_memory_region_add (root, 0, below, 0);
  if (size > low)
    {
      g_autoptr (SvMemoryRegion) above
          = sv_memory_region_new_alias ("ram-above-4g", ram, low, size - low);

      sv_memory_region_add (root, SV_X86_RAM_ABOVE_4G, above, 0);
    }
}

static void
map_transports (SvMicrovm *self)
{
  SvMemoryRegion *root = sv_address_space_get_root (sv_machine_get_memory (SV_MACHINE (self)));

  self->bank = sv_virtio_mmio_bank_new (SV_MICROVM_MMIO_COUNT);
  sv_memory_region_add (root, SV_MICROVM_MMIO_BASE, sv_virtio_mmio_bank_get_region (self->bank), 0);
}

static gboolean
add_isa_bus (SvMicrovm *self, GError **error)
{
  SvMachine *machine = SV_MACHINE (self);
  SvMemoryRegion *io = sv_address_space_get_root (sv_machine_get_io (machine));
  SvIrq *irqs[SV_ISA_N_IRQS];

  for (guint i = 0; i < SV_ISA_N_IRQS; i++)
    irqs[i] = sv_machine_get_irq (machine, i);
  self->isa = sv_isa_bus_new (io, irqs);
  return sv_object_add_child (SV_OBJECT (self), "isa.0", SV_OBJECT (self->isa), error);
}

/*
 * Ports that kernels probe and nothing answers here: PCI configuration, COM2 to COM4. Writes to them
 * stay in KVM.
 */
static void
add_absent_ports (SvMicrovm *self)
{
  static const struct
  {
    guint16 port;
    guint16 size;
  } absent[] = { { 0xcf8, 8 }, { 0x2f8, 8 }, { 0x3e8, 8 }, { 0x2e8, 8 } };

  for (guint i = 0; i < G_N_ELEMENTS (absent); i++)
    sv_isa_bus_map_absent (self->isa, absent[i].port, absent[i].size);
}

static gboolean
add_platform_devices (SvMicrovm *self, GError **error)
{
  SvMachine *machine = SV_MACHINE (self);
  guint64 size = sv_memory_backend_get_size (sv_machine_get_ram (machine));
  guint64 low = MIN (size, SV_MICROVM_RAM_BELOW_4G);
  g_autoptr (SvDevice) i8042 = g_object_new (SV_TYPE_I8042, NULL);
  /* Without an interrupt Linux does not look for alarms, which takes it 40 exits at each boot. */
  g_autoptr (SvDevice) rtc = g_object_new (SV_TYPE_CMOS_RTC, "irq", 0, NULL);

  add_absent_ports (self);
  sv_cmos_rtc_set_memory (SV_CMOS_RTC (rtc), low, size - low);
  self->ged = sv_acpi_ged_new (SV_MICROVM_GED_BASE, sv_machine_get_irq (machine, SV_MICROVM_GED_GSI));
  return sv_machine_adopt (machine, SV_DEVICE (self->ged), NULL, error)
         && sv_machine_adopt (machine, i8042, SV_BUS (self->isa), error)
         && sv_machine_adopt (machine, rtc, SV_BUS (self->isa), error);
}

static gboolean
build_parts (SvMicrovm *self, GError **error)
{
  SvMachine *machine = SV_MACHINE (self);

  return sv_machine_create_cpus (machine, error) && add_isa_bus (self, error)
         && add_platform_devices (self, error);
}

static gboolean
sv_microvm_build (SvMachine *machine, GError **error)
{
  SvMicrovm *self = SV_MICROVM (machine);
  gboolean built;

  if (sv_machine_get_kernel (machine) == NULL)
    {
      g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                           "Machine type 'microvm' boots a kernel directly: '-kernel FILE' is missing");
      return FALSE;
    }
  self->boot
      = sv_x86_boot_new (sv_machine_get_kernel (machine), sv_machine_get_initrd (machine), error);
  if (self->boot == NULL)
    return FALSE;
  /* A file may hold what an earlier guest left. */
  if (sv_memory_backend_get_fd (sv_machine_get_ram (machine)) < 0)
    sv_x86_boot_assume_zeroed (self->boot);

  /* Outside the transaction: KVM makes its interrupt controllers faster after the first slot. */
  map_ram (machine);
  map_transports (self);
  if (!sv_machine_open_accel (machine, error))
    return FALSE;
  sv_memory_transaction_begin ();
  built = build_parts (self, error);
  sv_memory_transaction_commit ();
  return built;
}

/* --- the guest's first instruction --- */

static guint
fill_e820 (SvMachine *machine, SvE820Entry e820[MAX_E820])
{
  guint64 size = sv_memory_backend_get_size (sv_machine_get_ram (machine));
  guint64 low = MIN (size, SV_MICROVM_RAM_BELOW_4G);
  guint n = 0;

  e820[n++] = (SvE820Entry){ 0, SV_X86_EBDA_START, 1 };
  e820[n++] = (SvE820Entry){ SV_X86_EBDA_START, 0xa0000 - SV_X86_EBDA_START, 2 };
  e820[n++] = (SvE820Entry){ SV_X86_ACPI_RSDP, SV_X86_HIGH_RAM - SV_X86_ACPI_RSDP, 2 };
  e820[n++] = (SvE820Entry){ SV_X86_HIGH_RAM, low - SV_X86_HIGH_RAM, 1 };
  if (size > low)
    e820[n++] = (SvE820Entry){ SV_X86_RAM_ABOVE_4G, size - low, 1 };
  return n;
}

/* Words for kernels that find no ACPI come first: what follows "--" in @append is init's. */
static char *
build_cmdline (SvMicrovm *self)
{
  const char *append = sv_machine_get_append (SV_MACHINE (self));
  GString *cmdline = g_string_new (NULL);

  for (guint i = 0; i < SV_MICROVM_MMIO_COUNT; i++)
    if (self->transports[i] != NULL)
      {
        g_autofree char *word = sv_virtio_mmio_dup_cmdline (self->transports[i]);

        g_string_append_printf (cmdline, "%s ", word);
      }
  g_string_append (cmdline, append != NULL ? append : "");
  return g_string_free (cmdline, FALSE);
}

static gboolean
write_acpi (SvMachine *machine, GError **error)
{
  const SvAcpiConfig config = {
    .n_cpus = sv_machine_get_n_cpus (machine),
    .lapic_base = SV_X86_LAPIC_BASE,
    .ioapic_base = SV_X86_IOAPIC_BASE,
    .ioapic_pins = IOAPIC_PINS,
    .reset_register = SV_MICROVM_GED_BASE + SV_ACPI_GED_RESET,
    .reset_value = SV_ACPI_GED_RESET_VALUE,
    .sleep_control = SV_MICROVM_GED_BASE + SV_ACPI_GED_SLEEP_CONTROL,
    .sleep_status = SV_MICROVM_GED_BASE + SV_ACPI_GED_SLEEP_STATUS,
    .has_8042 = FALSE,
    .has_cmos_rtc = TRUE,
  };
  g_autoptr (GByteArray) tables
      = sv_acpi_build_reduced (SV_OBJECT (machine), &config, SV_X86_ACPI_RSDP, error);

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
reset_cpu (SvDevice *device, gconstpointer entry, GError **error)
{
  return sv_vcpu_reset (sv_cpu_get_vcpu (SV_CPU (device)), entry, error);
}

static gboolean
sv_microvm_load (SvMachine *machine, GError **error)
{
  SvMicrovm *self = SV_MICROVM (machine);
  SvAddressSpace *memory = sv_machine_get_memory (machine);
  g_autofree char *cmdline = build_cmdline (self);
  SvE820Entry e820[MAX_E820];
  guint n_e820 = fill_e820 (machine, e820);
  SvX86Entry entry;

  if (!sv_x86_boot_load (self->boot, memory, cmdline, e820, n_e820, SV_X86_ACPI_RSDP, &entry, error)
      || !sv_mptable_write (memory, sv_machine_get_n_cpus (machine), error)
      || !write_acpi (machine, error))
    return FALSE;
  return sv_machine_foreach_cpu (machine, reset_cpu, &entry, error);
}

/* --- devices that come with -device --- */

static SvBus *
sv_microvm_find_bus (SvMachine *machine, SvDevice *device, GError **error)
{
  SvMicrovm *self = SV_MICROVM (machine);
  SvAddressSpace *memory = sv_machine_get_memory (machine);
  g_autoptr (SvVirtioMmio) transport = NULL;
  guint64 base;
  guint slot = 0;

  if (!g_type_is_a (SV_TYPE_VIRTIO_BUS, SV_DEVICE_GET_CLASS (device)->bus_type))
    return SV_MACHINE_CLASS (sv_microvm_parent_class)->find_bus (machine, device, error);
  while (slot < SV_MICROVM_MMIO_COUNT && self->transports[slot] != NULL)
    slot++;
  if (slot == SV_MICROVM_MMIO_COUNT)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Machine type 'microvm' takes at most %u virtio-mmio devices", SV_MICROVM_MMIO_COUNT);
      return NULL;
    }
  base = SV_MICROVM_MMIO_BASE + slot * SV_MICROVM_MMIO_SIZE;
  transport
      = sv_virtio_mmio_new (memory, slot, base, sv_machine_get_irq (machine, SV_MICROVM_MMIO_GSI + slot));
  if (!sv_machine_adopt (machine, SV_DEVICE (transport), NULL, error))
    return NULL;
  sv_virtio_mmio_bank_add (self->bank, transport);
  self->transports[slot] = transport;
  return sv_virtio_mmio_get_bus (transport);
}

static void
sv_microvm_bus_vacated (SvMachine *machine, SvBus *bus)
{
  SvMicrovm *self = SV_MICROVM (machine);

  for (guint slot = 0; slot < SV_MICROVM_MMIO_COUNT; slot++)
    {
      SvVirtioMmio *transport = self->transports[slot];

      if (transport == NULL || sv_virtio_mmio_get_bus (transport) != bus)
        continue;
      sv_virtio_mmio_bank_remove (self->bank, transport);
      self->transports[slot] = NULL;
      sv_device_unrealize (SV_DEVICE (transport));
      sv_object_unparent (SV_OBJECT (transport));
      break;
    }
}

static void
sv_microvm_powerdown (SvMachine *machine)
{
  sv_acpi_ged_power_button (SV_MICROVM (machine)->ged);
}

/* --- GObject --- */

static void
sv_microvm_finalize (GObject *object)
{
  SvMicrovm *self = SV_MICROVM (object);

  g_clear_object (&self->bank);
  g_clear_object (&self->boot);
  g_clear_object (&self->isa);
  g_clear_object (&self->ged);
  G_OBJECT_CLASS (sv_microvm_parent_class)->finalize (object);
}

static void
sv_microvm_class_init (SvMicrovmClass *klass)
{
  SvMachineClass *machine_class = SV_MACHINE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_microvm_finalize;
  machine_class->build = sv_microvm_build;
  machine_class->load = sv_microvm_load;
  machine_class->find_bus = sv_microvm_find_bus;
  machine_class->bus_vacated = sv_microvm_bus_vacated;
  machine_class->powerdown = sv_microvm_powerdown;
  machine_class->serial_driver = "isa-serial";
  machine_class->description = "lightweight machine: direct kernel boot, virtio-mmio, serial port, RTC";
}

static void
sv_microvm_init (SvMicrovm *self)
{
}
