/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-device.h"
#include "hw/pci/sv-pci-host.h"

G_BEGIN_DECLS

/**
 * SvQ35Mch:
 *
 * The memory controller hub of a Q35 (`mch`), at 00.0 of the root bus: the host bridge, whose
 * PCIEXBAR says where configuration space is in memory. Its AML describes the root bus.
 */
#define SV_TYPE_Q35_MCH (sv_q35_mch_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvQ35Mch, sv_q35_mch, SV, Q35_MCH, SvPciDevice)

    /* What the root bus passes on, for the guest's operating system */
    typedef struct
{
  guint64 memory_base, memory_size;     /* below 4 GiB */
  guint64 prefetch_base, prefetch_size; /* above all RAM; size 0: none */
  guint32 io_base, io_size;
  guint first_gsi; /* pin n of slot s: first_gsi + (s + n) % 4 */
} SvQ35Windows;

SV_API SvQ35Mch *sv_q35_mch_new (SvPciHost *host, const SvQ35Windows *windows);
/* The highest bus number that there can be, for the root bus' description; 255 at first. */
SV_API void sv_q35_mch_set_last_bus (SvQ35Mch *self, guint8 last_bus);
/* Places configuration space at @ecam, as firmware would. */
SV_API void sv_q35_mch_program (SvQ35Mch *self, guint64 ecam);
SV_API guint64 sv_q35_mch_get_ecam (SvQ35Mch *self); /* where it is; 0: nowhere */

G_END_DECLS
