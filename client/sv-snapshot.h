/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/* What is in the snapshot in @directory: "(a{sv}a(sa(suv)))", the description of the VM and the states of its objects.
 * NULL with an error when there is none, or it was altered. (transfer full) */
GVariant *sv_snapshot_read (const char *directory, GError **error);

G_END_DECLS
