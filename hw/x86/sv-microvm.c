/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-microvm.h"

#include "hw/core/sv-cpu.h"
#include "hw/virtio/sv-virtio-bus.h"
#include "hw/x86/sv-microvm-slots.h"
#include "hw/x86/sv-mptable.h"
#include "hw/x86/sv-x86-layout.h"
#include "src/migration/sv-migratable.h"

struct _SvMicrovm
{
  SvX86Machine parent_instance;

  SvMicrovmSlots *slots;
};

static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvMicrovm, sv_microvm, SV_TYPE_X86_MACHINE, SV_MIGRATABLE_STATE (&migration))

/* --- SvX86Machine --- */

static void
sv_microvm_map_early (SvX86Machine *machine)
{
  SvMicrovm *self = SV_MICROVM (machine);

  self->slots = sv_microvm_slots_new (SV_MACHINE (self));
  sv_microvm_slots_map (self->slots);
}

/* Ports that kernels probe and nothing answers here: PCI configuration. */
static gboolean
sv_microvm_build_devices (SvX86Machine *machine, GError **error)
{
  sv_isa_bus_map_absent (sv_x86_machine_get_isa (machine), 0xcf8, 8);
  return sv_microvm_slots_build (SV_MICROVM (machine)->slots, sv_x86_machine_get_ged (machine), error);
}

/* With a kernel, the slots are settled before its command line tells of them. */
static void
sv_microvm_program_chipset (SvX86Machine *machine)
{
  if (sv_machine_get_kernel (SV_MACHINE (machine)) == NULL)
    sv_microvm_slots_begin_load (SV_MICROVM (machine)->slots);
}

/* Words for kernels that find no ACPI come first: what follows "--" in @append is init's. */
static char *
sv_microvm_dup_cmdline (SvX86Machine *machine)
{
  SvMicrovm *self = SV_MICROVM (machine);
  const char *append = sv_machine_get_append (SV_MACHINE (self));
  GString *cmdline = g_string_new (NULL);

  sv_microvm_slots_begin_load (self->slots);
  sv_microvm_slots_append_cmdline (self->slots, cmdline);
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
  const SvCpuLayout layout = sv_machine_get_cpu_layout (SV_MACHINE (machine));
  guint n_cpus = 0;

  /* Kernels that read it have no processors plugged in. */
  while (sv_machine_get_cpu (SV_MACHINE (machine), n_cpus) != NULL)
    n_cpus++;
  return sv_mptable_write (sv_machine_get_memory (SV_MACHINE (machine)), &layout, n_cpus, error);
}

/* --- devices that come with -device --- */

static gboolean
sv_microvm_prepare_device (SvMachine *machine, JsonObject *properties, GError **error)
{
  return sv_microvm_slots_prepare (SV_MICROVM (machine)->slots, properties, error);
}

static SvBus *
sv_microvm_find_bus (SvMachine *machine, SvDevice *device, GError **error)
{
  if (!g_type_is_a (SV_TYPE_VIRTIO_BUS, SV_DEVICE_GET_CLASS (device)->bus_type))
    return SV_MACHINE_CLASS (sv_microvm_parent_class)->find_bus (machine, device, error);
  return sv_microvm_slots_find_bus (SV_MICROVM (machine)->slots, device, error);
}

static gboolean
sv_microvm_device_plugged (SvMachine *machine, SvDevice *device, GError **error)
{
  return SV_MACHINE_CLASS (sv_microvm_parent_class)->device_plugged (machine, device, error)
         && (SV_IS_CPU (device) || sv_microvm_slots_plugged (SV_MICROVM (machine)->slots, device, error));
}

static gboolean
sv_microvm_unplug_request (SvMachine *machine, SvDevice *device, GError **error)
{
  if (SV_IS_CPU (device))
    return SV_MACHINE_CLASS (sv_microvm_parent_class)->unplug_request (machine, device, error);
  return sv_microvm_slots_unplug_request (SV_MICROVM (machine)->slots, device, error);
}

static void
sv_microvm_bus_vacated (SvMachine *machine, SvBus *bus)
{
  sv_microvm_slots_vacated (SV_MICROVM (machine)->slots, bus);
}

/* --- state --- */

static gboolean
check_state (SvMigratable *migratable, GError **error)
{
  return sv_microvm_slots_check_state (SV_MICROVM (migratable)->slots, error);
}

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  return sv_microvm_slots_dup_state (SV_MICROVM (migratable)->slots);
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  return sv_microvm_slots_load_state (SV_MICROVM (migratable)->slots, state, error);
}

static gboolean
prepare_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  return sv_microvm_slots_prepare_state (SV_MICROVM (migratable)->slots, state, error);
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ SV_MICROVM_SLOTS_STATE_TYPE, NULL },
  .check = check_state,
  .dup = dup_state,
  .load = load_state,
  .prepare = prepare_state,
};

/* --- GObject --- */

static void
sv_microvm_finalize (GObject *object)
{
  g_clear_pointer (&SV_MICROVM (object)->slots, sv_microvm_slots_free);
  G_OBJECT_CLASS (sv_microvm_parent_class)->finalize (object);
}

static void
sv_microvm_class_init (SvMicrovmClass *klass)
{
  SvMachineClass *machine_class = SV_MACHINE_CLASS (klass);
  SvX86MachineClass *x86_class = SV_X86_MACHINE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_microvm_finalize;
  machine_class->prepare_device = sv_microvm_prepare_device;
  machine_class->find_bus = sv_microvm_find_bus;
  machine_class->device_plugged = sv_microvm_device_plugged;
  machine_class->unplug_request = sv_microvm_unplug_request;
  machine_class->bus_vacated = sv_microvm_bus_vacated;
  machine_class->description = "lightweight machine: direct kernel boot, virtio-mmio, serial port, RTC";

  x86_class->ram_below_4g = SV_MICROVM_RAM_BELOW_4G;
  x86_class->ged_gsi = SV_MICROVM_GED_GSI;
  /* Without an interrupt Linux does not look for alarms, which takes it 40 exits at each boot. */
  x86_class->rtc_irq = 0;
  x86_class->map_early = sv_microvm_map_early;
  x86_class->build_devices = sv_microvm_build_devices;
  x86_class->program_chipset = sv_microvm_program_chipset;
  x86_class->dup_cmdline = sv_microvm_dup_cmdline;
  x86_class->fill_acpi = sv_microvm_fill_acpi;
  x86_class->write_tables = sv_microvm_write_tables;
}

static void
sv_microvm_init (SvMicrovm *self)
{
}
