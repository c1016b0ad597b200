/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"

G_BEGIN_DECLS

/**
 * SvVmgenid:
 *
 * VM Generation ID (Microsoft, "Virtual Machine Generation ID"; QEMU docs/specs/vmgenid): a GUID in reserved memory, of which ACPI
 * tells the guest. It changes when the guest goes on from a snapshot, as it may do more than once: a guest then takes new random
 * numbers. Properties: `guid`.
 */
#define SV_TYPE_VMGENID (sv_vmgenid_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvVmgenid, sv_vmgenid, SV, VMGENID, SvDevice)

/* The GUID that the guest sees, as text. (transfer none) */
SV_API const char *sv_vmgenid_get_current (SvVmgenid *self);

G_END_DECLS
