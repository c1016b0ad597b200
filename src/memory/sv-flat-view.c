/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/memory/sv-flat-view.h"

#include <string.h>

#include "src/memory/sv-dirty-log.h"
#include "src/memory/sv-memory-region-private.h"

#define N_SLOTS 4

/* Addresses while building: an alias may place its target's start below zero, and ends above 2^64.
 */
__extension__ typedef __int128 Wide;

typedef struct
{
  Wide start;
  Wide end;
} Span;

static Span
intersect (Span a, Span b)
{
  return (Span){ MAX (a.start, b.start), MIN (a.end, b.end) };
}

static void
insert_range (
    GArray *ranges, guint index, SvMemoryRegion *region, Wide base, Span span, gboolean readonly)
{
  SvFlatRange range = { .start = (guint64)span.start,
                        .size = (guint64)(span.end - span.start),
                        .region = region,
                        .offset = (guint64)(span.start - base),
                        .readonly = FALSE };

  if (region->host != NULL && !region->rom_hidden)
    {
      range.host = region->host + range.offset;
      range.readonly = readonly;
    }
  g_array_insert_val (ranges, index, range);
}

/* First range that ends above @address */
static guint
find_range (GArray *ranges, Wide address)
{
  guint low = 0, high = ranges->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      const SvFlatRange *range = &g_array_index (ranges, SvFlatRange, middle);

      if ((Wide)range->start + range->size > address)
        high = middle;
      else
        low = middle + 1;
    }
  return low;
}

/* What was rendered before is above: a leaf fills the gaps. */
static void
render_leaf (GArray *ranges, SvMemoryRegion *region, Wide base, Span span, gboolean readonly)
{
  guint i = find_range (ranges, span.start);

  while (span.start < span.end)
    {
      Span gap = span;

      if (i < ranges->len)
        gap.end = MIN (gap.end, (Wide)g_array_index (ranges, SvFlatRange, i).start);
      if (gap.start < gap.end)
        insert_range (ranges, i++, region, base, gap, readonly);
      if (i < ranges->len)
        {
          const SvFlatRange *range = &g_array_index (ranges, SvFlatRange, i);

          gap.end = MAX (gap.end, (Wide)range->start + range->size);
          if (gap.end > span.end || (Wide)range->start >= span.end)
            return;
          i++;
        }
      span.start = gap.end;
    }
}

/* @base is where the region's offset 0 would be; only what lies within @clip shows. */
static void
render (GArray *ranges, SvMemoryRegion *region, Wide base, Span clip, gboolean readonly)
{
  Span span = intersect (clip, (Span){ base, base + region->size });

  if (!region->enabled || span.start >= span.end)
    return;
  readonly |= region->readonly;

  switch (region->kind)
    {
    case SV_MEMORY_REGION_ALIAS:
      render (ranges, region->target, base - region->target_offset, span, readonly);
      break;
    case SV_MEMORY_REGION_CONTAINER:
      for (guint i = 0; i < region->subregions->len; i++)
        {
          SvMemoryRegion *sub = g_ptr_array_index (region->subregions, i);

          render (ranges, sub, base + sub->offset, span, readonly);
        }
      break;
    case SV_MEMORY_REGION_IO:
    case SV_MEMORY_REGION_ROM_DEVICE:
    case SV_MEMORY_REGION_RAM:
      render_leaf (ranges, region, base, span, readonly);
      break;
    }
}

static void
merge_neighbours (GArray *ranges)
{
  guint n = 0;

  for (guint i = 0; i < ranges->len; i++)
    {
      SvFlatRange *range = &g_array_index (ranges, SvFlatRange, i);
      SvFlatRange *last = n > 0 ? &g_array_index (ranges, SvFlatRange, n - 1) : NULL;

      if (last != NULL && last->region == range->region && last->start + last->size == range->start
          && last->offset + last->size == range->offset && last->readonly == range->readonly)
        last->size += range->size;
      else
        g_array_index (ranges, SvFlatRange, n++) = *range;
    }
  g_array_set_size (ranges, n);
}

