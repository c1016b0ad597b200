/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/memory/sv-memory-policy.h"

G_BEGIN_DECLS

/* Memory of this process that is a guest's RAM: how it is wanted, and where it is. Errors do not say whose it is. */
typedef struct
{
  guint64 size;
  gboolean share;
  gboolean prealloc;
  gboolean dump;
  gboolean merge;
  gboolean reserve;
  gboolean huge_pages; /* transparent ones */
  SvMemoryPolicy policy;
  GStrv nodes;
  gboolean readonly;
  gsize page_size;
  int fd; /* the file that it is made of; -1: none */

  guint8 *host; /* NULL: not mapped */
  int template; /* the file that its contents come from; -1: none */
} SvMemoryMapping;

void sv_memory_mapping_init (SvMemoryMapping *self);
void sv_memory_mapping_clear (SvMemoryMapping *self);
/* Maps what is wanted, page_size and fd set. After a failure, sv_memory_mapping_unmap() */
gboolean sv_memory_mapping_map (SvMemoryMapping *self, GError **error);
/* Closes fd and template as well. */
void sv_memory_mapping_unmap (SvMemoryMapping *self);
/* What sv_memory_backend_map_template() and sv_memory_backend_discard() do */
gboolean sv_memory_mapping_map_template (SvMemoryMapping *self, int fd, guint64 offset, GError **error);
gboolean sv_memory_mapping_discard (SvMemoryMapping *self, guint64 offset, guint64 length, gboolean zero);

G_END_DECLS
