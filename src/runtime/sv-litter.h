/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

void sv_litter_init (void);
guint sv_litter_add (int directory, const char *name);
void sv_litter_remove (guint entry);

G_END_DECLS
