/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/x86/sv-microvm-slot.h"
#include "hw/x86/sv-microvm-slots.h"
#include "hw/x86/sv-x86-layout.h"

G_BEGIN_DECLS

#define N_SLOTS SV_MICROVM_MMIO_COUNT

struct _SvMicrovmSlots
{
  SvMachine *machine;
  SvVirtioMmioBank *bank;
  SvAcpiSlots *acpi;
  SvMicrovmSlot slots[N_SLOTS];
  gint wanted;   /* number among devices of its kind that the next one asks for; -1: any */
  gboolean live; /* the guest knows what is where */
};

G_END_DECLS
