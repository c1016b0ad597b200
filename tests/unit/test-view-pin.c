/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/memory/sv-view-pin.h"

#include "memory-fixture.h"
#include "src/runtime/sv-vm-lock.h"

#define N_THREADS 4
#define N_CHANGES 400

typedef struct
{
  SvMemoryRegion *root;
  SvAddressSpace *space;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->root = sv_memory_region_new_container ("root", 0x100000);
  f->space = sv_address_space_new ("memory", f->root);
  g_assert_cmpuint (sv_view_reap (), ==, 0);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_object_unref (f->root);
  g_object_unref (f->space);
  g_assert_cmpuint (sv_view_reap (), ==, 0);
}

static gboolean
has_ram (const SvFlatView *view)
{
  return sv_flat_view_map (view, 0, 0x1000, SV_MEMORY_WRITE) != NULL;
}

/* What is pinned stays as it was, its memory mapped, until it is left. */
static void
test_keeps_view (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *ram = memory_ram ("ram", 0x1000);
  SvMemoryRegion *weak = ram;
  const SvFlatView *view;
  guint8 *host;

  g_object_add_weak_pointer (G_OBJECT (ram), (gpointer *)&weak);
  memory_put (f->root, 0, ram, 0);
  view = sv_address_space_enter (f->space);
  host = sv_flat_view_map (view, 0, 0x1000, SV_MEMORY_WRITE);
  sv_memory_region_remove (f->root, ram);
  assert_view (f->space, "");
  g_assert_nonnull (weak);
  g_assert_true (has_ram (view));
  host[0xfff] = 1;
  g_assert_cmpuint (sv_view_reap (), ==, 1);
  sv_address_space_leave (f->space);

  /* Not until the next change: the main loop frees it. */
  g_assert_nonnull (weak);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_null (weak);
}

/* Entering again shows the new view and keeps the old one, however the leaving is ordered. */
static void
test_nests (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *ram = memory_ram ("ram", 0x1000);
  const SvFlatView *old, *new;

  memory_put (f->root, 0, ram, 0);
  old = sv_address_space_enter (f->space);
  g_assert_true (sv_address_space_enter (f->space) == old);
  sv_memory_region_remove (f->root, ram);
  new = sv_address_space_enter (f->space);
  g_assert_true (new != old);
  g_assert_true (sv_address_space_enter (f->space) == new);
  g_assert_true (has_ram (old));
  g_assert_false (has_ram (new));
  for (guint i = 0; i < 3; i++)
    {
      sv_address_space_leave (f->space);
      g_assert_cmpuint (sv_view_reap (), ==, 1);
      g_assert_true (has_ram (old));
      g_assert_false (has_ram (new));
    }
  sv_address_space_leave (f->space);
  g_assert_cmpuint (sv_view_reap (), ==, 0);
}

/* A thread that never leaves altogether pins a bounded number of views. */
static void
test_nests_deeply (Fixture *f, gconstpointer data)
{
  const SvFlatView *views[40];

  for (guint i = 0; i < G_N_ELEMENTS (views); i++)
    {
      memory_put (f->root, i * 0x1000, memory_ram ("ram", 0x1000), 0);
      views[i] = sv_address_space_enter (f->space);
    }
  g_assert_cmpuint (sv_view_reap (), <, 10);
  for (guint i = 0; i < G_N_ELEMENTS (views); i++)
    {
      g_assert_true (has_ram (views[i]));
      sv_address_space_leave (f->space);
    }
  g_assert_cmpuint (sv_view_reap (), ==, 0);
}

static void
test_several_spaces (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *ram = memory_ram ("ram", 0x1000);
  SvAddressSpace *spaces[6];

  memory_put (f->root, 0, ram, 0);
  for (guint i = 0; i < G_N_ELEMENTS (spaces); i++)
    {
      spaces[i] = sv_address_space_new ("other", f->root);
      g_assert_true (has_ram (sv_address_space_enter (spaces[i])));
    }
  sv_memory_region_remove (f->root, ram);
  g_assert_cmpuint (sv_view_reap (), ==, G_N_ELEMENTS (spaces));
  /* Not in the order of entering */
  for (guint i = 0; i < G_N_ELEMENTS (spaces); i++)
    {
      sv_address_space_leave (spaces[i]);
      g_assert_cmpuint (sv_view_reap (), ==, G_N_ELEMENTS (spaces) - 1 - i);
      g_object_unref (spaces[i]);
    }
}

