/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

G_BEGIN_DECLS

/* Makes all wire names known to the registry. Idempotent. */
SV_API void sv_type_list_register (void);

G_END_DECLS
