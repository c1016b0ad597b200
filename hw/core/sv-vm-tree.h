/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

G_BEGIN_DECLS

SV_API SvObject *sv_vm_tree_new (void);
SV_API gboolean
sv_vm_tree_add (SvObject *root, const char *id, SvObject *object, GError **error);
SV_API SvObject *sv_vm_tree_get_machine (SvObject *root); /* (transfer none) (nullable) */

G_END_DECLS
