/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/x86/sv-x86-machine.h"

G_BEGIN_DECLS

/**
 * SvQ35:
 *
 * The machine `q35` for x86_64: PCI Express with native hotplug, MSI-X, ACPI with fixed hardware.
 * Without firmware it boots a kernel directly and sets up what firmware would.
 */
#define SV_TYPE_Q35 (sv_q35_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvQ35, sv_q35, SV, Q35, SvX86Machine)

    G_END_DECLS
