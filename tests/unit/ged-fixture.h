/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/acpi/sv-acpi-ged.h"
#include "hw/core/sv-machine.h"
#include "src/memory/sv-address-space.h"

/* A machine without a guest, with a generic event device for a hotplug controller, which the test puts beside it. */
#define GED 0xf0000000u

typedef struct
{
  SvMachine *machine;
  SvAddressSpace *memory;
  SvAcpiGed *ged;
  guint pulses; /* of its interrupt */
} GedFixture;

void ged_set_up (GedFixture *f);
void ged_tear_down (GedFixture *f);
/* Places an object below the machine, and completes it. */
void ged_place (GedFixture *f, const char *id, gpointer object);
/* What the guest's interrupt handler does: reads what happened, which is then over. */
guint32 ged_look (GedFixture *f);
/* Lets the main loop run until it has nothing to do. */
void ged_settle (void);
