/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hotplug slots as a guest with ACPI meets them: registers and the state in its RAM. */

#include "hw/acpi/sv-acpi-slots.h"
#include "tests/unit/ged-fixture.h"

#define SLOTS 0xf0001000u
#define STATE 0x1000u
#define N_SLOTS 4
#define EVENT_IN (1u << SV_ACPI_GED_EVENT_SLOTS_IN)
#define EVENT_OUT (1u << SV_ACPI_GED_EVENT_SLOTS_OUT)

typedef struct
{
  GedFixture base;
  SvAcpiSlots *slots;
  guint32 ejected;
  guint32 refused;
  guint status;
} Fixture;

static void
on_ejected (SvAcpiSlots *slots, guint slot, Fixture *f)
{
  g_assert_cmpuint (f->ejected & (1u << slot), ==, 0);
  f->ejected |= 1u << slot;
}

static void
on_refused (SvAcpiSlots *slots, guint slot, guint status, Fixture *f)
{
  g_assert_cmpuint (f->refused & (1u << slot), ==, 0);
  f->refused |= 1u << slot;
  f->status = status;
}

static void
map_ram (Fixture *f)
{
  g_autoptr (SvMemoryBackend) backend
      = g_object_new (sv_memory_backend_ram_get_type (), "size", G_GUINT64_CONSTANT (65536), NULL);
  g_autoptr (SvMemoryRegion) ram = NULL;
  g_autoptr (GError) error = NULL;

  sv_object_complete (SV_OBJECT (backend), &error);
  g_assert_no_error (error);
  ram = sv_memory_region_new_ram ("ram", backend);
  sv_memory_region_add (sv_address_space_get_root (f->base.memory), 0, ram, 0);
}

