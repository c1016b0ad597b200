/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

G_BEGIN_DECLS

/**
 * SvMemoryBackend:
 *
 * Host memory for guest RAM (abstract). Subclasses: `memory-backend-ram`, `memory-backend-memfd`,
 * `memory-backend-file`. Properties: `size` (bytes), `share`, `prealloc`, `dump`, `merge`,
 * `reserve`. Memory is mapped when the object is completed: MAP_NORESERVE, aligned to 2 MiB (to the huge
 * page size where there is one).
 */
#define SV_TYPE_MEMORY_BACKEND (sv_memory_backend_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvMemoryBackend, sv_memory_backend, SV, MEMORY_BACKEND, SvObject)

struct _SvMemoryBackendClass
{
  SvObjectClass parent_class;

  /* Opens the file behind the memory, of the right size: *@fd stays -1 for anonymous memory. *@page_size comes
   * as the host's. */
  gboolean (*open) (SvMemoryBackend *self, int *fd, gsize *page_size, GError **error);
  gpointer padding[4];
};

SV_API guint8 *sv_memory_backend_get_host (SvMemoryBackend *self); /* NULL before completion */
SV_API guint64 sv_memory_backend_get_size (SvMemoryBackend *self);
SV_API int sv_memory_backend_get_fd (SvMemoryBackend *self);       /* -1: anonymous */
SV_API gboolean sv_memory_backend_get_share (SvMemoryBackend *self);
SV_API gboolean sv_memory_backend_get_readonly (SvMemoryBackend *self); /* mapped read-only */
SV_API gsize sv_memory_backend_get_page_size (SvMemoryBackend *self);

/*
 * Gives the memory of whole pages within the range back to the host. FALSE: not possible, as for read-only memory or
 * while it is inhibited; with @zero also where other bytes than zeroes would come back.
 */
SV_API gboolean sv_memory_backend_discard (SvMemoryBackend *self, guint64 offset, guint64 length,
                                           gboolean zero);
/* From now on (until as often FALSE) no memory is given back, as long as devices outside of this process access it
 * by addresses that would not follow. Any thread. */
SV_API void sv_memory_inhibit_discard (gboolean inhibit);

/*
 * Puts a private copy of @fd from @offset on in the place of anonymous memory that nothing was written to. The file must stay as
 * it is as long as the memory lives.
 */
SV_API gboolean sv_memory_backend_map_template (SvMemoryBackend *self, int fd, guint64 offset, GError **error);
/* Before the first of them is mapped: whether the new mapping can be like the present one */
SV_API gboolean sv_memory_backend_check_template (SvMemoryBackend *self, GError **error);
SV_API int sv_memory_backend_get_template (SvMemoryBackend *self); /* -1: there is none */
/* NULL, or why the memory cannot be saved: huge pages, a file, sharing */
SV_API const char *sv_memory_backend_get_obstacle (SvMemoryBackend *self);

/* For subclasses */
SV_API void sv_memory_backend_set_readonly (SvMemoryBackend *self, gboolean readonly);
SV_API gboolean sv_memory_backend_check_size (SvMemoryBackend *self, gsize page_size, GError **error);

/* The three leaf types */
SV_API GType sv_memory_backend_ram_get_type (void);
SV_API GType sv_memory_backend_memfd_get_type (void);
SV_API GType sv_memory_backend_file_get_type (void);

G_END_DECLS
