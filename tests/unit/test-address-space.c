/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/memory/sv-address-space.h"

static const SvMemoryRegionOps no_ops;

static SvMemoryBackend *
make_backend (guint64 size)
{
  SvMemoryBackend *backend = g_object_new (sv_memory_backend_ram_get_type (), "size", size, NULL);
  g_autoptr (GError) error = NULL;

  sv_object_complete (SV_OBJECT (backend), &error);
  g_assert_no_error (error);
  return backend;
}

static SvMemoryRegion *
make_ram (const char *name, guint64 size)
{
  g_autoptr (SvMemoryBackend) backend = make_backend (size);

  return sv_memory_region_new_ram (name, backend);
}

static SvMemoryRegion *
make_io (const char *name, guint64 size)
{
  return sv_memory_region_new_io (name, size, &no_ops, NULL);
}

/* "first-last:name+offset ", in hexadecimal, for each range; RAM in capitals is writable */
static void
append_range (GString *text, const SvFlatRange *range)
{
  g_string_append_printf (text, "%s%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x:%s+%" G_GINT64_MODIFIER "x%s",
                          text->len > 0 ? " " : "", range->start, range->start + (range->size - 1),
                          sv_memory_region_get_name (range->region), range->offset,
                          range->readonly ? "(ro)" : "");
}

static char *
describe (SvAddressSpace *space)
{
  const SvFlatView *view = sv_address_space_enter (space);
  g_autoptr (GString) text = g_string_new (NULL);
  const SvFlatRange *ranges;
  gsize n_ranges;

  ranges = sv_flat_view_get_ranges (view, &n_ranges);
  for (gsize i = 0; i < n_ranges; i++)
    {
      append_range (text, &ranges[i]);
      g_assert_true (sv_flat_view_lookup (view, ranges[i].start) == &ranges[i]);
      g_assert_true (sv_flat_view_lookup (view, ranges[i].start + ranges[i].size - 1) == &ranges[i]);
    }
  sv_address_space_leave (space);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

#define assert_view(space, expected)                                                               \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *view_ = describe (space);                                                     \
    g_assert_cmpstr (view_, ==, expected);                                                         \
  }                                                                                                \
  G_STMT_END

typedef struct
{
  SvMemoryRegion *root;
  SvAddressSpace *space;
  GString *heard;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->root = sv_memory_region_new_container ("root", G_MAXUINT64);
  f->space = sv_address_space_new ("memory", f->root);
  f->heard = g_string_new (NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_object_add_weak_pointer (G_OBJECT (f->root), (gpointer *)&f->root);
  g_object_unref (f->root);
  g_object_unref (f->space);
  /* Nothing else holds the tree: whatever was pinned has been left. */
  g_assert_null (f->root);
  g_string_free (f->heard, TRUE);
}

static void
put (Fixture *f, guint64 offset, SvMemoryRegion *region, gint priority)
{
  sv_memory_region_add (f->root, offset, region, priority);
  g_object_unref (region);
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
  SvMemoryRegion *top = make_io ("top", 0x100);

  put (f, 0, make_io ("low", 0x1000), -1);
  assert_view (f->space, "0-fff:low+0");
  put (f, 0x400, make_io ("middle", 0x400), 0);
  assert_view (f->space, "0-3ff:low+0 400-7ff:middle+0 800-fff:low+800");
  put (f, 0x780, top, 5);
  assert_view (f->space, "0-3ff:low+0 400-77f:middle+0 780-87f:top+0 880-fff:low+880");
  /* Lower than all, wider than all: fills every gap */
  put (f, 0, make_io ("ground", 0x2000), -2);
  assert_view (f->space,
               "0-3ff:low+0 400-77f:middle+0 780-87f:top+0 880-fff:low+880 1000-1fff:ground+1000");
  sv_memory_region_remove (f->root, top);
  assert_view (f->space, "0-3ff:low+0 400-7ff:middle+0 800-fff:low+800 1000-1fff:ground+1000");
}

static void
test_equal_priority (Fixture *f, gconstpointer data)
{
  put (f, 0, make_io ("first", 0x20), 0);
  put (f, 0x10, make_io ("second", 0x20), 0);
  assert_view (f->space, "0-f:first+0 10-2f:second+0");
}

static void
test_fills_many_gaps (Fixture *f, gconstpointer data)
{
  put (f, 0x10, make_io ("a", 0x10), 1);
  put (f, 0x20, make_io ("b", 0x10), 1);
  put (f, 0x40, make_io ("c", 0x10), 1);
  put (f, 0x80, make_io ("d", 0x10), 1);
  put (f, 0x08, make_io ("ground", 0x80), 0);
  assert_view (f->space, "8-f:ground+0 10-1f:a+0 20-2f:b+0 30-3f:ground+28 40-4f:c+0 "
                         "50-7f:ground+48 80-8f:d+0");
}

static void
test_container_clips (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *box = sv_memory_region_new_container ("box", 0x100);
  g_autoptr (SvMemoryRegion) inner = make_io ("inner", 0x100);
  g_autoptr (SvMemoryRegion) outside = make_io ("outside", 0x10);

  sv_memory_region_add (box, 0x80, inner, 0);
  sv_memory_region_add (box, 0x100, outside, 0);
  put (f, 0x1000, box, 0);
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
  g_autoptr (SvMemoryRegion) inner = make_io ("inner", 0x100);

  sv_memory_region_add (box, 0, inner, 1000);
  put (f, 0, box, 0);
  put (f, 0, make_io ("above", 0x80), 1);
  assert_view (f->space, "0-7f:above+0 80-ff:inner+80");
}

static void
test_alias (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) ram = make_ram ("ram", 0x4000);
  g_autoptr (SvMemoryRegion) half = NULL;
  SvMemoryRegion *beyond;

  put (f, 0x1000, sv_memory_region_new_alias ("low", ram, 0, 0x2000), 0);
  put (f, 0x100000, sv_memory_region_new_alias ("high", ram, 0x2000, 0x2000), 0);
  assert_view (f->space, "1000-2fff:ram+0 100000-101fff:ram+2000");

  /* An alias of an alias, and one that is longer than what it shows */
  half = sv_memory_region_new_alias ("half", ram, 0x1000, 0x2000);
  put (f, 0x200000, sv_memory_region_new_alias ("nested", half, 0x1000, 0x800), 0);
  beyond = sv_memory_region_new_alias ("beyond", ram, 0x3000, 0x10000);
  put (f, 0x300000, beyond, 0);
  assert_view (f->space, "1000-2fff:ram+0 100000-101fff:ram+2000 200000-2007ff:ram+2000 "
                         "300000-300fff:ram+3000");
  /* Disabling the target hides it everywhere though it is in no container. */
  sv_memory_region_set_enabled (ram, FALSE);
  assert_view (f->space, "");
}