static void
set_up (Fixture *f, gconstpointer data)
{

  ged_set_up (&f->base);
  map_ram (f);
  f->slots = sv_acpi_slots_new (f->base.ged, SLOTS, STATE, N_SLOTS);
  ged_place (&f->base, "slots", f->slots);
  g_signal_connect (f->slots, "ejected", G_CALLBACK (on_ejected), f);
  g_signal_connect (f->slots, "refused", G_CALLBACK (on_refused), f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  sv_device_unrealize (SV_DEVICE (f->slots));
  g_object_unref (f->slots);
  ged_tear_down (&f->base);
}

static guint32
get_leaving (Fixture *f)
{
  return (guint32)sv_address_space_io_read (f->base.memory, SLOTS + SV_ACPI_SLOTS_LEAVING, 4);
}

static void
eject (Fixture *f, guint32 slots)
{
  sv_address_space_io_write (f->base.memory, SLOTS + SV_ACPI_SLOTS_EJECT, slots, 4);
  /* Not on the processor's thread. */
  g_assert_cmphex (f->ejected, ==, 0);
  ged_settle ();
}

static guint8
get_state (Fixture *f, guint slot)
{
  guint8 state = 0xff;

  g_assert_true (sv_address_space_read (f->base.memory, STATE + slot, &state, 1));
  return state;
}

static void
test_come_and_go (Fixture *f, gconstpointer data)
{
  sv_acpi_slots_clear (f->slots);
  g_assert_cmphex (get_state (f, 2), ==, 0);
  sv_acpi_slots_insert (f->slots, 2);
  g_assert_cmphex (get_state (f, 2), ==, 0xf);
  g_assert_cmphex (get_state (f, 1), ==, 0);
  g_assert_cmpuint (f->base.pulses, ==, 1);
  g_assert_cmphex (ged_look (&f->base), ==, EVENT_IN);
  g_assert_cmphex (get_leaving (f), ==, 0);

  g_assert_true (sv_acpi_slots_request_eject (f->slots, 2));
  g_assert_cmphex (ged_look (&f->base), ==, EVENT_OUT);
  /* Narrow accesses take nothing away. */
  g_assert_cmphex (sv_address_space_io_read (f->base.memory, SLOTS, 2), ==, 0);
  g_assert_cmphex (get_leaving (f), ==, 1u << 2);
  g_assert_cmphex (get_leaving (f), ==, 0);

  /* Asking again repeats it. */
  g_assert_true (sv_acpi_slots_request_eject (f->slots, 2));
  g_assert_cmphex (ged_look (&f->base), ==, EVENT_OUT);
  g_assert_cmphex (get_leaving (f), ==, 1u << 2);
  eject (f, 1u << 2);
  g_assert_cmphex (f->ejected, ==, 1u << 2);
  sv_acpi_slots_remove (f->slots, 2);
  g_assert_cmphex (get_state (f, 2), ==, 0);

  /* A guest that says it twice. */
  f->ejected = 0;
  eject (f, 1u << 2);
  g_assert_cmphex (f->ejected, ==, 0);
}

static void
test_nobody_to_ask (Fixture *f, gconstpointer data)
{
  sv_acpi_slots_clear (f->slots);
  sv_acpi_slots_insert (f->slots, 0);
  g_assert_false (sv_acpi_slots_request_eject (f->slots, 0));
  sv_acpi_slots_remove (f->slots, 0);

  /* The guest knows of slot 1 when slot 3 comes, of which it does not know. */
  sv_acpi_slots_insert (f->slots, 1);
  ged_look (&f->base);
  sv_acpi_slots_request_eject (f->slots, 1);
  ged_look (&f->base);
  get_leaving (f);
  eject (f, 1u << 1);
  f->ejected = 0;
  sv_acpi_slots_insert (f->slots, 1);
  ged_look (&f->base);
  g_assert_true (sv_acpi_slots_request_eject (f->slots, 1));
  sv_acpi_slots_insert (f->slots, 3);
  g_assert_false (sv_acpi_slots_request_eject (f->slots, 3));
}

/* What the guest was not asked for stays. */
static void
test_hostile (Fixture *f, gconstpointer data)
{
  sv_acpi_slots_clear (f->slots);
  sv_acpi_slots_insert (f->slots, 1);
  ged_look (&f->base);
  eject (f, 0xffffffff);
  g_assert_cmphex (f->ejected, ==, 0);
  sv_acpi_slots_request_eject (f->slots, 1);
  sv_address_space_io_write (f->base.memory, SLOTS + SV_ACPI_SLOTS_EJECT, 2, 1);
  sv_address_space_io_write (f->base.memory, SLOTS + SV_ACPI_SLOTS_LEAVING, 0xffffffff, 4);
  sv_address_space_io_write (f->base.memory, SLOTS + 16, 0xffffffff, 4);
  ged_settle ();
  g_assert_cmphex (f->ejected, ==, 0);
  eject (f, 0xffffffff);
  g_assert_cmphex (f->ejected, ==, 1u << 1);

  /* A reset forgets what was asked for, and told. */
  f->ejected = 0;
  sv_acpi_slots_request_eject (f->slots, 1);
  sv_address_space_io_write (f->base.memory, SLOTS + SV_ACPI_SLOTS_EJECT, 2, 4);
  sv_device_reset (SV_DEVICE (f->slots));
  ged_settle ();
  g_assert_cmphex (f->ejected, ==, 0);
}

static void
tell_outcome (Fixture *f, guint32 status, guint32 slots)
{
  sv_address_space_io_write (f->base.memory, SLOTS + SV_ACPI_SLOTS_STATUS, status, 4);
  sv_address_space_io_write (f->base.memory, SLOTS + SV_ACPI_SLOTS_OUTCOME, slots, 4);
  ged_settle ();
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  sv_acpi_slots_clear (f->slots);
  sv_acpi_slots_insert (f->slots, 1);
  sv_acpi_slots_insert (f->slots, 2);
  ged_look (&f->base);
  /* Nobody asked. */
  tell_outcome (f, 0x82, 0xffffffff);
  g_assert_cmphex (f->refused, ==, 0);

  sv_acpi_slots_request_eject (f->slots, 1);
  /* These are no end. */
  tell_outcome (f, 0x84, 1u << 1);
  tell_outcome (f, 0x83, 1u << 1);
  tell_outcome (f, 0, 1u << 1);
  g_assert_cmphex (f->refused, ==, 0);
  tell_outcome (f, 0x82, 0xffffffff);
  g_assert_cmphex (f->refused, ==, 1u << 1);
  g_assert_cmphex (f->status, ==, 0x82);
  /* Once told, it is done with; asked again it may leave. */
  f->refused = 0;
  tell_outcome (f, 0x82, 0xffffffff);
  g_assert_cmphex (f->refused, ==, 0);
  eject (f, 1u << 1);
  g_assert_cmphex (f->ejected, ==, 0);
  g_assert_true (sv_acpi_slots_request_eject (f->slots, 1));
  eject (f, 1u << 1);
  g_assert_cmphex (f->ejected, ==, 1u << 1);
}

/* An edge before the guest's driver is there is lost: it comes again until the guest looks. */
static void
test_repeat (Fixture *f, gconstpointer data)
{
  sv_acpi_slots_insert (f->slots, 0);
  g_assert_cmpuint (f->base.pulses, ==, 1);
  while (f->base.pulses < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmphex (ged_look (&f->base), ==, EVENT_IN);
  /* Nothing is left in the main loop. */
  g_assert_false (g_main_context_pending (NULL));
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/acpi/slots/come-and-go", test_come_and_go);
  ADD ("/acpi/slots/nobody-to-ask", test_nobody_to_ask);
  ADD ("/acpi/slots/hostile", test_hostile);
  ADD ("/acpi/slots/refused", test_refused);
  ADD ("/acpi/slots/repeat", test_repeat);
  return g_test_run ();
}
