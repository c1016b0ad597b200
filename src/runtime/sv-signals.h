/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <signal.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

SV_API gboolean sv_signals_watch (GSourceFunc func, gpointer user_data, GError **error);
SV_API void sv_signals_block (sigset_t *old);

G_END_DECLS
