/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/block/sv-block-throttle.h"

#include "qom/sv-property.h"

#define SECOND_NS (G_GINT64_CONSTANT (1000000000))

/* What a request costs under a limit; 0: the limit is not about it. */
static guint64
cost_of (SvBlockLimit limit, SvBlockOp op, guint64 bytes)
{
  gboolean data = op == SV_BLOCK_READ || op == SV_BLOCK_WRITE;

  if (op == SV_BLOCK_FLUSH)
    return 0;
  switch (limit)
    {
    case SV_BLOCK_LIMIT_BPS_TOTAL:
      return data ? bytes : 0;
    case SV_BLOCK_LIMIT_BPS_READ:
      return op == SV_BLOCK_READ ? bytes : 0;
    case SV_BLOCK_LIMIT_BPS_WRITE:
      return op == SV_BLOCK_WRITE ? bytes : 0;
    case SV_BLOCK_LIMIT_IOPS_TOTAL:
      return 1;
    case SV_BLOCK_LIMIT_IOPS_READ:
      return op == SV_BLOCK_READ;
    case SV_BLOCK_LIMIT_IOPS_WRITE:
    default:
      return op != SV_BLOCK_READ;
    }
}

/**
 * sv_block_throttle_init: (skip)
 * @self: memory for a throttle
 *
 * Makes @self a throttle without limits.
 */
void
sv_block_throttle_init (SvBlockThrottle *self)
{
  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i++)
    sv_rate_limit_init (&self->limits[i]);
  self->active = 0;
}

/**
 * sv_block_throttle_clear: (skip)
 * @self: a throttle that nobody uses any more
 *
 * The reverse of sv_block_throttle_init().
 */
void
sv_block_throttle_clear (SvBlockThrottle *self)
{
  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i++)
    sv_rate_limit_clear (&self->limits[i]);
}

/**
 * sv_block_throttle_set: (skip)
 * @self: a throttle
 * @limit: which limit
 * @per_second: requests or bytes in a second; 0 for no limit
 * @now_ns: the time
 *
 * Changes a limit. Requests that wait should be tried again.
 */
void
sv_block_throttle_set (SvBlockThrottle *self, SvBlockLimit limit, guint64 per_second, gint64 now_ns)
{
  sv_rate_limit_set (&self->limits[limit], per_second, SECOND_NS, now_ns);
  if (per_second != 0)
    __atomic_fetch_or (&self->active, 1u << limit, __ATOMIC_RELAXED);
  else
    __atomic_fetch_and (&self->active, ~(1u << limit), __ATOMIC_RELAXED);
}

/**
 * sv_block_throttle_get: (skip)
 * @self: a throttle
 * @limit: which limit
 *
 * Returns: requests or bytes in a second; 0 for no limit
 */
guint64
sv_block_throttle_get (SvBlockThrottle *self, SvBlockLimit limit)
{
  return sv_rate_limit_get_amount (&self->limits[limit]);
}

/**
 * sv_block_throttle_take: (skip)
 * @self: a throttle
 * @op: what the request does
 * @bytes: its length
 * @now_ns: the time
 *
 * Lets a request pass under all limits, or under none.
 *
 * Returns: 0 when it may go; otherwise after how many nanoseconds to ask again
 */
gint64
sv_block_throttle_take (SvBlockThrottle *self, SvBlockOp op, guint64 bytes, gint64 now_ns)
{
  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i++)
    {
      guint64 cost = cost_of (i, op, bytes);
      gint64 wait_ns = cost > 0 ? sv_rate_limit_take (&self->limits[i], cost, now_ns) : 0;

      if (wait_ns == 0)
        continue;
      while (i-- > 0)
        sv_rate_limit_give_back (&self->limits[i], cost_of (i, op, bytes));
      return wait_ns;
    }
  return 0;
}

/**
 * sv_block_throttle_charge: (skip)
 * @self: a throttle
 * @op: what the request does
 * @bytes: its length
 * @now_ns: the time
 *
 * Counts a request that cannot wait.
 */
void
sv_block_throttle_charge (SvBlockThrottle *self, SvBlockOp op, guint64 bytes, gint64 now_ns)
{
  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i++)
    sv_rate_limit_charge (&self->limits[i], cost_of (i, op, bytes), now_ns);
}

/**
 * sv_block_limit_new_pspec: (skip)
 * @limit: which limit
 *
 * Returns: (transfer floating): a property that nodes and disks have for it
 */
GParamSpec *
sv_block_limit_new_pspec (SvBlockLimit limit)
{
  static const struct
  {
    const char *name;
    const char *wire_name;
    const char *blurb;
  } rows[SV_BLOCK_N_LIMITS] = {
    { "bps-total", "throttling.bps-total", "Limit of bytes in a second; 0: none" },
    { "bps-read", "throttling.bps-read", "Limit of bytes read in a second; 0: none" },
    { "bps-write", "throttling.bps-write", "Limit of bytes written in a second; 0: none" },
    { "iops-total", "throttling.iops-total", "Limit of requests in a second; 0: none" },
    { "iops-read", "throttling.iops-read", "Limit of reads in a second; 0: none" },
    { "iops-write", "throttling.iops-write", "Limit of writes in a second; 0: none" },
  };
  gboolean bytes = limit < SV_BLOCK_LIMIT_IOPS_TOTAL;

  return g_param_spec_uint64 (rows[limit].name, rows[limit].wire_name, rows[limit].blurb, 0,
                              bytes ? SV_BLOCK_MAX_BPS : SV_BLOCK_MAX_IOPS, 0, SV_PARAM_RW);
}

/**
 * sv_block_limit_new_alias: (skip)
 *
 * Returns: (transfer floating): the older word `iops` for %SV_BLOCK_LIMIT_IOPS_TOTAL
 */
GParamSpec *
sv_block_limit_new_alias (void)
{
  return g_param_spec_uint64 ("iops", "iops", "Older word for throttling.iops-total", 0,
                              SV_BLOCK_MAX_IOPS, 0, SV_PARAM_RW);
}