static void
test_alias_beyond_target (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) io = make_io ("io", 0x10);

  put (f, 0, sv_memory_region_new_alias ("at-end", io, 0x10, 0x10), 0);
  put (f, 0x100, sv_memory_region_new_alias ("far", io, G_MAXUINT64, G_MAXUINT64), 0);
  assert_view (f->space, "");
}

static void
test_merges_neighbours (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) ram = make_ram ("ram", 0x4000);
  SvMemoryRegion *second = sv_memory_region_new_alias ("second", ram, 0x2000, 0x2000);

  put (f, 0, sv_memory_region_new_alias ("first", ram, 0, 0x2000), 0);
  put (f, 0x2000, second, 0);
  assert_view (f->space, "0-3fff:ram+0");
  sv_memory_region_set_readonly (second, TRUE);
  assert_view (f->space, "0-1fff:ram+0 2000-3fff:ram+2000(ro)");
}

static void
test_size_zero (Fixture *f, gconstpointer data)
{
  put (f, 0x10, make_io ("nothing", 0), 9);
  put (f, 0, make_io ("io", 0x20), 0);
  put (f, 0x18, sv_memory_region_new_container ("empty", 0), 9);
  assert_view (f->space, "0-1f:io+0");
}

static void
test_end_of_space (Fixture *f, gconstpointer data)
{
  const SvFlatView *view;

  put (f, G_MAXUINT64 - 0xff, make_io ("wraps", 0x1000), 0);
  put (f, G_MAXUINT64, make_io ("behind", 0x1000), 1);
  assert_view (f->space, "ffffffffffffff00-fffffffffffffffe:wraps+0");
  put (f, 0, make_io ("everything", G_MAXUINT64), -1);
  assert_view (f->space, "0-fffffffffffffeff:everything+0 ffffffffffffff00-fffffffffffffffe:wraps+0");
  view = sv_address_space_enter (f->space);
  g_assert_null (sv_flat_view_lookup (view, G_MAXUINT64));
  sv_address_space_leave (f->space);
}