static void
test_leave_without_enter (Fixture *f, gconstpointer data)
{
  g_test_expect_message ("stratovirt", G_LOG_LEVEL_CRITICAL, "*assertion*failed*");
  sv_address_space_leave (f->space);
  g_test_assert_expected_messages ();
}

/* A thread that ends takes its pins with it. */
static gpointer
enter_and_end (gpointer data)
{
  Fixture *f = data;

  sv_address_space_enter (f->space);
  return NULL;
}

static void
test_thread_ends (Fixture *f, gconstpointer data)
{
  memory_put (f->root, 0, memory_ram ("ram", 0x1000), 0);
  for (guint i = 0; i < 20; i++)
    g_thread_join (g_thread_new ("ends", enter_and_end, f));
  memory_put (f->root, 0x1000, memory_ram ("ram", 0x1000), 0);
  g_assert_cmpuint (sv_view_reap (), ==, 0);
}

/* --- Many threads --- */

typedef struct
{
  Fixture *f;
  gint stop;
  gint n_running;
  gint n_seen[2];
} Crowd;

/*
 * The space always shows "odd" or "even", at page 1 or 2, and RAM below. A reader that sees a view
 * half made, or one that was freed, sees something else (or ThreadSanitizer does).
 */
static gpointer
read_views (gpointer data)
{
  Crowd *crowd = data;
  guint round = 0;

  g_atomic_int_inc (&crowd->n_running);
  while (!g_atomic_int_get (&crowd->stop))
    {
      const SvFlatView *view = sv_address_space_enter (crowd->f->space);
      const SvFlatRange *odd = sv_flat_view_lookup (view, 0x1000);
      const SvFlatRange *even = sv_flat_view_lookup (view, 0x2000);
      const SvFlatRange *range = odd != NULL ? odd : even;
      guint8 *host = sv_flat_view_map (view, 0, 0x1000, SV_MEMORY_WRITE);

      g_assert_true ((odd == NULL) != (even == NULL));
      g_assert_cmpstr (sv_memory_region_get_name (range->region), ==, odd != NULL ? "odd" : "even");
      g_assert_nonnull (host);
      if (++round % 16 == 0)
        {
          const SvFlatView *inner = sv_address_space_enter (crowd->f->space);

          g_assert_true ((sv_flat_view_lookup (inner, 0x1000) == NULL)
                         != (sv_flat_view_lookup (inner, 0x2000) == NULL));
          sv_address_space_leave (crowd->f->space);
          /* Still there, though another one may be the present one */
          g_assert_cmpstr (sv_memory_region_get_name (range->region), ==,
                           odd != NULL ? "odd" : "even");
        }
      sv_address_space_leave (crowd->f->space);
      g_atomic_int_inc (&crowd->n_seen[odd != NULL]);
    }
  return NULL;
}

static void
test_readers_and_writer (Fixture *f, gconstpointer data)
{
  Crowd crowd = { .f = f };
  SvMemoryRegion *shown = memory_io ("even", 0x1000);
  GThread *threads[N_THREADS];

  memory_put (f->root, 0, memory_ram ("ram", 0x1000), 0);
  sv_memory_region_add (f->root, 0x2000, shown, 0);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("reader", read_views, &crowd);
  while (g_atomic_int_get (&crowd.n_running) < N_THREADS)
    g_thread_yield ();

  for (guint i = 1; i <= N_CHANGES || g_atomic_int_get (&crowd.n_seen[0]) == 0
                    || g_atomic_int_get (&crowd.n_seen[1]) == 0;
       i++)
    {
      sv_vm_lock ();
      sv_memory_transaction_begin ();
      sv_memory_region_remove (f->root, shown);
      g_object_unref (shown);
      shown = memory_io (i % 2 == 1 ? "odd" : "even", 0x1000);
      sv_memory_region_add (f->root, i % 2 == 1 ? 0x1000 : 0x2000, shown, 0);
      sv_memory_transaction_commit ();
      sv_vm_unlock ();
      if (i % 8 == 0)
        g_thread_yield ();
    }

  g_atomic_int_set (&crowd.stop, TRUE);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_object_unref (shown);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, function)                                                                        \
  g_test_add ("/view-pin/" path, Fixture, NULL, set_up, function, tear_down)

  ADD ("keeps-view", test_keeps_view);
  ADD ("nests", test_nests);
  ADD ("nests-deeply", test_nests_deeply);
  ADD ("several-spaces", test_several_spaces);
  ADD ("leave-without-enter", test_leave_without_enter);
  ADD ("thread-ends", test_thread_ends);
  ADD ("readers-and-writer", test_readers_and_writer);

  return g_test_run ();
}
