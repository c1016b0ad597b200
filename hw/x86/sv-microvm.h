/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/x86/sv-x86-machine.h"

G_BEGIN_DECLS

/**
 * SvMicrovm:
 *
 * The machine `microvm` for x86_64: direct kernel boot, virtio-mmio, serial port, RTC; found through
 * hardware-reduced ACPI as well as through an MP table and `virtio_mmio.device=` words.
 */
#define SV_TYPE_MICROVM (sv_microvm_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvMicrovm, sv_microvm, SV, MICROVM, SvX86Machine)

G_END_DECLS
