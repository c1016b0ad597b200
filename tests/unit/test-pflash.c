/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>

#include "hw/misc/sv-pflash.h"
#include "src/memory/sv-address-space.h"
#include "src/runtime/sv-vm-lock.h"
#include "tests/unit/block-fixture.h"
#include "state-fixture.h"

#define SIZE 0x10000u
#define END 0x100000000ull
#define BASE (END - SIZE)

typedef struct
{
  char *path;
  SvObject *tree;
  SvBlockNode *node;
  SvAddressSpace *memory;
  SvPflash *chip;
} Fixture;

static void
open_chip (Fixture *f, gboolean read_only)
{
  g_autoptr (SvPflash) chip = NULL;

  f->node = block_test_open (f->path, NULL, "read-only", read_only, NULL);
  g_assert_nonnull (f->node);
  g_assert_true (sv_object_add_child (f->tree, "image", SV_OBJECT (f->node), NULL));
  chip = sv_pflash_new (f->node, sv_address_space_get_root (f->memory), END);
  g_assert_true (sv_object_add_child (f->tree, "chip", SV_OBJECT (chip), NULL));
  g_assert_true (sv_object_complete (SV_OBJECT (chip), NULL));
  f->chip = chip;
}

static void
close_chip (Fixture *f)
{
  sv_device_unrealize (SV_DEVICE (f->chip));
  sv_object_unparent (SV_OBJECT (f->chip));
  sv_object_unparent (SV_OBJECT (f->node));
  g_clear_object (&f->node);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) root = sv_memory_region_new_container ("memory", G_MAXUINT64);
  g_autofree guint8 *content = g_malloc (SIZE);

  for (guint i = 0; i < SIZE; i++)
    content[i] = (guint8)(i >> 4);
  f->path = block_test_make_file (SIZE);
  g_assert_true (g_file_set_contents (f->path, (const char *)content, SIZE, NULL));
  sv_vm_lock ();
  f->tree = sv_object_new_container ();
  f->memory = sv_address_space_new ("memory", root);
  open_chip (f, GPOINTER_TO_INT (data));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (f->node != NULL)
    close_chip (f);
  g_clear_object (&f->memory);
  g_clear_object (&f->tree);
  sv_vm_unlock ();
  g_assert_cmpint (g_unlink (f->path), ==, 0);
  g_free (f->path);
}

static guint8
read_at (Fixture *f, guint64 offset)
{
  return (guint8)sv_address_space_io_read (f->memory, BASE + offset, 1);
}

static void
write_at (Fixture *f, guint64 offset, guint8 value)
{
  sv_address_space_io_write (f->memory, BASE + offset, value, 1);
}

static guint8
peek (Fixture *f, guint64 offset)
{
  g_autofree char *content = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (f->path, &content, &length, NULL));
  g_assert_cmpuint (length, ==, SIZE);
  return (guint8)content[offset];
}

static guint64
count_writes (Fixture *f)
{
  SvBlockStats stats;

  sv_block_node_get_stats (f->node, &stats);
  return stats.ops[SV_BLOCK_WRITE];
}

/* Read mode is memory to whoever runs the guest, command mode is registers. */
static gboolean
is_memory (Fixture *f)
{
  const SvFlatView *view = sv_address_space_enter (f->memory);
  gboolean memory = sv_flat_view_map (view, BASE, SIZE, SV_MEMORY_READ) != NULL;

  g_assert_null (sv_flat_view_map (view, BASE, 1, SV_MEMORY_WRITE));
  sv_address_space_leave (f->memory);
  return memory;
}

static void
test_place (Fixture *f, gconstpointer data)
{
  g_assert_true (is_memory (f));
  g_assert_cmphex (sv_address_space_io_read (f->memory, END - 16, 8), ==, 0xffffffffffffffff);
  g_assert_cmphex (read_at (f, 0x123), ==, 0x12);
  g_assert_cmphex (sv_address_space_io_read (f->memory, BASE - 1, 1), ==, 0xff);
  g_assert_cmpuint (sv_pflash_get_size (f->chip), ==, SIZE);
}

static void
test_modes (Fixture *f, gconstpointer data)
{
  write_at (f, 0, 0x70);
  g_assert_false (is_memory (f));
  g_assert_cmphex (read_at (f, 0x123), ==, 0x80);
  write_at (f, 0, 0xff);
  g_assert_true (is_memory (f));
  g_assert_cmphex (read_at (f, 0x123), ==, 0x12);
}

/* Programmed byte by byte, looked at once: in the file by then, by one request. */
static void
test_written_through (Fixture *f, gconstpointer data)
{
  write_at (f, 0x1000, 0x20);
  write_at (f, 0x1000, 0xd0);
  for (guint i = 0; i < 700; i++)
    {
      write_at (f, 0x1010 + i, 0x10);
      write_at (f, 0x1010 + i, (guint8)i);
    }
  g_assert_cmphex (peek (f, 0x1020), ==, 0x02);
  g_assert_cmphex (read_at (f, 0x1010), ==, 0x80);
  g_assert_cmpuint (count_writes (f), ==, 1);
  for (guint i = 0; i < 700; i++)
    g_assert_cmphex (peek (f, 0x1010 + i), ==, (guint8)i);
  g_assert_cmphex (peek (f, 0x100f), ==, 0xff);
  g_assert_cmphex (peek (f, 0xfff), ==, 0xff);
  g_assert_cmphex (peek (f, 0x2000), ==, 0x00);
  g_assert_cmphex (peek (f, 0x2010), ==, 0x01);

  write_at (f, 0x3000, 0x40);
  write_at (f, 0x3000, 0x00);
  write_at (f, 0, 0xff);
  g_assert_cmpuint (count_writes (f), ==, 2);
  g_assert_cmphex (peek (f, 0x3000), ==, 0x00);
}

