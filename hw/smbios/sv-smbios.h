/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-machine.h"

G_BEGIN_DECLS

/* RAM as the guest finds it, in bytes */
typedef struct
{
  guint64 start;
  guint64 size;
} SvSmbiosRange;

/**
 * SvSmbiosConfig:
 * @address: guest-physical address at which the structures will lie; 0: whoever places them enters it in the anchor
 * @ram: (array length=n_ram): ranges of RAM
 * @n_ram: how many
 *
 * What structures need beside the machine.
 */
typedef struct
{
  guint64 address;
  const SvSmbiosRange *ram;
  guint n_ram;
} SvSmbiosConfig;

/* Whether the user said anything that these tables tell: -smbios or -uuid. */
SV_API gboolean sv_smbios_is_wanted (SvMachine *machine);
/*
 * The structures (SMBIOS 3.0.0) and the entry point that leads to them, as fw_cfg has them in etc/smbios/smbios-tables and
 * etc/smbios/smbios-anchor. (transfer full) both; FALSE with an error that names the option at fault.
 */
SV_API gboolean sv_smbios_build (SvMachine *machine, const SvSmbiosConfig *config, GByteArray **anchor,
                                 GByteArray **tables, GError **error);

G_END_DECLS
