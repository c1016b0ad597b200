/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/acpi/sv-acpi-cpus.h"
#include "hw/core/sv-cpu.h"
#include "hw/core/sv-machine.h"
#include "src/accel/sv-x86-entry.h"

G_BEGIN_DECLS

/* The processors of an x86 machine: what its tables tell of them, and their coming and going. @machine owns it. */
typedef struct _SvX86Cpus SvX86Cpus;

/* NULL with an error: the model is not known, or the arrangement takes APIC ids that there are not. */
SvX86Cpus *sv_x86_cpus_new (SvMachine *machine, GError **error);
void sv_x86_cpus_free (SvX86Cpus *self);
/* Makes the controller, on machines that have more places than processors. */
gboolean sv_x86_cpus_add_controller (SvX86Cpus *self, SvAcpiGed *ged, GError **error);
/* For a guest that is about to be loaded: all places, *@n of them. (transfer none) */
const SvAcpiCpu *sv_x86_cpus_describe (SvX86Cpus *self, guint *n);
gboolean sv_x86_cpus_reset (SvX86Cpus *self, const SvX86Entry *entry, GError **error);
gboolean sv_x86_cpus_plugged (SvX86Cpus *self, SvCpu *cpu, GError **error);
gboolean sv_x86_cpus_unplug_request (SvX86Cpus *self, SvCpu *cpu, GError **error);

G_END_DECLS
