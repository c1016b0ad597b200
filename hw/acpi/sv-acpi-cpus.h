/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-acpi-ged.h"

G_BEGIN_DECLS

/* Registers, a byte each; where StratoVirt has them */
#define SV_ACPI_CPUS_SIZE 3u
#define SV_ACPI_CPUS_SELECT 0u /* written: the processor meant; read: one with something to tell, or _NONE */
#define SV_ACPI_CPUS_STATUS 1u /* read: flags of the processor meant; written: flags to clear, or to eject it */
#define SV_ACPI_CPUS_OUTCOME 2u /* written: how a request to eject ended (status code of _OST) */

#define SV_ACPI_CPUS_NONE 0xffu
#define SV_ACPI_CPUS_ENABLED 1u
#define SV_ACPI_CPUS_INSERTING 2u /* it came; writing clears */
#define SV_ACPI_CPUS_REMOVING 4u  /* it is to go; writing clears */
#define SV_ACPI_CPUS_EJECT 8u     /* written: the guest has given it up */

/**
 * SvAcpiCpus:
 *
 * Controller for processors that come and go while the guest runs; wire name `acpi-cpus`. Wired by its machine.
 *
 * Each place is an ACPI processor device; the generic event device has the guest look for places where something
 * happened and notifies their devices. _EJ0 gives a processor up, _OST tells when that is refused.
 *
 * Signals (VM lock held, main thread):
 * - `ejected` (guint index): the guest has given the processor up
 * - `refused` (guint index): the guest keeps it
 */
#define SV_TYPE_ACPI_CPUS (sv_acpi_cpus_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvAcpiCpus, sv_acpi_cpus, SV, ACPI_CPUS, SvDevice)

SV_API SvAcpiCpus *sv_acpi_cpus_new (SvAcpiGed *ged, guint64 address); /* (transfer full) */
/* What the places are; before tables are built. Copied. */
SV_API void sv_acpi_cpus_set_places (SvAcpiCpus *self, const SvAcpiCpu *cpus, guint n_cpus);

/* VM lock held */
SV_API void sv_acpi_cpus_insert (SvAcpiCpus *self, guint index);
/* FALSE: the guest has not looked since it came, there is nobody to ask */
SV_API gboolean sv_acpi_cpus_request_eject (SvAcpiCpus *self, guint index);
SV_API gboolean sv_acpi_cpus_get_outcome (SvAcpiCpus *self, guint index, guint *outcome);
/* It went without being asked for. */
SV_API void sv_acpi_cpus_forget (SvAcpiCpus *self, guint index);

G_END_DECLS
