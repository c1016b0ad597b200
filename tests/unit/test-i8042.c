/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-i8042.h"
#include "isa-fixture.h"

typedef struct
{
  IsaFixture isa;
  SvI8042 *device;
  guint resets;
} Fixture;

static void
on_reset (SvI8042 *device, Fixture *f)
{
  f->resets++;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  isa_set_up (&f->isa);
  f->device = g_object_new (SV_TYPE_I8042, NULL);
  g_signal_connect (f->device, "reset-requested", G_CALLBACK (on_reset), f);
  isa_plug (&f->isa, SV_DEVICE (f->device), &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  isa_unplug (SV_DEVICE (f->device));
  g_assert_cmphex (isa_in (&f->isa, SV_I8042_COMMAND_PORT), ==, 0xff);
  g_assert_finalize_object (f->device);
  isa_tear_down (&f->isa);
}

static guint8
in (Fixture *f, guint16 port)
{
  return isa_in (&f->isa, port);
}

static void
out (Fixture *f, guint16 port, guint8 value)
{
  isa_out (&f->isa, port, value);
}

static void
test_reset (Fixture *f, gconstpointer data)
{
  /* Linux waits for an empty input buffer first. */
  g_assert_cmphex (in (f, SV_I8042_COMMAND_PORT) & 0x02, ==, 0);
  out (f, SV_I8042_COMMAND_PORT, 0xfe);
  g_assert_cmpuint (f->resets, ==, 1);

  /* By the output port, whose bit 0 is the reset line */
  out (f, SV_I8042_COMMAND_PORT, 0xd1);
  out (f, SV_I8042_DATA_PORT, 0x03);
  g_assert_cmpuint (f->resets, ==, 1);
  out (f, SV_I8042_DATA_PORT, 0x02);
  g_assert_cmpuint (f->resets, ==, 1);
  out (f, SV_I8042_COMMAND_PORT, 0xd1);
  out (f, SV_I8042_DATA_PORT, 0x02);
  g_assert_cmpuint (f->resets, ==, 2);

  /* A command that a reset of the machine left half done is forgotten. */
  out (f, SV_I8042_COMMAND_PORT, 0xd1);
  sv_device_reset (SV_DEVICE (f->device));
  out (f, SV_I8042_DATA_PORT, 0x02);
  g_assert_cmpuint (f->resets, ==, 2);
}

static void
test_other_commands (Fixture *f, gconstpointer data)
{
  for (guint command = 0; command < 0x100; command++)
    if (command < 0xf0 || (command & 1) != 0)
      {
        out (f, SV_I8042_COMMAND_PORT, command);
        if (command != 0xd1)
          out (f, SV_I8042_DATA_PORT, 0);
        else
          out (f, SV_I8042_DATA_PORT, 1);
      }
  g_assert_cmpuint (f->resets, ==, 0);
}

/* Linux, i8042_controller_check(): a buffer that 16 reads do not empty means that there is no
 * controller. */
static void
test_no_controller (Fixture *f, gconstpointer data)
{
  guint reads = 0;

  while ((in (f, SV_I8042_COMMAND_PORT) & 0x01) != 0 && reads <= 16)
    {
      g_assert_cmphex (in (f, SV_I8042_DATA_PORT), ==, 0xff);
      reads++;
    }
  g_assert_cmpuint (reads, ==, 17);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/i8042/reset", Fixture, NULL, set_up, test_reset, tear_down);
  g_test_add ("/i8042/other-commands", Fixture, NULL, set_up, test_other_commands, tear_down);
  g_test_add ("/i8042/no-controller", Fixture, NULL, set_up, test_no_controller, tear_down);
  return g_test_run ();
}
