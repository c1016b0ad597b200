/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

SV_API void sv_process_title_set (char **argv, const char *name);

G_END_DECLS
