/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/memory/sv-memory-backend.h"

G_BEGIN_DECLS

/*
 * Which pages of guest memory are written while a VM moves. Processors' writes come from the accelerator, in each pass. What this
 * process may write through a mapping it got (sv_flat_view_map()) counts as written until the end, as it may happen at any time
 * until the devices are quiescent. Devices must be quiescent when a log starts. One log in the process.
 */

extern gint sv_dirty_log_active; /* atomic */

/* Any thread; for the two functions that hand out or write guest memory. Costs one load while there is no log. */
#define SV_DIRTY_LOG_WRITE(host, length)                                                                                     \
  G_STMT_START                                                                                                              \
    {                                                                                                                       \
      if (G_UNLIKELY (__atomic_load_n (&sv_dirty_log_active, __ATOMIC_RELAXED)))                                            \
        sv_dirty_log_write (host, length);                                                                                  \
    }                                                                                                                       \
  G_STMT_END
SV_API void sv_dirty_log_write (gconstpointer host, guint64 length);

/* VM lock held: all pages of @backends are to be sent. */
SV_API void sv_dirty_log_start (GPtrArray *backends);
SV_API void sv_dirty_log_stop (void);
/* VM lock held: @bitmap has a bit for each of @n_pages pages from @host on that a processor wrote. */
SV_API void sv_dirty_log_merge (gconstpointer host, const gulong *bitmap, guint64 n_pages);
/* VM lock held, nothing writes any more: what this process may have written is to be sent again. */
SV_API void sv_dirty_log_finish (void);
/* The thread that sends: takes the next page of back end @n from @page on that is to be sent; FALSE: there is none. */
SV_API gboolean sv_dirty_log_take (guint n, guint64 *page);
SV_API guint64 sv_dirty_log_count (void); /* pages that are to be sent */

G_END_DECLS