static void
add_ioeventfds (SvFlatView *view, const SvFlatRange *range)
{
  GArray *ioeventfds = range->region->ioeventfds;

  for (guint i = 0; ioeventfds != NULL && i < ioeventfds->len; i++)
    {
      const SvRegionIoeventfd *e = &g_array_index (ioeventfds, SvRegionIoeventfd, i);
      SvFlatIoeventfd flat = {
        .value = e->value, .serial = e->serial, .size = e->size, .match = e->match, .fd = e->fd
      };

      if (e->offset < range->offset || e->offset - range->offset >= range->size
          || MAX (e->size, 1) > range->size - (e->offset - range->offset))
        continue;
      flat.address = range->start + (e->offset - range->offset);
      g_array_append_val (view->ioeventfds, flat);
    }
}

static void
add_zone (SvFlatView *view, const SvFlatRange *range)
{
  const SvMemoryRegion *region = range->region;
  Span part = { region->coalesced_offset, (Wide)region->coalesced_offset + region->coalesced_size };
  SvFlatZone zone;

  part = intersect (part, (Span){ range->offset, (Wide)range->offset + range->size });
  if (part.start >= part.end)
    return;
  zone.start = range->start + (guint64)(part.start - range->offset);
  zone.size = (guint64)(part.end - part.start);
  g_array_append_val (view->zones, zone);
}

static gint
compare_ioeventfds (gconstpointer a, gconstpointer b)
{
  const SvFlatIoeventfd *x = a, *y = b;

  if (x->address != y->address)
    return x->address < y->address ? -1 : 1;
  return x->serial < y->serial ? -1 : x->serial > y->serial;
}

/* Makes the view of what shows below @root. */
SvFlatView *
sv_flat_view_new (SvMemoryRegion *root, guint slot)
{
  static guint64 serial;
  SvFlatView *view = g_new0 (SvFlatView, 1);
  GArray *ranges = g_array_new (FALSE, FALSE, sizeof (SvFlatRange));

  render (ranges, root, 0, (Span){ 0, G_MAXUINT64 }, FALSE);
  merge_neighbours (ranges);

  view->serial = __atomic_add_fetch (&serial, 1, __ATOMIC_RELAXED);
  view->slot = slot % N_SLOTS;
  view->n_ranges = ranges->len;
  view->starts = g_new (guint64, MAX (ranges->len, 1));
  view->ioeventfds = g_array_new (FALSE, FALSE, sizeof (SvFlatIoeventfd));
  view->zones = g_array_new (FALSE, FALSE, sizeof (SvFlatZone));
  view->ranges = (SvFlatRange *)g_array_free (ranges, FALSE);
  for (guint i = 0; i < view->n_ranges; i++)
    {
      const SvFlatRange *range = &view->ranges[i];

      view->starts[i] = range->start;
      g_object_ref (range->region);
      if (range->region->kind != SV_MEMORY_REGION_RAM)
        {
          add_ioeventfds (view, range);
          add_zone (view, range);
        }
    }
  g_array_sort (view->ioeventfds, compare_ioeventfds);
  return view;
}

void
sv_flat_view_free (SvFlatView *view)
{
  for (guint i = 0; i < view->n_ranges; i++)
    g_object_unref (view->ranges[i].region);
  g_free (view->ranges);
  g_free (view->starts);
  g_array_unref (view->ioeventfds);
  g_array_unref (view->zones);
  g_free (view);
}

gboolean
sv_flat_range_equal (const SvFlatRange *a, const SvFlatRange *b)
{
  return a->start == b->start && a->size == b->size && a->region == b->region
         && a->offset == b->offset && a->host == b->host && a->readonly == b->readonly;
}

gboolean
sv_flat_ioeventfd_equal (const SvFlatIoeventfd *a, const SvFlatIoeventfd *b)
{
  return a->serial == b->serial && a->address == b->address;
}

