/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/* The limit is kept over any time of this length. */
#define SV_RATE_LIMIT_WINDOW_NS (G_GINT64_CONSTANT (10) * 1000 * 1000 * 1000)
/* One part in this many of a window's worth may go at once; as much is taken off the rate. */
#define SV_RATE_LIMIT_BURST_SHARE 100

/**
 * SvRateLimit:
 *
 * Holds something (requests, bytes) to a rate: a token bucket. In no window of 10 s more passes
 * than the rate allows, and what always has more to do gets 99 % of it: the rest pays for a bucket
 * of 100 ms worth, which makes up for timers that fire late. Costs above half a bucket go when that
 * much is in it and leave a debt; one of them may stick out of a window.
 *
 * The time is the caller's (nanoseconds of any clock that does not go back), arithmetic is exact,
 * and nothing is allocated. Embed it and call sv_rate_limit_init(). Any thread; without a limit
 * nothing is locked.
 */
typedef struct
{
  /*< private >*/
  GMutex mutex;
  guint64 amount; /* per period; 0: no limit. Read without the mutex */
  gint64 period_ns;
  gint64 last_ns;  /* when tokens were added last */
  __int128 tokens; /* in units of which one cost is period_ns * BURST_SHARE */
} SvRateLimit;

SV_API void sv_rate_limit_init (SvRateLimit *self);
SV_API void sv_rate_limit_clear (SvRateLimit *self);
SV_API void sv_rate_limit_set (SvRateLimit *self, guint64 amount, gint64 period_ns, gint64 now_ns);
SV_API guint64 sv_rate_limit_get_amount (SvRateLimit *self);
SV_API guint64 sv_rate_limit_get_burst (SvRateLimit *self);
SV_API gint64 sv_rate_limit_take (SvRateLimit *self, guint64 cost, gint64 now_ns);
SV_API void sv_rate_limit_charge (SvRateLimit *self, guint64 cost, gint64 now_ns);
SV_API void sv_rate_limit_give_back (SvRateLimit *self, guint64 cost);

G_END_DECLS
