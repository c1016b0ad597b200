/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "isa-fixture.h"

static void
on_irq (gpointer opaque, guint line, gboolean level)
{
  IsaFixture *f = opaque;

  g_assert_cmpint (level, !=, f->level[line]);
  f->level[line] = level;
  if (level)
    f->edges[line]++;
}

void
isa_set_up (IsaFixture *f)
{
  g_autoptr (SvMemoryRegion) container = sv_memory_region_new_container ("io", 0x10000);
  SvIrq *irqs[SV_ISA_N_IRQS];

  for (guint i = 0; i < SV_ISA_N_IRQS; i++)
    irqs[i] = sv_irq_new (on_irq, NULL, f, i);
  f->root = sv_object_new_container ();
  f->io = sv_address_space_new ("io", container);
  f->bus = sv_isa_bus_new (container, irqs);
  for (guint i = 0; i < SV_ISA_N_IRQS; i++)
    sv_irq_unref (irqs[i]);
}

void
isa_tear_down (IsaFixture *f)
{
  g_assert_cmpuint (sv_bus_get_n_devices (SV_BUS (f->bus)), ==, 0);
  g_object_unref (f->bus);
  g_object_unref (f->io);
  g_object_unref (f->root);
}

guint8
isa_in (IsaFixture *f, guint16 port)
{
  return sv_address_space_io_read (f->io, port, 1);
}

void
isa_out (IsaFixture *f, guint16 port, guint8 value)
{
  sv_address_space_io_write (f->io, port, value, 1);
}

gboolean
isa_plug (IsaFixture *f, SvDevice *device, GError **error)
{
  sv_object_add_child_numbered (f->root, "device", SV_OBJECT (device));
  g_assert_true (sv_bus_plug (SV_BUS (f->bus), device, NULL));
  if (sv_object_complete (SV_OBJECT (device), error))
    return TRUE;
  isa_unplug (device);
  return FALSE;
}

void
isa_unplug (SvDevice *device)
{
  sv_device_unrealize (device);
  if (sv_device_get_bus (device) != NULL)
    sv_bus_unplug (sv_device_get_bus (device), device);
  sv_object_unparent (SV_OBJECT (device));
}
