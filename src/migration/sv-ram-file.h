/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/memory/sv-memory-backend.h"
#include "src/migration/sv-migration-progress.h"

G_BEGIN_DECLS

/*
 * Guest memory in a file that can be mapped: all back ends in a row, pages of zeroes left out, then a page that says which
 * snapshot it belongs to.
 */

/* @pagemap: /proc/self/pagemap, by which pages that were never touched are known; -1: all of them are looked at. Any thread;
 * the guest is paused. */
SV_API gboolean sv_ram_file_write (int fd, GPtrArray *backends, int pagemap, const char *id, SvMigrationProgress *progress,
                                   GError **error);
/* Whether the file is whole, as far as that can be told without reading it, and belongs to snapshot @id. */
SV_API gboolean sv_ram_file_check (int fd, GPtrArray *backends, const char *id, GError **error);
/* Puts the file in the place of the memory, which is as it was made: copied page by page where it is written to. */
SV_API gboolean sv_ram_file_map (int fd, GPtrArray *backends, GError **error);

/* For other ways of memory to travel */
SV_API gboolean sv_ram_is_zero (gconstpointer page, gsize size);

G_END_DECLS
