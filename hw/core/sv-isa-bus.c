/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-isa-bus.h"

#include "src/migration/sv-migratable.h"

/* Below every device */
#define ABSENT_PRIORITY -1

struct _SvIsaBus
{
  SvBus parent_instance;

  SvMemoryRegion *io;
  SvIrq *irqs[SV_ISA_N_IRQS];
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvIsaBus, sv_isa_bus, SV_TYPE_BUS,
                               SV_MIGRATABLE_STATELESS ("what is on it has its own state"))

static void
sv_isa_bus_finalize (GObject *object)
{
  SvIsaBus *self = SV_ISA_BUS (object);

  g_clear_object (&self->io);
  for (guint i = 0; i < SV_ISA_N_IRQS; i++)
    g_clear_pointer (&self->irqs[i], sv_irq_unref);
  G_OBJECT_CLASS (sv_isa_bus_parent_class)->finalize (object);
}

static void
sv_isa_bus_class_init (SvIsaBusClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sv_isa_bus_finalize;
}

static void
sv_isa_bus_init (SvIsaBus *self)
{
}

/**
 * sv_isa_bus_new: (skip)
 * @io: container region of the port space
 * @irqs: (array fixed-size=16): the interrupt lines
 *
 * Returns: (transfer full): a bus
 */
SvIsaBus *
sv_isa_bus_new (SvMemoryRegion *io, SvIrq **irqs)
{
  SvIsaBus *self = g_object_new (SV_TYPE_ISA_BUS, NULL);

  self->io = g_object_ref (io);
  for (guint i = 0; i < SV_ISA_N_IRQS; i++)
    self->irqs[i] = sv_irq_ref (irqs[i]);
  return self;
}

/**
 * sv_isa_bus_map: (skip)
 * @self: a bus
 * @port: first port
 * @region: registers
 *
 * Maps @region at @port.
 */
void
sv_isa_bus_map (SvIsaBus *self, guint16 port, SvMemoryRegion *region)
{
  sv_memory_region_add (self->io, port, region, 0);
}

static guint64
read_absent (gpointer opaque, guint64 offset, guint size)
{
  return G_MAXUINT64;
}

static void
write_absent (gpointer opaque, guint64 offset, guint64 value, guint size)
{
}

/**
 * sv_isa_bus_map_absent: (skip)
 * @self: a bus
 * @port: first port
 * @size: number of ports
 *
 * Says that guests will try these ports in vain: writes to them need not leave the kernel. A device
 * that is mapped there later hides them.
 */
void
sv_isa_bus_map_absent (SvIsaBus *self, guint16 port, guint16 size)
{
  static const SvMemoryRegionOps ops = { .read = read_absent, .write = write_absent };
  g_autoptr (SvMemoryRegion) region = sv_memory_region_new_io ("absent", size, &ops, NULL);

  sv_memory_region_set_coalesced (region, 0, size);
  sv_memory_region_add (self->io, port, region, ABSENT_PRIORITY);
}

/**
 * sv_isa_bus_unmap: (skip)
 * @self: a bus
 * @region: registers that are mapped
 *
 * The reverse of sv_isa_bus_map().
 */
void
sv_isa_bus_unmap (SvIsaBus *self, SvMemoryRegion *region)
{
  sv_memory_region_remove (self->io, region);
}

/**
 * sv_isa_bus_get_irq: (skip)
 * @self: a bus
 * @irq: number of the line
 *
 * Returns: (transfer none) (nullable): the line; %NULL from 16 on
 */
SvIrq *
sv_isa_bus_get_irq (SvIsaBus *self, guint irq)
{
  return irq < SV_ISA_N_IRQS ? self->irqs[irq] : NULL;
}
