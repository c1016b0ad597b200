/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-microvm.h"

#include "hw/virtio/sv-virtio-mmio-bank.h"
#include "hw/x86/sv-mptable.h"
#include "hw/x86/sv-x86-layout.h"

struct _SvMicrovm
{
  SvX86Machine parent_instance;

  SvVirtioMmioBank *bank;
  SvVirtioMmio *transports[SV_MICROVM_MMIO_COUNT]; /* owned by the tree */
};

G_DEFINE_FINAL_TYPE (SvMicrovm, sv_microvm, SV_TYPE_X86_MACHINE)

/* --- SvX86Machine --- */

static void
sv_microvm_map_early (SvX86Machine *machine)
{
  SvMicrovm *self = SV_MICROVM (machine);
  SvMemoryRegion *root = sv_address_space_get_root (sv_machine_get_memory (SV_MACHINE (self)));

  self->bank = sv_virtio_mmio_bank_new (SV_MICROVM_MMIO_COUNT);
  sv_memory_region_add (root, SV_MICROVM_MMIO_BASE, sv_virtio_mmio_bank_get_region (self->bank), 0);
}

/* Ports that kernels probe and nothing answers here: PCI configuration. */
static gboolean
sv_microvm_build_devices (SvX86Machine *machine, GError **error)
{
  sv_isa_bus_map_absent (sv_x86_machine_get_isa (machine), 0xcf8, 8);
  return TRUE;
}

/* Words for kernels that find no ACPI come first: what follows "--" in @append is init's. */
static char *
sv_microvm_dup_cmdline (SvX86Machine *machine)
{
  SvMicrovm *self = SV_MICROVM (machine);
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

static void
sv_microvm_fill_acpi (SvX86Machine *machine, SvAcpiConfig *config)
{
  config->reset_register = SV_X86_GED_BASE + SV_ACPI_GED_RESET;
  config->reset_value = SV_ACPI_GED_RESET_VALUE;
  config->sleep_control = SV_X86_GED_BASE + SV_ACPI_GED_SLEEP_CONTROL;
  config->sleep_status = SV_X86_GED_BASE + SV_ACPI_GED_SLEEP_STATUS;
}

static gboolean
sv_microvm_write_tables (SvX86Machine *machine, GError **error)
{
  return sv_mptable_write (sv_machine_get_memory (SV_MACHINE (machine)),
                           sv_machine_get_n_cpus (SV_MACHINE (machine)), error);
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

/* --- GObject --- */

static void
sv_microvm_finalize (GObject *object)
{
  g_clear_object (&SV_MICROVM (object)->bank);
  G_OBJECT_CLASS (sv_microvm_parent_class)->finalize (object);
}

static void
sv_microvm_class_init (SvMicrovmClass *klass)
{
  SvMachineClass *machine_class = SV_MACHINE_CLASS (klass);
  SvX86MachineClass *x86_class = SV_X86_MACHINE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_microvm_finalize;
  machine_class->find_bus = sv_microvm_find_bus;
  machine_class->bus_vacated = sv_microvm_bus_vacated;
  machine_class->description = "lightweight machine: direct kernel boot, virtio-mmio, serial port, RTC";

  x86_class->ram_below_4g = SV_MICROVM_RAM_BELOW_4G;
  x86_class->ged_gsi = SV_MICROVM_GED_GSI;
  /* Without an interrupt Linux does not look for alarms, which takes it 40 exits at each boot. */
  x86_class->rtc_irq = 0;
  x86_class->map_early = sv_microvm_map_early;
  x86_class->build_devices = sv_microvm_build_devices;
  x86_class->dup_cmdline = sv_microvm_dup_cmdline;
  x86_class->fill_acpi = sv_microvm_fill_acpi;
  x86_class->write_tables = sv_microvm_write_tables;
}

static void
sv_microvm_init (SvMicrovm *self)
{
}
