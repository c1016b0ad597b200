/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/unit/ged-fixture.h"

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

static void
on_irq (gpointer opaque, guint line, gboolean level)
{
  if (level)
    ((GedFixture *)opaque)->pulses++;
}

void
ged_place (GedFixture *f, const char *id, gpointer object)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sv_object_add_child (SV_OBJECT (f->machine), id, object, &error));
  g_assert_true (sv_object_complete (object, &error));
  g_assert_no_error (error);
}

void
ged_set_up (GedFixture *f)
{
  g_autoptr (SvIrq) irq = sv_irq_new (on_irq, NULL, f, 23);

  f->machine = g_object_new (TEST_TYPE_MACHINE, NULL);
  f->memory = sv_machine_get_memory (f->machine);
  f->ged = sv_acpi_ged_new (GED, irq);
  ged_place (f, "ged", f->ged);
}

void
ged_tear_down (GedFixture *f)
{
  sv_device_unrealize (SV_DEVICE (f->ged));
  g_object_unref (f->ged);
  g_object_unref (f->machine);
}

guint32
ged_look (GedFixture *f)
{
  return (guint32)sv_address_space_io_read (f->memory, GED, 4);
}

void
ged_settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}
