/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory that goes back to the host while the guest has no use for it. */

#include "src/memory/sv-address-space.h"
#include "src/memory/sv-memory-region-private.h"

/* Bytes of pages within @length bytes from @offset on in @range that were given back */
static guint64
discard_in (const SvFlatRange *range, guint64 offset, guint64 length, gboolean zero)
{
  SvMemoryRegion *region = range->region;

  if (range->host == NULL || range->readonly || region->backend == NULL
      || !sv_memory_backend_discard (region->backend, range->offset + offset, length, zero))
    return 0;
  return length;
}

guint64
sv_address_space_discard (SvAddressSpace *self, guint64 address, guint64 length, gboolean zero)
{
  const SvFlatView *view = sv_address_space_enter (self);
  guint64 done = 0;

  while (length > 0)
    {
      const SvFlatRange *range = sv_flat_view_lookup (view, address);
      guint64 part;

      if (range == NULL)
        break;
      part = MIN (length, range->size - (address - range->start));
      done += discard_in (range, address - range->start, part, zero);
      address += part;
      length -= part;
    }
  sv_address_space_leave (self);
  return done;
}

guint64
sv_address_space_discard_mapped (SvAddressSpace *self, gpointer host, guint64 length, gboolean zero)
{
  const SvFlatView *view = sv_address_space_enter (self);
  guint64 done = 0;
  const SvFlatRange *ranges;
  gsize n_ranges;

  ranges = sv_flat_view_get_ranges (view, &n_ranges);
  for (gsize i = 0; i < n_ranges; i++)
    {
      guint64 offset = (guint64)((guintptr)host - (guintptr)ranges[i].host);

      if (ranges[i].host == NULL || (guint8 *)host < ranges[i].host || offset >= ranges[i].size)
        continue;
      done = discard_in (&ranges[i], offset, MIN (length, ranges[i].size - offset), zero);
      break;
    }
  sv_address_space_leave (self);
  return done;
}