static void
test_lookup (Fixture *f, gconstpointer data)
{
  const SvFlatView *view;

  for (guint i = 0; i < 60; i++)
    put (f, i * 0x1000, make_io ("device", 0x200), 0);

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
  SvMemoryRegion *ram = make_ram ("ram", 0x2000);
  SvMemoryRegion *rom = make_ram ("rom", 0x1000);
  const SvFlatView *view;
  guint8 *host;

  put (f, 0x1000, ram, 0);
  put (f, 0x3000, rom, 0);
  put (f, 0x4000, make_io ("io", 0x1000), 0);
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

/* --- Listeners --- */

static void
hear (GString *heard, const char *sign, const SvFlatRange *range)
{
  g_autoptr (GString) text = g_string_new (NULL);

  append_range (text, range);
  g_string_append_printf (heard, "%s%s;", sign, text->str);
}

static void
ram_add (gpointer opaque, const SvFlatRange *range)
{
  g_assert_nonnull (range->host);
  hear (opaque, "+", range);
}

static void
ram_remove (gpointer opaque, const SvFlatRange *range)
{
  hear (opaque, "-", range);
}

static void
hear_ioeventfd (GString *heard, char sign, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  g_string_append_printf (heard, "%ce%" G_GINT64_MODIFIER "x/%u", sign, address, size);
  if (match)
    g_string_append_printf (heard, "=%" G_GINT64_MODIFIER "x", value);
  g_string_append_printf (heard, ">%d;", fd);
}

static void
ioeventfd_add (gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  hear_ioeventfd (opaque, '+', address, size, match, value, fd);
}

static void
ioeventfd_remove (gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  hear_ioeventfd (opaque, '-', address, size, match, value, fd);
}

static void
coalesced_add (gpointer opaque, guint64 address, guint64 size)
{
  g_string_append_printf (opaque, "+z%" G_GINT64_MODIFIER "x/%" G_GINT64_MODIFIER "x;", address, size);
}

static void
coalesced_remove (gpointer opaque, guint64 address, guint64 size)
{
  g_string_append_printf (opaque, "-z%" G_GINT64_MODIFIER "x/%" G_GINT64_MODIFIER "x;", address, size);
}

static const SvMemoryListener listener = {
  .ram_add = ram_add,
  .ram_remove = ram_remove,
  .ioeventfd_add = ioeventfd_add,
  .ioeventfd_remove = ioeventfd_remove,
  .coalesced_add = coalesced_add,
  .coalesced_remove = coalesced_remove,
};

#define assert_heard(f, expected)                                                                  \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_cmpstr ((f)->heard->str, ==, expected);                                               \
    g_string_truncate ((f)->heard, 0);                                                             \
  }                                                                                                \
  G_STMT_END

static void
test_listener_ram (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *ram = make_ram ("ram", 0x4000);
  SvMemoryRegion *cover = make_io ("cover", 0x1000);
  g_autoptr (GString) late = g_string_new (NULL);

  sv_address_space_add_listener (f->space, &listener, f->heard);
  assert_heard (f, "");
  put (f, 0, ram, 0);
  assert_heard (f, "+0-3fff:ram+0;");
  /* Registers are none of a listener's business, other RAM is told alone. */
  put (f, 0x10000, make_io ("io", 0x1000), 0);
  assert_heard (f, "");
  put (f, 0x20000, make_ram ("more", 0x1000), 0);
  assert_heard (f, "+20000-20fff:more+0;");
  put (f, 0x1000, cover, 1);
  assert_heard (f, "-0-3fff:ram+0;+0-fff:ram+0;+2000-3fff:ram+2000;");
  sv_memory_region_set_readonly (ram, TRUE);
  assert_heard (f, "-0-fff:ram+0;-2000-3fff:ram+2000;+0-fff:ram+0(ro);+2000-3fff:ram+2000(ro);");
  sv_memory_region_set_readonly (ram, TRUE);
  assert_heard (f, "");

  sv_address_space_add_listener (f->space, &listener, late);
  g_assert_cmpstr (late->str, ==, "+0-fff:ram+0(ro);+2000-3fff:ram+2000(ro);+20000-20fff:more+0;");
  assert_heard (f, "");

  sv_address_space_remove_listener (f->space, &listener, f->heard);
  g_string_truncate (late, 0);
  sv_memory_region_remove (f->root, ram);
  assert_heard (f, "");
  g_assert_cmpstr (late->str, ==, "-0-fff:ram+0(ro);-2000-3fff:ram+2000(ro);");
  sv_address_space_remove_listener (f->space, &listener, late);
}

