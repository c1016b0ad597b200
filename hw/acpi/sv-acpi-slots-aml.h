/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/acpi/sv-acpi-slots.h"

G_BEGIN_DECLS

/* Where the slots are, and what is in them */
typedef struct
{
  guint64 registers;
  guint64 state;
  guint n_slots;
  SvAcpiSlotsDescribe describe; /* NULL: there is nothing to describe */
  gpointer opaque;
} SvAcpiSlotsLayout;

/* Appends the device SLOT, with a device for each slot, and the method LOOK that the generic event device calls. */
void sv_acpi_slots_append_aml (GByteArray *scope, const SvAcpiSlotsLayout *layout);

G_END_DECLS