gboolean
sv_flat_zone_equal (const SvFlatZone *a, const SvFlatZone *b)
{
  return a->start == b->start && a->size == b->size;
}

gboolean
sv_flat_view_equal (const SvFlatView *a, const SvFlatView *b)
{
  if (a->n_ranges != b->n_ranges || a->ioeventfds->len != b->ioeventfds->len
      || a->zones->len != b->zones->len)
    return FALSE;
  for (guint i = 0; i < a->n_ranges; i++)
    {
      if (!sv_flat_range_equal (&a->ranges[i], &b->ranges[i]))
        return FALSE;
    }
  for (guint i = 0; i < a->ioeventfds->len; i++)
    {
      if (!sv_flat_ioeventfd_equal (&g_array_index (a->ioeventfds, SvFlatIoeventfd, i),
                                    &g_array_index (b->ioeventfds, SvFlatIoeventfd, i)))
        return FALSE;
    }
  for (guint i = 0; i < a->zones->len; i++)
    {
      if (!sv_flat_zone_equal (&g_array_index (a->zones, SvFlatZone, i),
                               &g_array_index (b->zones, SvFlatZone, i)))
        return FALSE;
    }
  return TRUE;
}

/* Number of ranges that start at or below @address */
static guint
count_starts (const SvFlatView *view, guint64 address)
{
  guint low = 0, high = view->n_ranges;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if (view->starts[middle] <= address)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

/**
 * sv_flat_view_lookup:
 * @view: a pinned view
 * @address: an address
 *
 * Returns: (nullable): the range that holds @address, %NULL for a hole; valid as long as @view
 */
const SvFlatRange *
sv_flat_view_lookup (const SvFlatView *view, guint64 address)
{
  static _Thread_local struct
  {
    guint64 serial;
    guint index;
  } hits[N_SLOTS];
  const SvFlatRange *range;
  guint n;

  if (hits[view->slot].serial == view->serial)
    {
      range = &view->ranges[hits[view->slot].index];
      if (address - range->start < range->size)
        return range;
    }

  n = count_starts (view, address);
  if (n == 0)
    return NULL;
  range = &view->ranges[n - 1];
  if (address - range->start >= range->size)
    return NULL;
  hits[view->slot].serial = view->serial;
  hits[view->slot].index = n - 1;
  return range;
}

guint64
sv_flat_view_get_hole (const SvFlatView *view, guint64 address)
{
  guint n = count_starts (view, address);

  return (n < view->n_ranges ? view->starts[n] : G_MAXUINT64) - address;
}

/**
 * sv_flat_view_get_ranges:
 * @view: a pinned view
 * @n_ranges: (out): their number
 *
 * Returns: (array length=n_ranges): all ranges, sorted by address; valid as long as @view
 */
const SvFlatRange *
sv_flat_view_get_ranges (const SvFlatView *view, gsize *n_ranges)
{
  *n_ranges = view->n_ranges;
  return view->ranges;
}

/**
 * sv_flat_view_map:
 * @view: a pinned view
 * @address: an address
 * @length: bytes
 * @direction: whether the memory is going to be written
 *
 * The only way to guest memory.
 *
 * Returns: (nullable): a host pointer to @length bytes of RAM at @address, %NULL when they are not
 * all within one range of RAM, or read-only and to be written; valid as long as @view
 */
gpointer
sv_flat_view_map (const SvFlatView *view,
                  guint64 address,
                  guint64 length,
                  SvMemoryDirection direction)
{
  const SvFlatRange *range = sv_flat_view_lookup (view, address);

  if (range == NULL || range->host == NULL || length > range->size - (address - range->start)
      || (direction == SV_MEMORY_WRITE && range->readonly))
    return NULL;
  if (direction == SV_MEMORY_WRITE)
    SV_DIRTY_LOG_WRITE (range->host + (address - range->start), length);
  return range->host + (address - range->start);
}