static void
test_far_changes (Fixture *f, gconstpointer data)
{
  write_at (f, 0x8010, 0x40);
  write_at (f, 0x8010, 0);
  write_at (f, 0x10, 0x40);
  write_at (f, 0x10, 0);
  write_at (f, 0, 0xff);
  g_assert_cmpuint (count_writes (f), ==, 2);
  g_assert_cmphex (peek (f, 0x8010), ==, 0);
  g_assert_cmphex (peek (f, 0x10), ==, 0);
}

static void
test_reset (Fixture *f, gconstpointer data)
{
  write_at (f, 0x20, 0x40);
  write_at (f, 0x20, 0x00);
  sv_device_reset (SV_DEVICE (f->chip));
  g_assert_true (is_memory (f));
  g_assert_cmphex (read_at (f, 0x20), ==, 0);
  g_assert_cmphex (peek (f, 0x20), ==, 0);
}

static void
test_persistence (Fixture *f, gconstpointer data)
{
  write_at (f, 0x456, 0x40);
  write_at (f, 0x456, 0x05);
  close_chip (f);
  open_chip (f, FALSE);
  g_assert_cmphex (read_at (f, 0x456), ==, 0x05);
}

static void
test_read_only (Fixture *f, gconstpointer data)
{
  write_at (f, 0x456, 0x40);
  write_at (f, 0x456, 0x00);
  g_assert_cmphex (read_at (f, 0), ==, 0x80 | 0x10 | 0x02);
  write_at (f, 0, 0xff);
  g_assert_cmphex (read_at (f, 0x456), ==, 0x45);
  g_assert_cmphex (peek (f, 0x456), ==, 0x45);
}

static void
test_bad_size (void)
{
  static const guint64 sizes[] = { 0, 512, 4096 + 512, (8 << 20) + 4096 };
  g_autoptr (SvMemoryRegion) root = sv_memory_region_new_container ("memory", G_MAXUINT64);

  sv_vm_lock ();
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *path = block_test_make_file (sizes[i]);
      g_autoptr (SvObject) tree = sv_object_new_container ();
      g_autoptr (SvBlockNode) node = block_test_open (path, NULL, NULL);
      g_autoptr (SvPflash) chip = sv_pflash_new (node, root, END);
      g_autoptr (GError) error = NULL;

      g_assert_true (sv_object_add_child (tree, "image", SV_OBJECT (node), NULL));
      g_assert_true (sv_object_add_child (tree, "chip", SV_OBJECT (chip), NULL));
      g_assert_false (sv_object_complete (SV_OBJECT (chip), &error));
      g_assert_nonnull (strstr (error->message, "image"));
      g_assert_nonnull (strstr (error->message, "multiple of 4096"));
      g_assert_null (sv_object_get_user (SV_OBJECT (node)));
      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  sv_vm_unlock ();
}

#define ADD(path, function, read_only)                                                             \
  g_test_add (path, Fixture, GINT_TO_POINTER (read_only), set_up, function, tear_down)

/* A buffered program goes on with a chip of another process that has the same image. */
static void
test_state (Fixture *f, gconstpointer data)
{
  g_autoptr (GVariant) state = NULL;
  g_autoptr (GError) error = NULL;

  write_at (f, 0x2000, 0x20);
  write_at (f, 0x2000, 0xd0);
  write_at (f, 0x2000, 0xe8);
  write_at (f, 0x2000, 1);
  write_at (f, 0x2003, 0x3c);
  sv_device_quiesce (SV_DEVICE (f->chip));
  state = state_dup (SV_OBJECT (f->chip));
  close_chip (f);
  open_chip (f, FALSE);
  g_assert_true (is_memory (f));
  g_assert_true (sv_migratable_load (SV_OBJECT (f->chip), state, &error));
  g_assert_true (sv_migratable_loaded (SV_OBJECT (f->chip), &error));
  g_assert_false (is_memory (f));
  write_at (f, 0x2004, 0x5a);
  write_at (f, 0x2000, 0xd0);
  g_assert_cmphex (read_at (f, 0), ==, 0x80);
  write_at (f, 0, 0xff);
  g_assert_cmphex (read_at (f, 0x2003), ==, 0x3c);
  g_assert_cmphex (peek (f, 0x2004), ==, 0x5a);

  state_assert_refused (SV_OBJECT (f->chip), SV_OBJECT (f->chip), "0/2/0/0", g_variant_new_byte (0x77),
                        "*command is 0x77 at step 0*");
  g_assert_true (sv_migratable_load (SV_OBJECT (f->chip), state, &error));
  state_assert_refused (SV_OBJECT (f->chip), SV_OBJECT (f->chip), "0/2/0/4", g_variant_new_uint64 (SIZE),
                        "*address of the buffer is 65536*");
  g_assert_true (sv_migratable_load (SV_OBJECT (f->chip), state, &error));
  g_assert_cmpuint (state_torture (SV_OBJECT (f->chip), SV_OBJECT (f->chip)), >, 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/pflash/place", test_place, FALSE);
  ADD ("/pflash/modes", test_modes, FALSE);
  ADD ("/pflash/written-through", test_written_through, FALSE);
  ADD ("/pflash/far-changes", test_far_changes, FALSE);
  ADD ("/pflash/reset", test_reset, FALSE);
  ADD ("/pflash/persistence", test_persistence, FALSE);
  ADD ("/pflash/read-only", test_read_only, TRUE);
  g_test_add_func ("/pflash/bad-size", test_bad_size);
  g_test_add ("/pflash/state", Fixture, GINT_TO_POINTER (FALSE), set_up, test_state, tear_down);
  return g_test_run ();
}
