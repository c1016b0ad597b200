/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"
#include "src/accel/sv-cpu-layout.h"

G_BEGIN_DECLS

/* Bits of an APIC id below those of the core, of the die and of the socket */
typedef struct
{
  guint core_shift;
  guint die_shift;
  guint socket_shift;
} SvX86Topology;

SV_API SvX86Topology sv_x86_topology_get (const SvCpuLayout *layout);
SV_API guint32 sv_x86_topology_get_apic_id (const SvCpuLayout *layout, guint index);

G_END_DECLS
