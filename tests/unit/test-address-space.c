/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "memory-fixture.h"

typedef struct
{
  SvMemoryRegion *root;
  SvAddressSpace *space;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->root = sv_memory_region_new_container ("root", G_MAXUINT64);
  f->space = sv_address_space_new ("memory", f->root);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_object_add_weak_pointer (G_OBJECT (f->root), (gpointer *)&f->root);
  g_object_unref (f->root);
  g_object_unref (f->space);
  /* Nothing else holds the tree: whatever was pinned has been left. */
  g_assert_null (f->root);
}

static void
test_empty (Fixture *f, gconstpointer data)
{
  const SvFlatView *view;

  assert_view (f->space, "");
  view = sv_address_space_enter (f->space);
  g_assert_null (sv_flat_view_lookup (view, 0));
  g_assert_null (sv_flat_view_lookup (view, G_MAXUINT64));
  g_assert_null (sv_flat_view_map (view, 0, 1, SV_MEMORY_READ));
  sv_address_space_leave (f->space);
  g_assert_true (sv_address_space_get_root (f->space) == f->root);
}

static void
test_priority (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *top = memory_io ("top", 0x100);

  memory_put (f->root, 0, memory_io ("low", 0x1000), -1);
  assert_view (f->space, "0-fff:low+0");
  memory_put (f->root, 0x400, memory_io ("middle", 0x400), 0);
  assert_view (f->space, "0-3ff:low+0 400-7ff:middle+0 800-fff:low+800");
  memory_put (f->root, 0x780, top, 5);
  assert_view (f->space, "0-3ff:low+0 400-77f:middle+0 780-87f:top+0 880-fff:low+880");
  /* Lower than all, wider than all: fills every gap */
  memory_put (f->root, 0, memory_io ("ground", 0x2000), -2);
  assert_view (f->space,
               "0-3ff:low+0 400-77f:middle+0 780-87f:top+0 880-fff:low+880 1000-1fff:ground+1000");
  sv_memory_region_remove (f->root, top);
  assert_view (f->space, "0-3ff:low+0 400-7ff:middle+0 800-fff:low+800 1000-1fff:ground+1000");
}

static void
test_equal_priority (Fixture *f, gconstpointer data)
{
  memory_put (f->root, 0, memory_io ("first", 0x20), 0);
  memory_put (f->root, 0x10, memory_io ("second", 0x20), 0);
  assert_view (f->space, "0-f:first+0 10-2f:second+0");
}

static void
test_fills_many_gaps (Fixture *f, gconstpointer data)
{
  memory_put (f->root, 0x10, memory_io ("a", 0x10), 1);
  memory_put (f->root, 0x20, memory_io ("b", 0x10), 1);
  memory_put (f->root, 0x40, memory_io ("c", 0x10), 1);
  memory_put (f->root, 0x80, memory_io ("d", 0x10), 1);
  memory_put (f->root, 0x08, memory_io ("ground", 0x80), 0);
  assert_view (f->space, "8-f:ground+0 10-1f:a+0 20-2f:b+0 30-3f:ground+28 40-4f:c+0 "
                         "50-7f:ground+48 80-8f:d+0");
}

static void
test_container_clips (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *box = sv_memory_region_new_container ("box", 0x100);
  g_autoptr (SvMemoryRegion) inner = memory_io ("inner", 0x100);
  g_autoptr (SvMemoryRegion) outside = memory_io ("outside", 0x10);

  sv_memory_region_add (box, 0x80, inner, 0);
  sv_memory_region_add (box, 0x100, outside, 0);
  memory_put (f->root, 0x1000, box, 0);
  assert_view (f->space, "1080-10ff:inner+0");
  sv_memory_region_set_enabled (inner, FALSE);
  assert_view (f->space, "");
  sv_memory_region_set_enabled (inner, TRUE);
  sv_memory_region_set_enabled (box, FALSE);
  assert_view (f->space, "");
  sv_memory_region_set_enabled (box, TRUE);
  assert_view (f->space, "1080-10ff:inner+0");
}

/* A container's priority counts outside, its members' only among themselves. */
static void
test_priority_is_local (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *box = sv_memory_region_new_container ("box", 0x100);
  g_autoptr (SvMemoryRegion) inner = memory_io ("inner", 0x100);

  sv_memory_region_add (box, 0, inner, 1000);
  memory_put (f->root, 0, box, 0);
  memory_put (f->root, 0, memory_io ("above", 0x80), 1);
  assert_view (f->space, "0-7f:above+0 80-ff:inner+80");
}

