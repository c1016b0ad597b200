/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/cli/sv-vm-config.h"

G_BEGIN_DECLS

SV_API gboolean sv_cli_parse (SvVmConfig *config,
                              const char *const *arguments,
                              char **answer,
                              GError **error);

SV_API JsonNode *sv_cli_list_options (void);

G_END_DECLS
