/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What whole machines save: chipset, ACPI devices, slots; every object of two machines with an accelerator that runs no code. */

#include <linux/pci_regs.h>
#include <linux/virtio_mmio.h>

#include "hw/acpi/sv-acpi-cpus.h"
#include "hw/acpi/sv-acpi-ged.h"
#include "hw/acpi/sv-acpi-slots.h"
#include "hw/core/sv-cpu.h"
#include "hw/x86/sv-ich9-pm.h"
#include "hw/x86/sv-microvm.h"
#include "hw/x86/sv-q35.h"
#include "hw/x86/sv-x86-layout.h"
#include "src/runtime/sv-vm-lock.h"
#include "src/sv-type-list.h"
#include "state-fixture.h"

#define LPC (0x80000000u | 0x1fu << 11)
#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define RESET_CONTROL 0xcf9
#define PM (SV_Q35_PM_BASE)

/* The one that is saved, the one that goes on. */
typedef struct
{
  SvMachine *machine[2];
} Fixture;

static void
set_up (Fixture *f, gconstpointer type)
{
  sv_type_list_register ();
  sv_vm_lock ();
  for (guint i = 0; i < 2; i++)
    f->machine[i] = g_object_new (((GType (*) (void))type) (), "accel", "test", "memory-size", (guint64)128 << 20,
                                  "cpus", 1, "max-cpus", 3, NULL);
}

static void
tear_down (Fixture *f, gconstpointer type)
{
  for (guint i = 0; i < 2; i++)
    {
      sv_machine_close (f->machine[i]);
      g_assert_finalize_object (f->machine[i]);
    }
  sv_vm_unlock ();
}

static void
add_device (Fixture *f, guint i, const char *json)
{
  g_autoptr (GError) error = NULL;

  sv_machine_add_device_json (f->machine[i], json, &error);
  g_assert_no_error (error);
}

static gboolean
quiesce (SvObject *object, gpointer user_data)
{
  if (SV_IS_DEVICE (object))
    sv_device_quiesce (SV_DEVICE (object));
  return TRUE;
}

/* The first machine ran and is paused, the second waits for a state. */
static void
start (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    g_assert_true (sv_machine_prepare (f->machine[i], &error));
  g_assert_true (sv_machine_start (f->machine[0], &error));
  g_assert_no_error (error);
}

static gboolean
collect (SvObject *object, gpointer user_data)
{
  if (SV_IS_MACHINE (object) || (SV_IS_DEVICE (object) && !SV_IS_CPU (object)))
    g_ptr_array_add (user_data, object);
  return TRUE;
}

/* Those with state, in the order of the tree, which is the same in both. */
static GPtrArray *
list_objects (SvMachine *machine)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  GPtrArray *objects = g_ptr_array_new ();

  sv_object_walk (SV_OBJECT (machine), collect, all);
  for (guint i = 0; i < all->len; i++)
    {
      g_autoptr (GVariant) state = sv_migratable_dup (all->pdata[i], NULL);

      if (g_variant_n_children (state) > 0)
        g_ptr_array_add (objects, all->pdata[i]);
    }
  return objects;
}

static void
copy (Fixture *f)
{
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) after = NULL;

  sv_machine_stop (f->machine[0], SV_RUN_STATE_PAUSED);
  sv_object_walk (SV_OBJECT (f->machine[1]), quiesce, NULL);
  before = list_objects (f->machine[0]);
  after = list_objects (f->machine[1]);
  g_assert_cmpuint (before->len, ==, after->len);
  g_assert_cmpuint (before->len, >, 4);
  state_copy_all ((SvObject **)before->pdata, (SvObject **)after->pdata, before->len);
}

/* Every class takes every value, or says what is wrong with it. */
static void
torture (Fixture *f)
{
  g_autoptr (GPtrArray) before = list_objects (f->machine[0]);
  g_autoptr (GPtrArray) after = list_objects (f->machine[1]);

  for (guint i = 0; i < before->len; i++)
    state_torture (before->pdata[i], after->pdata[i]);
}

static guint64
in (Fixture *f, guint i, guint16 port, guint size)
{
  return sv_address_space_io_read (sv_machine_get_io (f->machine[i]), port, size);
}

static void
out (Fixture *f, guint16 port, guint64 value, guint size)
{
  sv_address_space_io_write (sv_machine_get_io (f->machine[0]), port, value, size);
}

static guint64
rd (Fixture *f, guint i, guint64 address, guint size)
{
  return sv_address_space_io_read (sv_machine_get_memory (f->machine[i]), address, size);
}

static void
wr (Fixture *f, guint64 address, guint64 value, guint size)
{
  sv_address_space_io_write (sv_machine_get_memory (f->machine[0]), address, value, size);
}