static void
test_listener_transaction (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *a = make_ram ("a", 0x1000);
  SvMemoryRegion *b = make_ram ("b", 0x1000);

  sv_address_space_add_listener (f->space, &listener, f->heard);
  sv_memory_transaction_begin ();
  put (f, 0, a, 0);
  sv_memory_transaction_begin ();
  put (f, 0x1000, b, 0);
  sv_memory_transaction_commit ();
  assert_heard (f, "");
  assert_view (f->space, "");
  sv_memory_transaction_commit ();
  assert_heard (f, "+0-fff:a+0;+1000-1fff:b+0;");

  /* What cancels out is not told. */
  sv_memory_transaction_begin ();
  sv_memory_region_set_enabled (a, FALSE);
  sv_memory_region_set_enabled (a, TRUE);
  sv_memory_transaction_commit ();
  assert_heard (f, "");

  /* Removals come first, wherever they are. */
  g_object_ref (a);
  sv_memory_transaction_begin ();
  sv_memory_region_remove (f->root, a);
  sv_memory_region_add (f->root, 0x8000, a, 0);
  sv_memory_region_set_readonly (b, TRUE);
  sv_memory_transaction_commit ();
  g_object_unref (a);
  assert_heard (f, "-0-fff:a+0;-1000-1fff:b+0;+1000-1fff:b+0(ro);+8000-8fff:a+0;");
}

static void
test_listener_ioeventfd (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *io = make_io ("io", 0x100);
  SvMemoryRegion *cover = make_io ("cover", 0x10);

  sv_address_space_add_listener (f->space, &listener, f->heard);
  sv_memory_region_add_ioeventfd (io, 0x50, 4, TRUE, 1, 11);
  sv_memory_region_add_ioeventfd (io, 0x50, 4, TRUE, 0, 10);
  sv_memory_region_add_ioeventfd (io, 0x10, 0, FALSE, 99, 12);
  assert_heard (f, "");
  put (f, 0x1000, io, 0);
  assert_heard (f, "+e1010/0>12;+e1050/4=1>11;+e1050/4=0>10;");
  sv_memory_region_add_ioeventfd (io, 0xfe, 2, FALSE, 0, 13);
  assert_heard (f, "+e10fe/2>13;");
  sv_memory_region_remove_ioeventfd (io, 0x50, 4, TRUE, 1, 11);
  assert_heard (f, "-e1050/4=1>11;");

  /* Half covered is covered. */
  put (f, 0x10ff, cover, 1);
  assert_heard (f, "-e10fe/2>13;");
  sv_memory_region_remove (f->root, cover);
  assert_heard (f, "+e10fe/2>13;");

  /* A new descriptor that happens to have the number of the old one */
  sv_memory_transaction_begin ();
  sv_memory_region_remove_ioeventfd (io, 0x10, 0, FALSE, 99, 12);
  sv_memory_region_add_ioeventfd (io, 0x10, 0, FALSE, 99, 12);
  sv_memory_transaction_commit ();
  assert_heard (f, "-e1010/0>12;+e1010/0>12;");

  sv_memory_region_remove (f->root, io);
  assert_heard (f, "-e1010/0>12;-e1050/4=0>10;-e10fe/2>13;");
}

static void
test_listener_coalesced (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *io = make_io ("io", 0x100);
  SvMemoryRegion *cover = make_io ("cover", 0x10);

  sv_address_space_add_listener (f->space, &listener, f->heard);
  put (f, 0x1000, io, 0);
  sv_memory_region_set_coalesced (io, 0x20, 0x20);
  assert_heard (f, "+z1020/20;");
  sv_memory_region_set_coalesced (io, 0x20, 0x20);
  assert_heard (f, "");
  put (f, 0x1028, cover, 1);
  assert_heard (f, "-z1020/20;+z1020/8;+z1038/8;");
  sv_memory_region_remove (f->root, cover);
  assert_heard (f, "-z1020/8;-z1038/8;+z1020/20;");
  sv_memory_region_set_coalesced (io, 0, 0);
  assert_heard (f, "-z1020/20;");
}

/* A listener may itself change regions; it is told of that, too. */
static void
move_away (gpointer opaque, const SvFlatRange *range)
{
  Fixture *f = opaque;

  hear (f->heard, "+", range);
  if (range->start == 0)
    sv_memory_region_set_readonly (range->region, TRUE);
}

static void
test_listener_changes (Fixture *f, gconstpointer data)
{
  static const SvMemoryListener meddler = { .ram_add = move_away };

  sv_address_space_add_listener (f->space, &meddler, f);
  put (f, 0, make_ram ("ram", 0x1000), 0);
  assert_heard (f, "+0-fff:ram+0;+0-fff:ram+0(ro);");
  assert_view (f->space, "0-fff:ram+0(ro)");
}

/* --- Mistakes of the programmer --- */

static void
test_refusals (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) inner = sv_memory_region_new_container ("inner", 0x100);
  g_autoptr (SvMemoryRegion) io = make_io ("io", 0x10);
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
  ADD ("listener/ram", test_listener_ram);
  ADD ("listener/transaction", test_listener_transaction);
  ADD ("listener/ioeventfd", test_listener_ioeventfd);
  ADD ("listener/coalesced", test_listener_coalesced);
  ADD ("listener/changes", test_listener_changes);
  ADD ("refusals", test_refusals);

  return g_test_run ();
}
