/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The controller of processors as a guest meets it, through its registers. */

#include "hw/acpi/sv-acpi-cpus.h"
#include "tests/unit/ged-fixture.h"

#define CPUS 0xf0000004u
#define N_PLACES 4u
#define EVENT (1u << SV_ACPI_GED_EVENT_CPUS)

typedef struct
{
  GedFixture base;
  SvAcpiCpus *cpus;
  guint32 ejected;
  guint32 refused;
} Fixture;

static void
on_ejected (SvAcpiCpus *cpus, guint index, Fixture *f)
{
  f->ejected |= 1u << index;
}

static void
on_refused (SvAcpiCpus *cpus, guint index, Fixture *f)
{
  f->refused |= 1u << index;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const SvAcpiCpu places[N_PLACES] = { { 0, FALSE, -1 }, { 1, FALSE, -1 }, { 2, TRUE, -1 }, { 3, TRUE, 1 } };

  ged_set_up (&f->base);
  f->cpus = sv_acpi_cpus_new (f->base.ged, CPUS);
  sv_acpi_cpus_set_places (f->cpus, places, N_PLACES);
  ged_place (&f->base, "cpus", f->cpus);
  g_signal_connect (f->cpus, "ejected", G_CALLBACK (on_ejected), f);
  g_signal_connect (f->cpus, "refused", G_CALLBACK (on_refused), f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  sv_device_unrealize (SV_DEVICE (f->cpus));
  g_object_unref (f->cpus);
  ged_tear_down (&f->base);
}

static guint
get (Fixture *f, guint offset)
{
  return (guint)sv_address_space_io_read (f->base.memory, CPUS + offset, 1);
}

static void
put (Fixture *f, guint offset, guint value)
{
  sv_address_space_io_write (f->base.memory, CPUS + offset, value, 1);
}

static void
test_insert (Fixture *f, gconstpointer data)
{
  g_assert_cmphex (get (f, SV_ACPI_CPUS_SELECT), ==, SV_ACPI_CPUS_NONE);
  sv_acpi_cpus_insert (f->cpus, 3);
  sv_acpi_cpus_insert (f->cpus, 2);
  g_assert_cmphex (ged_look (&f->base), ==, EVENT);
  g_assert_cmpuint (get (f, SV_ACPI_CPUS_SELECT), ==, 2);
  put (f, SV_ACPI_CPUS_SELECT, 2);
  g_assert_cmphex (get (f, SV_ACPI_CPUS_STATUS), ==, SV_ACPI_CPUS_INSERTING);
  put (f, SV_ACPI_CPUS_STATUS, SV_ACPI_CPUS_INSERTING);
  g_assert_cmphex (get (f, SV_ACPI_CPUS_STATUS), ==, 0);
  g_assert_cmpuint (get (f, SV_ACPI_CPUS_SELECT), ==, 3);
  /* The guest has not heard of the other one: it may go at once. */
  g_assert_false (sv_acpi_cpus_request_eject (f->cpus, 3));
  sv_acpi_cpus_forget (f->cpus, 3);
  g_assert_cmphex (get (f, SV_ACPI_CPUS_SELECT), ==, SV_ACPI_CPUS_NONE);
}

static void
test_eject (Fixture *f, gconstpointer data)
{
  /* Nobody asked for it. */
  put (f, SV_ACPI_CPUS_SELECT, 1);
  put (f, SV_ACPI_CPUS_STATUS, SV_ACPI_CPUS_EJECT);
  put (f, SV_ACPI_CPUS_OUTCOME, 1);
  ged_settle ();
  g_assert_cmphex (f->ejected | f->refused, ==, 0);

  g_assert_true (sv_acpi_cpus_request_eject (f->cpus, 1));
  g_assert_cmphex (ged_look (&f->base), ==, EVENT);
  g_assert_cmpuint (get (f, SV_ACPI_CPUS_SELECT), ==, 1);
  g_assert_cmphex (get (f, SV_ACPI_CPUS_STATUS), ==, SV_ACPI_CPUS_REMOVING);
  put (f, SV_ACPI_CPUS_STATUS, SV_ACPI_CPUS_REMOVING);
  put (f, SV_ACPI_CPUS_OUTCOME, 0x84);
  put (f, SV_ACPI_CPUS_STATUS, SV_ACPI_CPUS_EJECT);
  /* Not on the processor's thread. */
  g_assert_cmphex (f->ejected, ==, 0);
  ged_settle ();
  g_assert_cmphex (f->ejected, ==, 2);
  g_assert_cmphex (f->refused, ==, 0);
}

static void
test_refuse (Fixture *f, gconstpointer data)
{
  g_assert_true (sv_acpi_cpus_request_eject (f->cpus, 1));
  put (f, SV_ACPI_CPUS_SELECT, 1);
  put (f, SV_ACPI_CPUS_OUTCOME, 0x81);
  ged_settle ();
  g_assert_cmphex (f->refused, ==, 2);
  put (f, SV_ACPI_CPUS_STATUS, SV_ACPI_CPUS_EJECT);
  ged_settle ();
  g_assert_cmphex (f->ejected, ==, 0);

  /* Asked again, and reset before it answers */
  g_assert_true (sv_acpi_cpus_request_eject (f->cpus, 1));
  sv_device_reset (SV_DEVICE (f->cpus));
  g_assert_cmphex (get (f, SV_ACPI_CPUS_SELECT), ==, SV_ACPI_CPUS_NONE);
  put (f, SV_ACPI_CPUS_SELECT, 1);
  put (f, SV_ACPI_CPUS_STATUS, SV_ACPI_CPUS_EJECT);
  ged_settle ();
  g_assert_cmphex (f->ejected, ==, 0);
}

/* Places that there are not, registers that there are not, accesses of other sizes */
static void
test_hostile (Fixture *f, gconstpointer data)
{
  put (f, SV_ACPI_CPUS_SELECT, N_PLACES);
  g_assert_cmphex (get (f, SV_ACPI_CPUS_STATUS), ==, 0);
  put (f, SV_ACPI_CPUS_STATUS, 0xff);
  put (f, SV_ACPI_CPUS_OUTCOME, 0xff);
  put (f, SV_ACPI_CPUS_SELECT, 0xff);
  put (f, SV_ACPI_CPUS_STATUS, 0xff);
  sv_address_space_io_write (f->base.memory, CPUS, G_MAXUINT64, 8);
  sv_address_space_io_read (f->base.memory, CPUS, 8);
  ged_settle ();
  g_assert_cmphex (f->ejected | f->refused, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/acpi/cpus/insert", test_insert);
  ADD ("/acpi/cpus/eject", test_eject);
  ADD ("/acpi/cpus/refuse", test_refuse);
  ADD ("/acpi/cpus/hostile", test_hostile);
  return g_test_run ();
}
