/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/acpi/sv-acpi-ged.h"
#include "src/memory/sv-address-space.h"

G_BEGIN_DECLS

/* Registers, 4 bytes each */
#define SV_ACPI_SLOTS_SIZE 0x1000u
#define SV_ACPI_SLOTS_LEAVING 0x0u /* slots that are to be given up; reading clears it */
#define SV_ACPI_SLOTS_EJECT 0x4u   /* the guest writes the slots it has given up */
#define SV_ACPI_SLOTS_STATUS 0x8u  /* the guest writes how a request ended (_OST's status code) ... */
#define SV_ACPI_SLOTS_OUTCOME 0xcu /* ... and then the slots that this is about */

/* Guest memory: one byte of _STA for each slot */
#define SV_ACPI_SLOTS_MAX 32u

/**
 * SvAcpiSlots:
 *
 * Slots for devices that come and go while the guest runs, for kernels with ACPI; wire name `acpi-slots`. Wired by
 * its machine.
 *
 * Each slot is an ACPI device whose _STA the guest reads from reserved RAM, so that a slot costs it no exit. What
 * comes is announced by Notify (bus check) for the module device that holds the slots, what shall go by Notify
 * (eject request); the guest answers through _EJ0.
 *
 * Signal `ejected` (guint slot): the guest has given the slot up. Signal `refused` (guint slot, guint status): it was
 * asked to and keeps it. VM lock held, main thread.
 */
#define SV_TYPE_ACPI_SLOTS (sv_acpi_slots_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvAcpiSlots, sv_acpi_slots, SV, ACPI_SLOTS, SvDevice)

/*
 * Appends the names of the device in slot @slot but _STA and _EJ0: _HID, _CRS ... Returns FALSE when there is nothing
 * to describe: the slot is used by what is there at boot.
 */
typedef gboolean (*SvAcpiSlotsDescribe) (guint slot, GByteArray *aml, gpointer opaque);

/* The state of slots lies at @state: reserved RAM, a byte for each. (transfer full) */
SV_API SvAcpiSlots *
sv_acpi_slots_new (SvAcpiGed *ged, guint64 registers, guint64 state, guint n_slots);
SV_API void
sv_acpi_slots_set_describe (SvAcpiSlots *self, SvAcpiSlotsDescribe describe, gpointer opaque);

/* VM lock held */
SV_API void sv_acpi_slots_insert (SvAcpiSlots *self, guint slot);
/* FALSE: the guest has not looked since it was inserted, there is nobody to ask */
SV_API gboolean sv_acpi_slots_request_eject (SvAcpiSlots *self, guint slot);
/* The slot is empty from now on. */
SV_API void sv_acpi_slots_remove (SvAcpiSlots *self, guint slot);
/* For a guest that is loaded: all are empty. */
SV_API void sv_acpi_slots_clear (SvAcpiSlots *self);

G_END_DECLS
