/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"
#include "hw/core/sv-irq.h"

G_BEGIN_DECLS

/* Registers, from the device's base address; placed as on QEMU's microvm */
#define SV_ACPI_GED_SIZE 0x1000u
#define SV_ACPI_GED_EVENT 0x000u         /* 4 bytes: pending events; reading clears them */
#define SV_ACPI_GED_SLEEP_CONTROL 0x200u /* 1 byte */
#define SV_ACPI_GED_SLEEP_STATUS 0x201u  /* 1 byte */
#define SV_ACPI_GED_RESET 0x202u         /* 1 byte: writing SV_ACPI_GED_RESET_VALUE resets the machine */
#define SV_ACPI_GED_RESET_VALUE 0x42u

/* Events. From SV_ACPI_GED_EVENT_SLOT on one bit for each hotplug slot of a machine that has such. */
#define SV_ACPI_GED_EVENT_POWER_BUTTON 1u
#define SV_ACPI_GED_EVENT_SLOTS_IN 2u  /* of SvAcpiSlots: something came */
#define SV_ACPI_GED_EVENT_SLOTS_OUT 3u /* something is to be given up */
#define SV_ACPI_GED_EVENT_CPUS 4u      /* of SvAcpiCpus: look at the processors */
#define SV_ACPI_GED_EVENT_VMGENID 5u /* of SvVmgenid: another generation */
#define SV_ACPI_GED_EVENT_SLOT 8u
#define SV_ACPI_GED_MAX_EVENTS 32u

/* Notification values (ACPI 6.5 §5.6.6) */
#define SV_ACPI_NOTIFY_BUS_CHECK 0x00u
#define SV_ACPI_NOTIFY_DEVICE_CHECK 0x01u
#define SV_ACPI_NOTIFY_EJECT_REQUEST 0x03u
#define SV_ACPI_NOTIFY_BUTTON 0x80u

/**
 * SvAcpiGed:
 *
 * Generic Event Device (ACPI 6.5 §5.6.9) with the sleep and reset registers of a hardware-reduced platform; wire name
 * `acpi-ged`. Wired by its machine. Its AML also brings the power button. Properties: `addr`.
 */
#define SV_TYPE_ACPI_GED (sv_acpi_ged_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvAcpiGed, sv_acpi_ged, SV, ACPI_GED, SvDevice)

SV_API SvAcpiGed *sv_acpi_ged_new (guint64 address, SvIrq *irq);
SV_API void sv_acpi_ged_add_notify (SvAcpiGed *self, guint event, const char *path, guint8 value);
/* Calls a method without arguments rather than notifying a device. */
SV_API void sv_acpi_ged_add_method (SvAcpiGed *self, guint event, const char *path);
SV_API void sv_acpi_ged_raise (SvAcpiGed *self, guint event);
SV_API gboolean sv_acpi_ged_is_pending (SvAcpiGed *self, guint event);
SV_API void sv_acpi_ged_power_button (SvAcpiGed *self);

G_END_DECLS
