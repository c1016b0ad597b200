/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/memory/sv-memory-backend.h"

G_BEGIN_DECLS

/*
 * Which pages of guest memory are written while a VM moves. Processors' writes come from the accelerator, in each pass. What this
 * process may write through a mapping it got (sv_flat_view_map()) counts as written until the end, as it may happen at any time
 * until the devices are quiescent. Devices must be quiescent when a log starts. Each VM that moves has a log of its own.
 */

typedef struct _SvDirtyLog SvDirtyLog;

extern gint sv_dirty_log_active; /* atomic */

/* Any thread; for the two functions that hand out or write guest memory. Costs one load while there is no log at all. */
#define SV_DIRTY_LOG_WRITE(host, length)                                                                                     \
  G_STMT_START                                                                                                              \
    {                                                                                                                       \
      if (G_UNLIKELY (__atomic_load_n (&sv_dirty_log_active, __ATOMIC_RELAXED)))                                            \
        sv_dirty_log_write (host, length);                                                                                  \
    }                                                                                                                       \
  G_STMT_END
SV_API void sv_dirty_log_write (gconstpointer host, guint64 length);

/* VM lock held: all pages of @backends are to be sent. (transfer full) */
SV_API SvDirtyLog *sv_dirty_log_start (GPtrArray *backends);
/* VM lock held, and nobody sends any more. */
SV_API void sv_dirty_log_free (SvDirtyLog *self);
/* VM lock held: @bitmap has a bit for each of @n_pages pages from @host on that a processor wrote. */
SV_API void sv_dirty_log_merge (gconstpointer host, const gulong *bitmap, guint64 n_pages);
/* VM lock held, devices are quiescent: what this process may have written so far is to be sent again. */
SV_API void sv_dirty_log_collect (SvDirtyLog *self);
/* The thread that sends: takes the next page of back end @n from @page on that is to be sent; FALSE: there is none. */
SV_API gboolean sv_dirty_log_take (SvDirtyLog *self, guint n, guint64 *page);
/* Pages that are to be sent, what sv_dirty_log_collect() would add among them */
SV_API guint64 sv_dirty_log_count (SvDirtyLog *self);
/* Pages that sv_dirty_log_collect() takes */
SV_API guint64 sv_dirty_log_count_written (SvDirtyLog *self);

G_END_DECLS
