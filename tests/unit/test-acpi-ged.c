/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/acpi/sv-acpi-ged.h"
#include "hw/core/sv-machine.h"
#include "src/memory/sv-address-space.h"

#define BASE 0xf0000000u

/* A machine without processors: what the device asks of it shows as signals. */
#define TEST_TYPE_MACHINE (test_machine_get_type ())
G_DECLARE_FINAL_TYPE (TestMachine, test_machine, TEST, MACHINE, SvMachine)

struct _TestMachine
{
  SvMachine parent_instance;
};

G_DEFINE_FINAL_TYPE (TestMachine, test_machine, SV_TYPE_MACHINE)

static void
test_machine_init (TestMachine *self)
{
}

static void
test_machine_class_init (TestMachineClass *klass)
{
  SV_MACHINE_CLASS (klass)->no_guest = TRUE;
}

typedef struct
{
  SvMachine *machine;
  SvAddressSpace *memory;
  SvAcpiGed *ged;
  guint pulses;
  gboolean level;
  SvShutdownCause reset;
  SvShutdownCause shutdown;
} Fixture;

static void
on_irq (gpointer opaque, guint line, gboolean level)
{
  Fixture *f = opaque;

  g_assert_cmpuint (line, ==, 23);
  if (level && !f->level)
    f->pulses++;
  f->level = level;
}

static void
on_cause (SvMachine *machine, SvShutdownCause cause, SvShutdownCause *seen)
{
  *seen = cause;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (SvIrq) irq = sv_irq_new (on_irq, NULL, f, 23);
  g_autoptr (GError) error = NULL;

  f->machine = g_object_new (TEST_TYPE_MACHINE, NULL);
  g_signal_connect (f->machine, "reset", G_CALLBACK (on_cause), &f->reset);
  g_signal_connect (f->machine, "shutdown", G_CALLBACK (on_cause), &f->shutdown);
  f->memory = sv_machine_get_memory (f->machine);
  f->ged = sv_acpi_ged_new (BASE, irq);
  g_assert_true (sv_object_add_child (SV_OBJECT (f->machine), "ged", SV_OBJECT (f->ged), &error));
  g_assert_true (sv_object_complete (SV_OBJECT (f->ged), &error));
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  sv_device_unrealize (SV_DEVICE (f->ged));
  g_assert_cmphex (sv_address_space_io_read (f->memory, BASE, 4), ==, 0xffffffff);
  g_object_unref (f->ged);
  g_object_unref (f->machine);
}

static void
run_requests (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_events (Fixture *f, gconstpointer data)
{
  g_assert_cmphex (sv_address_space_io_read (f->memory, BASE, 4), ==, 0);
  g_assert_cmpuint (f->pulses, ==, 0);

  sv_acpi_ged_power_button (f->ged);
  g_assert_cmpuint (f->pulses, ==, 1);
  g_assert_false (f->level);
  sv_acpi_ged_raise (f->ged, SV_ACPI_GED_EVENT_SLOT + 3);
  g_assert_cmpuint (f->pulses, ==, 2);

  /* Only the access that the AML makes takes the events away. */
  g_assert_cmphex (sv_address_space_io_read (f->memory, BASE, 1), ==, 0);
  g_assert_cmphex (sv_address_space_io_read (f->memory, BASE + 4, 4), ==, 0);
  g_assert_cmphex (sv_address_space_io_read (f->memory, BASE, 4), ==, 0x802);
  g_assert_cmphex (sv_address_space_io_read (f->memory, BASE, 4), ==, 0);

  sv_acpi_ged_power_button (f->ged);
  sv_device_reset (SV_DEVICE (f->ged));
  g_assert_cmphex (sv_address_space_io_read (f->memory, BASE, 4), ==, 0);
}

static void
test_sleep (Fixture *f, gconstpointer data)
{
  static const guint8 harmless[] = { 0, 0x14 /* not enabled */, 0x20 /* S0 */, 0x2c /* S3 */ };

  for (guint i = 0; i < G_N_ELEMENTS (harmless); i++)
    sv_address_space_io_write (f->memory, BASE + SV_ACPI_GED_SLEEP_CONTROL, harmless[i], 1);
  sv_address_space_io_write (f->memory, BASE + SV_ACPI_GED_SLEEP_STATUS, 0x34, 1);
  sv_address_space_io_write (f->memory, BASE + SV_ACPI_GED_EVENT, 0x34343434, 4);
  run_requests ();
  g_assert_cmpint (f->shutdown, ==, SV_SHUTDOWN_CAUSE_NONE);
  g_assert_cmphex (sv_address_space_io_read (f->memory, BASE + SV_ACPI_GED_SLEEP_STATUS, 1), ==, 0);

  sv_address_space_io_write (f->memory, BASE + SV_ACPI_GED_SLEEP_CONTROL, 0x34, 1);
  run_requests ();
  g_assert_cmpint (f->shutdown, ==, SV_SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
  g_assert_cmpint (f->reset, ==, SV_SHUTDOWN_CAUSE_NONE);
}

static void
test_reset (Fixture *f, gconstpointer data)
{
  sv_address_space_io_write (f->memory, BASE + SV_ACPI_GED_RESET, 0x41, 1);
  run_requests ();
  g_assert_cmpint (f->reset, ==, SV_SHUTDOWN_CAUSE_NONE);

  sv_address_space_io_write (f->memory, BASE + SV_ACPI_GED_RESET, SV_ACPI_GED_RESET_VALUE, 1);
  run_requests ();
  g_assert_cmpint (f->reset, ==, SV_SHUTDOWN_CAUSE_GUEST_RESET);
  g_assert_cmpint (f->shutdown, ==, SV_SHUTDOWN_CAUSE_NONE);
}

/* Every access to every register, with odd sizes and values */
static void
test_any_access (Fixture *f, gconstpointer data)
{
  for (guint offset = 0; offset < SV_ACPI_GED_SIZE; offset++)
    {
      for (guint size = 1; size <= 8; size *= 2)
        {
          sv_address_space_io_read (f->memory, BASE + offset, size);
          sv_address_space_io_write (f->memory, BASE + offset, G_MAXUINT64, size);
        }
    }
  g_assert_cmphex (sv_address_space_io_read (f->memory, BASE, 4), ==, 0);
}

static void
test_alone (void)
{
  g_autoptr (SvAcpiGed) ged = g_object_new (SV_TYPE_ACPI_GED, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (sv_object_complete (SV_OBJECT (ged), &error));
  g_assert_nonnull (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/acpi/ged/events", Fixture, NULL, set_up, test_events, tear_down);
  g_test_add ("/acpi/ged/sleep", Fixture, NULL, set_up, test_sleep, tear_down);
  g_test_add ("/acpi/ged/reset", Fixture, NULL, set_up, test_reset, tear_down);
  g_test_add ("/acpi/ged/any-access", Fixture, NULL, set_up, test_any_access, tear_down);
  g_test_add_func ("/acpi/ged/alone", test_alone);
  return g_test_run ();
}
