/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/random.h>

#include "src/rng/sv-rng.h"

#include "src/migration/sv-migratable.h"

/**
 * SvRngBuiltin:
 *
 * The host kernel's random numbers by system call, without a file (wire name `rng-builtin`).
 */
G_DECLARE_FINAL_TYPE (SvRngBuiltin, sv_rng_builtin, SV, RNG_BUILTIN, SvRng)

struct _SvRngBuiltin
{
  SvRng parent_instance;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvRngBuiltin, sv_rng_builtin, SV_TYPE_RNG,
                               SV_MIGRATABLE_STATELESS ("random numbers shall not be the same twice"))

static gsize
sv_rng_builtin_read (SvRng *rng, const struct iovec *iov, guint n_iov)
{
  gsize total = 0;

  for (guint i = 0; i < n_iov; i++)
    {
      /* Nothing while the host's own pool is not ready, less when a signal comes. */
      ssize_t n = getrandom (iov[i].iov_base, iov[i].iov_len, GRND_NONBLOCK);

      if (n > 0)
        total += (gsize)n;
      if (n < 0 || (gsize)n < iov[i].iov_len)
        break;
    }
  return total;
}

static void
sv_rng_builtin_class_init (SvRngBuiltinClass *klass)
{
  SV_RNG_CLASS (klass)->read = sv_rng_builtin_read;
}

static void
sv_rng_builtin_init (SvRngBuiltin *self)
{
}