/* --- q35 --- */

static void
write_config (Fixture *f, guint32 address, guint32 value, guint size)
{
  out (f, CONFIG_ADDRESS, address & ~3u, 4);
  out (f, CONFIG_DATA + (address & 3), value, size);
}

static void
test_chipset (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      add_device (f, i, "{\"driver\": \"pcie-root-port\", \"id\": \"port\", \"addr\": \"2\"}");
      add_device (f, i, "{\"driver\": \"virtio-rng-pci\", \"id\": \"rng\", \"bus\": \"port\"}");
      add_device (f, i, "{\"driver\": \"pvpanic-pci\", \"id\": \"panic\", \"addr\": \"3\"}");
      add_device (f, i, "{\"driver\": \"isa-serial\", \"id\": \"com1\"}");
    }
  start (f);
  write_config (f, 0x80000060, SV_Q35_ECAM_BASE | 1, 4);
  write_config (f, LPC | 0x40, PM | 1, 4);
  write_config (f, LPC | 0x44, 0x80, 1);
  write_config (f, LPC | 0x60, 11, 1);
  out (f, PM + SV_ICH9_PM1_EVENT + 2, 0x0120, 2);
  sv_machine_powerdown (f->machine[0]);
  out (f, PM + SV_ICH9_GPE0 + 8, 0x5a, 1);
  out (f, RESET_CONTROL, 0x02, 1);
  out (f, CONFIG_ADDRESS, LPC | 0x60, 4);

  copy (f);
  g_assert_cmphex (in (f, 1, CONFIG_ADDRESS, 4), ==, LPC | 0x60);
  g_assert_cmphex (in (f, 1, CONFIG_DATA, 1), ==, 11);
  g_assert_cmphex (in (f, 1, RESET_CONTROL, 1), ==, 0x02);
  g_assert_cmphex (in (f, 1, PM + SV_ICH9_PM1_EVENT, 4), ==, in (f, 0, PM + SV_ICH9_PM1_EVENT, 4));
  g_assert_cmphex (in (f, 1, PM + SV_ICH9_PM1_EVENT + 2, 2), ==, 0x0120);
  g_assert_cmphex (in (f, 1, PM + SV_ICH9_GPE0 + 8, 1), ==, 0x5a);
  /* The window of configuration space is where it was. */
  g_assert_cmphex (rd (f, 1, SV_Q35_ECAM_BASE + (3u << 15), 4), ==, 0x00111b36);
  torture (f);
}

/* --- ACPI --- */

static void
test_processors (Fixture *f, gconstpointer data)
{
  start (f);
  wr (f, SV_X86_CPUS_BASE + SV_ACPI_CPUS_SELECT, 1, 1);
  add_device (f, 0, "{\"driver\": \"host-x86-cpu\", \"id\": \"cpu1\", \"socket-id\": 1}");
  g_assert_cmphex (rd (f, 0, SV_X86_CPUS_BASE + SV_ACPI_CPUS_SELECT, 1), ==, 1);
  add_device (f, 1, "{\"driver\": \"host-x86-cpu\", \"id\": \"cpu1\", \"socket-id\": 1}");

  copy (f);
  /* The place that was selected, the processor that the guest has not seen, and the event that tells it to look */
  g_assert_cmphex (rd (f, 1, SV_X86_CPUS_BASE + SV_ACPI_CPUS_STATUS, 1), ==,
                   SV_ACPI_CPUS_ENABLED | SV_ACPI_CPUS_INSERTING);
  g_assert_cmphex (rd (f, 1, SV_X86_CPUS_BASE + SV_ACPI_CPUS_SELECT, 1), ==, 1);
  g_assert_cmphex (rd (f, 1, SV_X86_GED_BASE + SV_ACPI_GED_EVENT, 4), ==, 1u << SV_ACPI_GED_EVENT_CPUS);
  g_assert_cmphex (rd (f, 1, SV_X86_GED_BASE + SV_ACPI_GED_EVENT, 4), ==, 0);
}

static void
test_slots (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    add_device (f, i, "{\"driver\": \"virtio-rng-device\", \"id\": \"rng\"}");
  start (f);
  sv_machine_powerdown (f->machine[0]);
  wr (f, SV_MICROVM_SLOTS_BASE + SV_ACPI_SLOTS_STATUS, 0x80, 4);

  copy (f);
  g_assert_cmphex (rd (f, 1, SV_X86_GED_BASE + SV_ACPI_GED_EVENT, 4), ==, 1u << SV_ACPI_GED_EVENT_POWER_BUTTON);
  /* Slots that are kept for disks and network cards show themselves, to kernels without ACPI. */
  for (guint slot = 0; slot < SV_MICROVM_MMIO_COUNT; slot++)
    g_assert_cmphex (rd (f, 1, SV_MICROVM_MMIO_BASE + slot * SV_MICROVM_MMIO_SIZE + 8, 4), ==,
                     rd (f, 0, SV_MICROVM_MMIO_BASE + slot * SV_MICROVM_MMIO_SIZE + 8, 4));
  g_assert_cmphex (rd (f, 1, SV_MICROVM_MMIO_BASE + SV_MICROVM_MMIO_SIZE + 8, 4), !=, 0);
  torture (f);
}

