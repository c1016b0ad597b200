/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "memory-fixture.h"

static const SvMemoryRegionOps no_ops;

SvMemoryBackend *
memory_backend (guint64 size)
{
  SvMemoryBackend *backend = g_object_new (sv_memory_backend_ram_get_type (), "size", size, NULL);
  g_autoptr (GError) error = NULL;

  sv_object_complete (SV_OBJECT (backend), &error);
  g_assert_no_error (error);
  return backend;
}

SvMemoryRegion *
memory_ram (const char *name, guint64 size)
{
  g_autoptr (SvMemoryBackend) backend = memory_backend (size);

  return sv_memory_region_new_ram (name, backend);
}

SvMemoryRegion *
memory_io (const char *name, guint64 size)
{
  return sv_memory_region_new_io (name, size, &no_ops, NULL);
}

void
memory_append_range (GString *text, const SvFlatRange *range)
{
  g_string_append_printf (
      text, "%s%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x:%s+%" G_GINT64_MODIFIER "x%s",
      text->len > 0 ? " " : "", range->start, range->start + (range->size - 1),
      sv_memory_region_get_name (range->region), range->offset, range->readonly ? "(ro)" : "");
}

char *
memory_describe (SvAddressSpace *space)
{
  const SvFlatView *view = sv_address_space_enter (space);
  g_autoptr (GString) text = g_string_new (NULL);
  const SvFlatRange *ranges;
  gsize n_ranges;

  ranges = sv_flat_view_get_ranges (view, &n_ranges);
  for (gsize i = 0; i < n_ranges; i++)
    {
      memory_append_range (text, &ranges[i]);
      g_assert_true (sv_flat_view_lookup (view, ranges[i].start) == &ranges[i]);
      g_assert_true (sv_flat_view_lookup (view, ranges[i].start + ranges[i].size - 1)
                     == &ranges[i]);
    }
  sv_address_space_leave (space);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
memory_put (SvMemoryRegion *container, guint64 offset, SvMemoryRegion *region, gint priority)
{
  sv_memory_region_add (container, offset, region, priority);
  g_object_unref (region);
}
