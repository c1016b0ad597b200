/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "memory-fixture.h"

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
hear (GString *heard, const char *sign, const SvFlatRange *range)
{
  g_autoptr (GString) text = g_string_new (NULL);

  memory_append_range (text, range);
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
hear_ioeventfd (
    GString *heard, char sign, guint64 address, guint size, gboolean match, guint64 value, int fd)
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
ioeventfd_remove (
    gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  hear_ioeventfd (opaque, '-', address, size, match, value, fd);
}

static void
coalesced_add (gpointer opaque, guint64 address, guint64 size)
{
  g_string_append_printf (opaque, "+z%" G_GINT64_MODIFIER "x/%" G_GINT64_MODIFIER "x;", address,
                          size);
}

static void
coalesced_remove (gpointer opaque, guint64 address, guint64 size)
{
  g_string_append_printf (opaque, "-z%" G_GINT64_MODIFIER "x/%" G_GINT64_MODIFIER "x;", address,
                          size);
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
  SvMemoryRegion *ram = memory_ram ("ram", 0x4000);
  SvMemoryRegion *cover = memory_io ("cover", 0x1000);
  g_autoptr (GString) late = g_string_new (NULL);

  sv_address_space_add_listener (f->space, &listener, f->heard);
  assert_heard (f, "");
  memory_put (f->root, 0, ram, 0);
  assert_heard (f, "+0-3fff:ram+0;");
  /* Registers are none of a listener's business, other RAM is told alone. */
  memory_put (f->root, 0x10000, memory_io ("io", 0x1000), 0);
  assert_heard (f, "");
  memory_put (f->root, 0x20000, memory_ram ("more", 0x1000), 0);
  assert_heard (f, "+20000-20fff:more+0;");
  memory_put (f->root, 0x1000, cover, 1);
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
  SvMemoryRegion *a = memory_ram ("a", 0x1000);
  SvMemoryRegion *b = memory_ram ("b", 0x1000);

  sv_address_space_add_listener (f->space, &listener, f->heard);
  sv_memory_transaction_begin ();
  memory_put (f->root, 0, a, 0);
  sv_memory_transaction_begin ();
  memory_put (f->root, 0x1000, b, 0);
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
  SvMemoryRegion *io = memory_io ("io", 0x100);
  SvMemoryRegion *cover = memory_io ("cover", 0x10);

  sv_address_space_add_listener (f->space, &listener, f->heard);
  sv_memory_region_add_ioeventfd (io, 0x50, 4, TRUE, 1, 11);
  sv_memory_region_add_ioeventfd (io, 0x50, 4, TRUE, 0, 10);
  sv_memory_region_add_ioeventfd (io, 0x10, 0, FALSE, 99, 12);
  assert_heard (f, "");
  memory_put (f->root, 0x1000, io, 0);
  assert_heard (f, "+e1010/0>12;+e1050/4=1>11;+e1050/4=0>10;");
  sv_memory_region_add_ioeventfd (io, 0xfe, 2, FALSE, 0, 13);
  assert_heard (f, "+e10fe/2>13;");
  sv_memory_region_remove_ioeventfd (io, 0x50, 4, TRUE, 1, 11);
  assert_heard (f, "-e1050/4=1>11;");

  /* Half covered is covered. */
  memory_put (f->root, 0x10ff, cover, 1);
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
  SvMemoryRegion *io = memory_io ("io", 0x100);
  SvMemoryRegion *cover = memory_io ("cover", 0x10);

  sv_address_space_add_listener (f->space, &listener, f->heard);
  memory_put (f->root, 0x1000, io, 0);
  sv_memory_region_set_coalesced (io, 0x20, 0x20);
  assert_heard (f, "+z1020/20;");
  sv_memory_region_set_coalesced (io, 0x20, 0x20);
  assert_heard (f, "");
  memory_put (f->root, 0x1028, cover, 1);
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
  memory_put (f->root, 0, memory_ram ("ram", 0x1000), 0);
  assert_heard (f, "+0-fff:ram+0;+0-fff:ram+0(ro);");
  assert_view (f->space, "0-fff:ram+0(ro)");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, function)                                                                        \
  g_test_add ("/memory-listener/" path, Fixture, NULL, set_up, function, tear_down)

  ADD ("ram", test_listener_ram);
  ADD ("transaction", test_listener_transaction);
  ADD ("ioeventfd", test_listener_ioeventfd);
  ADD ("coalesced", test_listener_coalesced);
  ADD ("changes", test_listener_changes);

  return g_test_run ();
}
