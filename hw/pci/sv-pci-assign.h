/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-bus.h"

G_BEGIN_DECLS

/**
 * SvPciResources: what a machine has to give away; a size of 0: none of it.
 */
typedef struct
{
  guint64 io_base, io_size;
  guint64 memory_base, memory_size;     /* below 4 GiB */
  guint64 prefetch_base, prefetch_size; /* may lie above */
} SvPciResources;

/*
 * Does what firmware does: numbers the buses below @root, gives every base address register an
 * address and every bridge windows with room for devices that come later, and switches decoding on.
 */
SV_API gboolean sv_pci_assign (SvPciBus *root,
                               const SvPciResources *resources,
                               guint *last_bus,
                               GError **error);

G_END_DECLS
