/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/rng/sv-rng.h"

G_DEFINE_ABSTRACT_TYPE (SvRng, sv_rng, SV_TYPE_OBJECT)

static void
sv_rng_class_init (SvRngClass *klass)
{
  SV_OBJECT_CLASS (klass)->container = "objects";
}

static void
sv_rng_init (SvRng *self)
{
}

/**
 * sv_rng_read: (skip)
 * @self: a complete source
 * @iov: (array length=n_iov): where random bytes go
 * @n_iov: number of pieces
 *
 * Gets what entropy there is now, without waiting for more.
 *
 * Returns: how many bytes were filled, from the front on; 0 when there are none now
 */
gsize
sv_rng_read (SvRng *self, const struct iovec *iov, guint n_iov)
{
  return SV_RNG_GET_CLASS (self)->read (self, iov, n_iov);
}