/* A kernel without ACPI finds the slots that are kept, and has drivers for them: placeholders, which are made there, too. */
static void
test_placeholders (Fixture *f, gconstpointer data)
{
  const guint64 spare = SV_MICROVM_MMIO_BASE + 2 * SV_MICROVM_MMIO_SIZE;
  g_autoptr (GVariant) state = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    add_device (f, i, "{\"driver\": \"virtio-rng-device\", \"id\": \"rng\"}");
  start (f);
  wr (f, spare + VIRTIO_MMIO_STATUS, 3, 4);
  wr (f, spare + VIRTIO_MMIO_QUEUE_SEL, 1, 4);
  state = state_dup (SV_OBJECT (f->machine[0]));
  g_assert_true (sv_migratable_prepare (SV_OBJECT (f->machine[1]), state, &error));
  g_assert_no_error (error);
  copy (f);
  g_assert_cmphex (rd (f, 1, spare + VIRTIO_MMIO_DEVICE_ID, 4), ==, rd (f, 0, spare + VIRTIO_MMIO_DEVICE_ID, 4));
  g_assert_cmphex (rd (f, 1, spare + VIRTIO_MMIO_STATUS, 4), ==, 3);
  g_assert_cmphex (rd (f, 1, spare + VIRTIO_MMIO_QUEUE_NUM_MAX, 4), ==, rd (f, 0, spare + VIRTIO_MMIO_QUEUE_NUM_MAX, 4));
  g_assert_cmphex (rd (f, 1, spare + VIRTIO_MMIO_QUEUE_NUM_MAX, 4), !=, 0);
  torture (f);
}

static void
test_other_device (Fixture *f, gconstpointer data)
{
  g_autoptr (GVariant) state = NULL;
  g_autoptr (GError) error = NULL;

  add_device (f, 0, "{\"driver\": \"virtio-rng-device\", \"id\": \"rng\"}");
  start (f);
  sv_machine_stop (f->machine[0], SV_RUN_STATE_PAUSED);
  state = state_dup (SV_OBJECT (f->machine[0]));
  g_assert_false (sv_migratable_load (SV_OBJECT (f->machine[1]), state, &error));
  g_assert_true (g_pattern_match_simple ("*slot 0 has '/machine/peripheral/rng', here it has ''", error->message));
}

/* A guest that is off is off there, too; one that is about to end is not saved. */
static void
test_run_state (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  start (f);
  sv_machine_request_shutdown (f->machine[0], SV_SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
  g_assert_false (sv_migratable_check (SV_OBJECT (f->machine[0]), &error));
  g_assert_true (g_pattern_match_simple ("*about to be reset*", error->message));
  g_clear_error (&error);
  g_object_set (f->machine[0], "no-shutdown", TRUE, NULL);
  while (sv_machine_get_run_state (f->machine[0]) != SV_RUN_STATE_SHUTDOWN)
    g_main_context_iteration (NULL, TRUE);
  copy (f);
  g_assert_cmpint (sv_machine_get_run_state (f->machine[1]), ==, SV_RUN_STATE_SHUTDOWN);
  g_assert_false (sv_machine_start (f->machine[1], &error));
  state_assert_refused (SV_OBJECT (f->machine[0]), SV_OBJECT (f->machine[1]), "0/2/0/0", g_variant_new_string ("asleep"),
                        "*run state is 'asleep'*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/state/machine/chipset", Fixture, sv_q35_get_type, set_up, test_chipset, tear_down);
  g_test_add ("/state/machine/processors", Fixture, sv_microvm_get_type, set_up, test_processors, tear_down);
  g_test_add ("/state/machine/slots", Fixture, sv_microvm_get_type, set_up, test_slots, tear_down);
  g_test_add ("/state/machine/placeholders", Fixture, sv_microvm_get_type, set_up, test_placeholders, tear_down);
  g_test_add ("/state/machine/other-device", Fixture, sv_microvm_get_type, set_up, test_other_device, tear_down);
  g_test_add ("/state/machine/run-state", Fixture, sv_microvm_get_type, set_up, test_run_state, tear_down);
  return g_test_run ();
}
