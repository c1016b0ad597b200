/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/**
 * SvPciAcpiHost: what ACPI says about a PCI Express root bus.
 */
typedef struct
{
  guint8 last_bus;
  guint32 io_base, io_size;             /* ports for base address registers, up to 0xffff */
  guint64 memory_base, memory_size;     /* below 4 GiB */
  guint64 prefetch_base, prefetch_size; /* size 0: none */
  guint first_gsi; /* pin n of slot s is level-triggered line first_gsi + (s + n) % 4 */
  guint64 ecam_base, ecam_size; /* configuration space in memory; base 0: none */
} SvPciAcpiHost;

/* Appends Device (PCI0): windows, interrupt pins, and _OSC by which the guest gets native hotplug
 * (PCI Firmware 3.3 §4.5). */
SV_API void sv_pci_acpi_append_host (GByteArray *scope, const SvPciAcpiHost *host);

G_END_DECLS
