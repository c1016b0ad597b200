/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-x86-topology.h"

static guint
bits_for (guint count)
{
  return count > 1 ? g_bit_storage (count - 1) : 0;
}

/**
 * sv_x86_topology_get: (skip)
 * @layout: an arrangement of processors
 *
 * Each level of an APIC id has a field of its own, of as many bits as its largest number takes (Intel SDM volume 3,
 * 9.9.3.1).
 *
 * Returns: where the fields begin
 */
SvX86Topology
sv_x86_topology_get (const SvCpuLayout *layout)
{
  SvX86Topology self;

  self.core_shift = bits_for (layout->threads);
  self.die_shift = self.core_shift + bits_for (layout->cores);
  self.socket_shift = self.die_shift + bits_for (layout->dies);
  return self;
}

/**
 * sv_x86_topology_get_apic_id: (skip)
 * @layout: an arrangement of processors
 * @index: number of a processor
 *
 * Returns: its APIC id
 */
guint32
sv_x86_topology_get_apic_id (const SvCpuLayout *layout, guint index)
{
  const SvX86Topology topology = sv_x86_topology_get (layout);
  const guint core = index / layout->threads;
  const guint die = core / layout->cores;

  return die / layout->dies << topology.socket_shift | die % layout->dies << topology.die_shift
         | core % layout->cores << topology.core_shift | index % layout->threads;
}
