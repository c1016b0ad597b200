/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-cpu-layout.h"
#include "src/memory/sv-address-space.h"

G_BEGIN_DECLS

/* Writes an MP table (Intel MultiProcessor Specification 1.4) for the first @n_cpus of @layout with identity-mapped ISA interrupts and all 24
 * IOAPIC pins, at the start of the EBDA (or elsewhere in the first MiB when it does not fit: 254 CPUs). */
SV_API gboolean sv_mptable_write (SvAddressSpace *memory, const SvCpuLayout *layout,
                                  guint n_cpus, GError **error);

G_END_DECLS
