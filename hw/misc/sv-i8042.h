/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-isa-device.h"

G_BEGIN_DECLS

/**
 * SvI8042:
 *
 * What a keyboard controller is still good for (`i8042`): pulsing the reset line. It has no keyboard and no mouse, and
 * looks to a driver as if there were no controller.
 *
 * Signal `reset-requested`: the guest pulses the reset line. The default handler resets the machine.
 */
#define SV_TYPE_I8042 (sv_i8042_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvI8042, sv_i8042, SV, I8042, SvIsaDevice)

#define SV_I8042_DATA_PORT 0x60
#define SV_I8042_COMMAND_PORT 0x64

G_END_DECLS
