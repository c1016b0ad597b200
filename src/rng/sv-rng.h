/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/uio.h>

#include "qom/sv-object.h"

G_BEGIN_DECLS

/**
 * SvRng:
 *
 * A source of entropy for a guest (abstract, wire name `rng-backend`). Completed = opened.
 */
#define SV_TYPE_RNG (sv_rng_get_type ())
SV_API
G_DECLARE_DERIVABLE_TYPE (SvRng, sv_rng, SV, RNG, SvObject)

/**
 * SvRngClass:
 * @read: fills the pieces with random bytes from the front on, as many as there are now, and never
 * waits; returns how many. In any thread, one at a time
 */
struct _SvRngClass
{
  SvObjectClass parent_class;

  gsize (*read) (SvRng *self, const struct iovec *iov, guint n_iov);
  gpointer padding[4];
};

SV_API gsize sv_rng_read (SvRng *self, const struct iovec *iov, guint n_iov);

/* The leaf types */
SV_API GType sv_rng_builtin_get_type (void);
SV_API GType sv_rng_random_get_type (void);

G_END_DECLS
