/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/block/sv-block-queue.h"
#include "src/runtime/sv-rate-limit.h"

G_BEGIN_DECLS

/**
 * SvBlockLimit:
 *
 * The limits of a disk, named as in QEMU: bytes and requests in a second, of all, of reads, of writes.
 */
typedef enum
{
  SV_BLOCK_LIMIT_BPS_TOTAL,
  SV_BLOCK_LIMIT_BPS_READ,
  SV_BLOCK_LIMIT_BPS_WRITE,
  SV_BLOCK_LIMIT_IOPS_TOTAL,
  SV_BLOCK_LIMIT_IOPS_READ,
  SV_BLOCK_LIMIT_IOPS_WRITE,
} SvBlockLimit;

#define SV_BLOCK_N_LIMITS (SV_BLOCK_LIMIT_IOPS_WRITE + 1)
#define SV_BLOCK_MAX_IOPS 1000000
#define SV_BLOCK_MAX_BPS (G_GINT64_CONSTANT (1) << 50)

/**
 * SvBlockThrottle:
 *
 * Holds all requests to a node to its limits, see [struct@RateLimit]. Flushes are free; discards and zeroes count as
 * write requests without bytes. Any thread; without limits nothing is locked.
 */
typedef struct
{
  /*< private >*/
  SvRateLimit limits[SV_BLOCK_N_LIMITS];
  guint active; /* a bit for each limit that is set */
} SvBlockThrottle;

SV_API void sv_block_throttle_init (SvBlockThrottle *self);
SV_API void sv_block_throttle_clear (SvBlockThrottle *self);
SV_API void sv_block_throttle_set (SvBlockThrottle *self,
                                   SvBlockLimit limit,
                                   guint64 per_second,
                                   gint64 now_ns);
SV_API guint64 sv_block_throttle_get (SvBlockThrottle *self, SvBlockLimit limit);
/* 0: the request may go, and is counted; otherwise how many nanoseconds to wait */
SV_API gint64 sv_block_throttle_take (SvBlockThrottle *self,
                                      SvBlockOp op,
                                      guint64 bytes,
                                      gint64 now_ns);
/* The request goes at any rate: those after it wait the longer. */
SV_API void sv_block_throttle_charge (SvBlockThrottle *self,
                                      SvBlockOp op,
                                      guint64 bytes,
                                      gint64 now_ns);

/* A changeable property for @limit: throttling.iops-total ... (transfer floating) */
SV_API GParamSpec *sv_block_limit_new_pspec (SvBlockLimit limit);
GParamSpec *sv_block_limit_new_alias (void);

static inline gboolean
sv_block_throttle_is_active (SvBlockThrottle *self)
{
  return __atomic_load_n (&self->active, __ATOMIC_RELAXED) != 0;
}

G_END_DECLS
