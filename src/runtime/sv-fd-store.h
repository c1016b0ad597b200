/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

G_BEGIN_DECLS

/**
 * sv_fd_store_add:
 * @scope: any object of a tree
 * @name: name of the descriptor
 * @fd: (transfer full): an open descriptor
 *
 * Keeps a file descriptor for later, by name; one that had the name before is closed. Descriptors
 * belong to the tree's root and are closed with it. Main thread.
 */
void sv_fd_store_add (SvObject *scope, const char *name, int fd);

/**
 * sv_fd_store_steal:
 * @scope: any object of a tree
 * @name: name of a descriptor
 *
 * Returns: (transfer full): the descriptor, no longer in the store; -1 when there is none of that
 * name
 */
int sv_fd_store_steal (SvObject *scope, const char *name);

G_END_DECLS
