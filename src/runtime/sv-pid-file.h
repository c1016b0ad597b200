/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

typedef struct _SvPidFile SvPidFile;

SV_API SvPidFile *sv_pid_file_new (const char *path, GError **error);
SV_API void sv_pid_file_free (SvPidFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvPidFile, sv_pid_file_free)

G_END_DECLS
