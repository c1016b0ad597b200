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

/**
 * sv_fd_store_add_to_set:
 * @scope: any object of a tree
 * @set: number of the set
 * @fd: (transfer full): an open descriptor
 * @opaque: (nullable): what its giver calls it
 *
 * Keeps a file descriptor for [func@fd_store_open]. Main thread.
 */
SV_API void
sv_fd_store_add_to_set (SvObject *scope, guint set, int fd, const char *opaque);

/**
 * sv_fd_store_open:
 * @scope: (nullable): any object of a tree; %NULL knows no sets
 * @path: a file, or `/dev/fdset/N`
 * @flags: as for open()
 * @mode: as for open()
 *
 * Opens a file. For `/dev/fdset/N` it duplicates the descriptor of set N that has the access mode of
 * @flags; the two share their offset and status flags. Main thread.
 *
 * Returns: a descriptor, close-on-exec; -1 with errno set, ENOENT for a set that does not exist,
 *   EACCES for one without a descriptor of that access mode
 */
SV_API int sv_fd_store_open (SvObject *scope, const char *path, int flags, mode_t mode);

/**
 * SvFdSetEntry:
 * @set: number of the set
 * @fd: the descriptor
 * @opaque: (nullable): what its giver calls it
 */
typedef struct
{
  guint set;
  int fd;
  char *opaque;
} SvFdSetEntry;

/**
 * sv_fd_store_get_sets:
 * @scope: any object of a tree
 *
 * Returns: (transfer none) (element-type SvFdSetEntry): all descriptors in sets, in the order in
 *   which they came; an entry that is removed from it is closed
 */
SV_API GPtrArray *sv_fd_store_get_sets (SvObject *scope);

G_END_DECLS
