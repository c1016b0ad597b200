/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/misc/sv-fw-cfg.h"
#include "hw/x86/sv-x86-machine.h"

G_BEGIN_DECLS

#define SV_Q35_N_FLASH 2u

/**
 * SvQ35Firmware:
 *
 * Start from UEFI firmware instead of a kernel: the flash chips, and what firmware asks fw_cfg for. It does
 * itself what the machine does without: assign addresses on PCI, place ACPI tables, load a kernel.
 */
typedef struct _SvQ35Firmware SvQ35Firmware;

/* @flash: images, first the one that ends at 4 GiB; either may be NULL. Not referenced: @machine. */
SV_API SvQ35Firmware *sv_q35_firmware_new (SvX86Machine *machine,
                                           SvFwCfg *fw_cfg,
                                           SvObject *const flash[SV_Q35_N_FLASH],
                                           GError **error);
/* At each start and reset, with all devices there. */
SV_API gboolean sv_q35_firmware_load (SvQ35Firmware *self, GError **error);
SV_API void sv_q35_firmware_free (SvQ35Firmware *self);

G_END_DECLS
