/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

SV_API gboolean sv_daemon_start (GError **error);
SV_API gboolean sv_daemon_ready (GError **error);

G_END_DECLS
