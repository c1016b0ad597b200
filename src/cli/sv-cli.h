/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/cli/sv-vm-config.h"

G_BEGIN_DECLS

SV_API gboolean sv_cli_parse (SvVmConfig *config,
                              const char *const *arguments,
                              char **answer,
                              GError **error);

G_END_DECLS
