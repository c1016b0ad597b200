/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

SV_API gboolean
sv_privileges_init (const char *run_as, const char *root, gboolean confine, GError **error);
SV_API void sv_privileges_enter_thread (void);
SV_API gboolean sv_privileges_enter (GError **error);

G_END_DECLS