static void
test_alias (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) ram = memory_ram ("ram", 0x4000);
  g_autoptr (SvMemoryRegion) half = NULL;
  SvMemoryRegion *beyond;

  memory_put (f->root, 0x1000, sv_memory_region_new_alias ("low", ram, 0, 0x2000), 0);
  memory_put (f->root, 0x100000, sv_memory_region_new_alias ("high", ram, 0x2000, 0x2000), 0);
  assert_view (f->space, "1000-2fff:ram+0 100000-101fff:ram+2000");

  /* An alias of an alias, and one that is longer than what it shows */
  half = sv_memory_region_new_alias ("half", ram, 0x1000, 0x2000);
  memory_put (f->root, 0x200000, sv_memory_region_new_alias ("nested", half, 0x1000, 0x800), 0);
  beyond = sv_memory_region_new_alias ("beyond", ram, 0x3000, 0x10000);
  memory_put (f->root, 0x300000, beyond, 0);
  assert_view (f->space, "1000-2fff:ram+0 100000-101fff:ram+2000 200000-2007ff:ram+2000 "
                         "300000-300fff:ram+3000");
  /* Disabling the target hides it everywhere though it is in no container. */
  sv_memory_region_set_enabled (ram, FALSE);
  assert_view (f->space, "");
}

static void
test_alias_beyond_target (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) io = memory_io ("io", 0x10);

  memory_put (f->root, 0, sv_memory_region_new_alias ("at-end", io, 0x10, 0x10), 0);
  memory_put (f->root, 0x100, sv_memory_region_new_alias ("far", io, G_MAXUINT64, G_MAXUINT64), 0);
  assert_view (f->space, "");
}

static void
test_merges_neighbours (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) ram = memory_ram ("ram", 0x4000);
  SvMemoryRegion *second = sv_memory_region_new_alias ("second", ram, 0x2000, 0x2000);

  memory_put (f->root, 0, sv_memory_region_new_alias ("first", ram, 0, 0x2000), 0);
  memory_put (f->root, 0x2000, second, 0);
  assert_view (f->space, "0-3fff:ram+0");
  sv_memory_region_set_readonly (second, TRUE);
  assert_view (f->space, "0-1fff:ram+0 2000-3fff:ram+2000(ro)");
}

static void
test_size_zero (Fixture *f, gconstpointer data)
{
  memory_put (f->root, 0x10, memory_io ("nothing", 0), 9);
  memory_put (f->root, 0, memory_io ("io", 0x20), 0);
  memory_put (f->root, 0x18, sv_memory_region_new_container ("empty", 0), 9);
  assert_view (f->space, "0-1f:io+0");
}

static void
test_end_of_space (Fixture *f, gconstpointer data)
{
  const SvFlatView *view;

  memory_put (f->root, G_MAXUINT64 - 0xff, memory_io ("wraps", 0x1000), 0);
  memory_put (f->root, G_MAXUINT64, memory_io ("behind", 0x1000), 1);
  assert_view (f->space, "ffffffffffffff00-fffffffffffffffe:wraps+0");
  memory_put (f->root, 0, memory_io ("everything", G_MAXUINT64), -1);
  assert_view (f->space,
               "0-fffffffffffffeff:everything+0 ffffffffffffff00-fffffffffffffffe:wraps+0");
  view = sv_address_space_enter (f->space);
  g_assert_null (sv_flat_view_lookup (view, G_MAXUINT64));
  sv_address_space_leave (f->space);
}

static void
test_lookup (Fixture *f, gconstpointer data)
{
  const SvFlatView *view;

  for (guint i = 0; i < 60; i++)
    memory_put (f->root, i * 0x1000, memory_io ("device", 0x200), 0);

  view = sv_address_space_enter (f->space);
  for (guint round = 0; round < 2; round++)
    {
      for (guint64 address = 0; address < 61 * 0x1000; address += 0x80)
        {
          const SvFlatRange *range = sv_flat_view_lookup (view, address);

          if (address >= 60 * 0x1000 || (address & 0xfff) >= 0x200)
            g_assert_null (range);
          else
            {
              g_assert_nonnull (range);
              g_assert_cmpuint (range->start, ==, address & ~0xfffull);
            }
        }
    }
  sv_address_space_leave (f->space);
}

