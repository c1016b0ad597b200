/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/cli/sv-cli.h"

/* Reads a line as a shell would split it. */
gboolean cli_parse (SvVmConfig *config, const char *line, char **answer, GError **error);
/* All that the configuration holds, one thing per line. */
char *cli_dump (SvVmConfig *config);
