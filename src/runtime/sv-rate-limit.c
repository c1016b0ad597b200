/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-rate-limit.h"

/* Bounds that keep every product below 2^127 */
#define MAX_AMOUNT (G_GUINT64_CONSTANT (1) << 62)
#define MAX_COST (G_GUINT64_CONSTANT (1) << 62)
#define MAX_PERIOD_NS (G_GINT64_CONSTANT (1) << 54)
#define MAX_ELAPSED_NS (G_GINT64_CONSTANT (1) << 54)

static __int128
units_of (SvRateLimit *self, guint64 cost)
{
  return (__int128)cost * self->period_ns * SV_RATE_LIMIT_BURST_SHARE;
}

static __int128
units_per_ns (SvRateLimit *self)
{
  return (__int128)self->amount * (SV_RATE_LIMIT_BURST_SHARE - 1);
}

/* BURST_SHARE cancels out: amount / period * window / share, in units */
static __int128
burst_units (SvRateLimit *self)
{
  return (__int128)self->amount * SV_RATE_LIMIT_WINDOW_NS;
}

static void
refill (SvRateLimit *self, gint64 now_ns)
{
  gint64 elapsed = now_ns - self->last_ns;

  if (elapsed <= 0)
    return;
  self->last_ns = now_ns;
  self->tokens += units_per_ns (self) * MIN (elapsed, MAX_ELAPSED_NS);
  self->tokens = MIN (self->tokens, burst_units (self));
}

/**
 * sv_rate_limit_init: (skip)
 * @self: memory for a rate limit
 *
 * Makes @self a rate limit that lets everything pass.
 */
void
sv_rate_limit_init (SvRateLimit *self)
{
  *self = (SvRateLimit){ .period_ns = 1 };
  g_mutex_init (&self->mutex);
}

/**
 * sv_rate_limit_clear: (skip)
 * @self: a rate limit that nobody uses any more
 *
 * The reverse of sv_rate_limit_init().
 */
void
sv_rate_limit_clear (SvRateLimit *self)
{
  g_mutex_clear (&self->mutex);
}

/**
 * sv_rate_limit_set: (skip)
 * @self: a rate limit
 * @amount: what may pass in each period; 0 for no limit
 * @period_ns: length of a period in nanoseconds, from 1 to 208 days; only the quotient matters
 * @now_ns: the time
 *
 * Changes the rate. A debt stays; a limit that was off begins with a full bucket. Those who wait
 * should ask sv_rate_limit_take() again.
 */
void
sv_rate_limit_set (SvRateLimit *self, guint64 amount, gint64 period_ns, gint64 now_ns)
{
  __int128 whole;

  g_return_if_fail (period_ns > 0);

  g_mutex_lock (&self->mutex);
  refill (self, now_ns);
  whole = self->tokens / (units_of (self, 1));
  if (self->tokens < 0)
    whole--;
  /* What no bucket holds would not fit the units of another period either. */
  whole = CLAMP (whole, -(__int128)MAX_AMOUNT, (__int128)MAX_AMOUNT);

  if (self->amount == 0)
    self->last_ns = now_ns;
  self->period_ns = MIN (period_ns, MAX_PERIOD_NS);
  self->tokens = self->amount == 0 ? (__int128)MIN (amount, MAX_AMOUNT) * SV_RATE_LIMIT_WINDOW_NS
                                   : whole * units_of (self, 1);
  __atomic_store_n (&self->amount, MIN (amount, MAX_AMOUNT), __ATOMIC_RELAXED);
  self->tokens = MIN (self->tokens, burst_units (self));
  g_mutex_unlock (&self->mutex);
}

/**
 * sv_rate_limit_get_amount: (skip)
 * @self: a rate limit
 *
 * Returns: what may pass in each period; 0 for no limit
 */
guint64
sv_rate_limit_get_amount (SvRateLimit *self)
{
  return __atomic_load_n (&self->amount, __ATOMIC_RELAXED);
}

/**
 * sv_rate_limit_get_burst: (skip)
 * @self: a rate limit
 *
 * Returns: the largest cost that leaves no debt, at least 1; %G_MAXUINT64 without a limit
 */
guint64
sv_rate_limit_get_burst (SvRateLimit *self)
{
  __int128 burst;

  if (sv_rate_limit_get_amount (self) == 0)
    return G_MAXUINT64;

  g_mutex_lock (&self->mutex);
  burst = burst_units (self) / 2 / units_of (self, 1);
  g_mutex_unlock (&self->mutex);
  return (guint64)CLAMP (burst, 1, (__int128)G_MAXUINT64);
}

/**
 * sv_rate_limit_take: (skip)
 * @self: a rate limit
 * @cost: how much wants to pass
 * @now_ns: the time
 *
 * Lets @cost pass, or tells when to ask again. Who keeps an order asks only for the first in line.
 *
 * Returns: 0 when @cost may pass, and was taken from the bucket; otherwise after how many
 *   nanoseconds it may, unless others come first
 */
gint64
sv_rate_limit_take (SvRateLimit *self, guint64 cost, gint64 now_ns)
{
  __int128 wanted, missing;
  gint64 wait_ns = 0;

  if (sv_rate_limit_get_amount (self) == 0)
    return 0;

  g_mutex_lock (&self->mutex);
  if (self->amount > 0)
    {
      refill (self, now_ns);
      wanted = units_of (self, MIN (cost, MAX_COST));
      /* From half a bucket on, so that what large costs lose by a late timer is made up for too. */
      missing = MIN (wanted, burst_units (self) / 2) - self->tokens;
      if (missing <= 0)
        self->tokens -= wanted;
      else
        {
          missing = (missing + units_per_ns (self) - 1) / units_per_ns (self);
          wait_ns = (gint64)MIN (missing, (__int128)G_MAXINT64);
        }
    }
  g_mutex_unlock (&self->mutex);
  return wait_ns;
}

/**
 * sv_rate_limit_charge: (skip)
 * @self: a rate limit
 * @cost: how much passes at any rate
 * @now_ns: the time
 *
 * Takes @cost from the bucket, which may leave a debt of any size.
 */
void
sv_rate_limit_charge (SvRateLimit *self, guint64 cost, gint64 now_ns)
{
  if (cost == 0 || sv_rate_limit_get_amount (self) == 0)
    return;

  g_mutex_lock (&self->mutex);
  refill (self, now_ns);
  self->tokens -= units_of (self, MIN (cost, MAX_COST));
  g_mutex_unlock (&self->mutex);
}

/**
 * sv_rate_limit_give_back: (skip)
 * @self: a rate limit
 * @cost: how much of what was taken did not pass after all
 */
void
sv_rate_limit_give_back (SvRateLimit *self, guint64 cost)
{
  if (cost == 0 || sv_rate_limit_get_amount (self) == 0)
    return;

  g_mutex_lock (&self->mutex);
  self->tokens += units_of (self, MIN (cost, MAX_COST));
  self->tokens = MIN (self->tokens, burst_units (self));
  g_mutex_unlock (&self->mutex);
}