static void
test_map (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *ram = memory_ram ("ram", 0x2000);
  SvMemoryRegion *rom = memory_ram ("rom", 0x1000);
  const SvFlatView *view;
  guint8 *host;

  memory_put (f->root, 0x1000, ram, 0);
  memory_put (f->root, 0x3000, rom, 0);
  memory_put (f->root, 0x4000, memory_io ("io", 0x1000), 0);
  sv_memory_region_set_readonly (rom, TRUE);

  view = sv_address_space_enter (f->space);
  host = sv_flat_view_map (view, 0x1000, 0x2000, SV_MEMORY_WRITE);
  g_assert_nonnull (host);
  g_assert_true (sv_flat_view_map (view, 0x2fff, 1, SV_MEMORY_READ) == host + 0x1fff);
  g_assert_true (sv_flat_view_map (view, 0x1000, 0, SV_MEMORY_READ) == host);
  g_assert_nonnull (sv_flat_view_map (view, 0x3000, 0x1000, SV_MEMORY_READ));

  /* Holes, ends, other ranges, registers, ROM, wrapping round */
  g_assert_null (sv_flat_view_map (view, 0xfff, 1, SV_MEMORY_READ));
  g_assert_null (sv_flat_view_map (view, 0x1000, 0x2001, SV_MEMORY_READ));
  g_assert_null (sv_flat_view_map (view, 0x2fff, 2, SV_MEMORY_READ));
  g_assert_null (sv_flat_view_map (view, 0x1001, G_MAXUINT64, SV_MEMORY_READ));
  g_assert_null (sv_flat_view_map (view, 0x1000, G_MAXUINT64 - 0xfff, SV_MEMORY_READ));
  g_assert_null (sv_flat_view_map (view, G_MAXUINT64, 2, SV_MEMORY_READ));
  g_assert_null (sv_flat_view_map (view, 0x3000, 1, SV_MEMORY_WRITE));
  g_assert_null (sv_flat_view_map (view, 0x4000, 1, SV_MEMORY_READ));
  g_assert_null (sv_flat_view_map (view, 0x4000, 1, SV_MEMORY_WRITE));
  sv_address_space_leave (f->space);
}

/* --- Mistakes of the programmer --- */

static void
test_refusals (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) inner = sv_memory_region_new_container ("inner", 0x100);
  g_autoptr (SvMemoryRegion) io = memory_io ("io", 0x10);
  g_autoptr (SvMemoryRegion) loop = sv_memory_region_new_alias ("loop", f->root, 0, 0x1000);

  sv_memory_region_add (f->root, 0, inner, 0);
  sv_memory_region_add (inner, 0, io, 0);

#define assert_refused(call)                                                                       \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_test_expect_message ("stratovirt", G_LOG_LEVEL_CRITICAL, "*assertion*failed*");              \
    call;                                                                                          \
    g_test_assert_expected_messages ();                                                            \
  }                                                                                                \
  G_STMT_END

  /* In two places, into itself, into what is no container, not in it at all */
  assert_refused (sv_memory_region_add (f->root, 0x1000, io, 0));
  assert_refused (sv_memory_region_add (inner, 0, loop, 0));
  assert_refused (sv_memory_region_add (inner, 0, inner, 0));
  assert_refused (sv_memory_region_add (io, 0, loop, 0));
  assert_refused (sv_memory_region_remove (f->root, io));
  /* An ioeventfd beyond the end, of an odd size, twice */
  assert_refused (sv_memory_region_add_ioeventfd (io, 0xe, 4, FALSE, 0, 1));
  assert_refused (sv_memory_region_add_ioeventfd (io, 0x10, 0, FALSE, 0, 1));
  assert_refused (sv_memory_region_add_ioeventfd (io, 0, 3, FALSE, 0, 1));
  sv_memory_region_add_ioeventfd (io, 0, 4, FALSE, 0, 1);
  assert_refused (sv_memory_region_add_ioeventfd (io, 0, 4, FALSE, 0, 1));
  assert_refused (sv_memory_region_set_coalesced (io, 8, 9));
  assert_refused (sv_memory_transaction_commit ());
  assert_view (f->space, "0-f:io+0");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, function)                                                                        \
  g_test_add ("/address-space/" path, Fixture, NULL, set_up, function, tear_down)

  ADD ("view/empty", test_empty);
  ADD ("view/priority", test_priority);
  ADD ("view/equal-priority", test_equal_priority);
  ADD ("view/fills-many-gaps", test_fills_many_gaps);
  ADD ("view/container-clips", test_container_clips);
  ADD ("view/priority-is-local", test_priority_is_local);
  ADD ("view/alias", test_alias);
  ADD ("view/alias-beyond-target", test_alias_beyond_target);
  ADD ("view/merges-neighbours", test_merges_neighbours);
  ADD ("view/size-zero", test_size_zero);
  ADD ("view/end-of-space", test_end_of_space);
  ADD ("view/lookup", test_lookup);
  ADD ("view/map", test_map);
  ADD ("refusals", test_refusals);

  return g_test_run ();
}
