/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

G_BEGIN_DECLS

/* The container, below the machine, of what says what the machine is made of */
#define SV_MACHINE_PARTS "parts"

SV_API SvObject *sv_vm_tree_new (void);
SV_API gboolean
sv_vm_tree_add (SvObject *root, const char *id, SvObject *object, GError **error);
SV_API SvObject *sv_vm_tree_get_machine (SvObject *root); /* (transfer none) (nullable) */

G_END_DECLS
