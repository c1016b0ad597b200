/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <fcntl.h>
#include <glib.h>

G_BEGIN_DECLS

void sv_litter_init (void);
guint sv_litter_add (int directory, const char *name);
void sv_litter_remove (guint entry);
int sv_litter_open (const char *path, int flags, mode_t mode);
void sv_litter_settle (gboolean keep);

G_END_DECLS
