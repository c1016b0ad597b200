/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-irq.h"
#include "hw/core/sv-machine.h"
#include "src/memory/sv-memory-region.h"

G_BEGIN_DECLS

/* Offsets of the power management registers (ACPI 6.5 §4.8.3) in their 128 ports */
#define SV_ICH9_PM_SIZE 128u
#define SV_ICH9_PM1_EVENT 0x00u
#define SV_ICH9_PM1_CONTROL 0x04u
#define SV_ICH9_PM_TIMER 0x08u
#define SV_ICH9_GPE0 0x20u
#define SV_ICH9_GPE0_SIZE 16u
#define SV_ICH9_PM_SLEEP_TYPE_OFF 5u /* in the DSDT's \_S5 */

/**
 * SvIch9Pm:
 *
 * Fixed hardware of ACPI as an ICH9 has it: PM1 event and control registers, the 3.58 MHz timer.
 * The platform is in ACPI mode from the start.
 */
typedef struct _SvIch9Pm SvIch9Pm;

/* @sci: level-triggered, referenced. @machine is not. */
SV_API SvIch9Pm *sv_ich9_pm_new (SvMachine *machine, SvIrq *sci);
SV_API void sv_ich9_pm_free (SvIch9Pm *self);
SV_API SvMemoryRegion *sv_ich9_pm_get_region (SvIch9Pm *self); /* (transfer none) */
SV_API void sv_ich9_pm_reset (SvIch9Pm *self);
/* State for a snapshot (floating): status, enable, control, general purpose events, microseconds of the timer. */
#define SV_ICH9_PM_STATE_TYPE "(qqqayx)"
GVariant *sv_ich9_pm_dup_state (SvIch9Pm *self);
gboolean sv_ich9_pm_load_state (SvIch9Pm *self, GVariant *state, GError **error);
/* Drives the interrupt as the registers that were loaded say. */
void sv_ich9_pm_loaded (SvIch9Pm *self);

G_END_DECLS
