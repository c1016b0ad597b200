/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-isa-device.h"

G_BEGIN_DECLS

/**
 * SvPvpanicIsa:
 *
 * A port by which a guest tells that its kernel panicked (`pvpanic`; Linux drivers/misc/pvpanic, QEMU
 * docs/specs/pvpanic): what libvirt means by a panic device. Properties: `ioport`, `events`.
 */
#define SV_TYPE_PVPANIC_ISA (sv_pvpanic_isa_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvPvpanicIsa, sv_pvpanic_isa, SV, PVPANIC_ISA, SvIsaDevice)

G_END_DECLS
