/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "hw/virtio/sv-virtio-balloon.h"
#include "tests/unit/virtio-guest.h"

#define BALLOON "virtio-balloon-device"
#define PAGE 4096u
#define RAM_PAGES (RAM_END / PAGE)
#define INFLATE 0
#define DEFLATE 1
#define STATS 2
#define REPORTING 3
#define NUM_PAGES offsetof (struct virtio_balloon_config, num_pages)
#define ACTUAL offsetof (struct virtio_balloon_config, actual)
#define POISON offsetof (struct virtio_balloon_config, poison_val)
#define LIST GUEST_DATA
/* Pages that the tests play with, in both halves of RAM */
#define FIRST (0x100000u / PAGE)
#define LAST (0x300000u / PAGE)

typedef struct
{
  VirtioGuest guest;
  SvVirtioBalloon *balloon;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  virtio_guest_init (&fixture->guest);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  virtio_guest_clear (&fixture->guest);
}

static void
start (Fixture *fixture, const char *json, guint64 without)
{
  VirtioGuest *guest = &fixture->guest;
  g_autoptr (GError) error = NULL;
  gboolean reporting;

  virtio_guest_plug (guest, BALLOON, json, &error);
  g_assert_no_error (error);
  fixture->balloon = SV_VIRTIO_BALLOON (guest->device);
  g_object_get (fixture->balloon, "free-page-reporting", &reporting, NULL);
  g_assert_cmpuint (virtio_guest_read (guest, VIRTIO_MMIO_DEVICE_ID), ==, VIRTIO_ID_BALLOON);
  virtio_guest_start (guest, reporting ? 4 : 3, without);
}

static void
touch_all (VirtioGuest *guest)
{
  for (guint page = FIRST; page < LAST; page++)
    memset (virtio_guest_at (guest, page * PAGE), 0xa5, PAGE);
}

/* Whether the host has memory for the page */
static gboolean
is_there (VirtioGuest *guest, guint page)
{
  guint8 resident;

  g_assert_cmpint (mincore (virtio_guest_at (guest, page * PAGE), PAGE, &resident), ==, 0);
  return resident & 1;
}

static void
put (VirtioGuest *guest, guint n, guint32 page)
{
  ((guint32 *)virtio_guest_at (guest, LIST))[n] = GUINT32_TO_LE (page);
}

/* Pages go to the host in any order, alone and together, and no other page does. */
static void
test_inflate (Fixture *fixture, gconstpointer data)
{
  static const guint pages[] = { 300, 299, 301, 400, 512, 511, 513, 257, 700, 300 };
  VirtioGuest *guest = &fixture->guest;
  g_autoptr (GHashTable) given = g_hash_table_new (NULL, NULL);

  start (fixture, NULL, 0);
  touch_all (guest);
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    {
      put (guest, i, pages[i]);
      g_hash_table_add (given, GUINT_TO_POINTER (pages[i]));
    }
  g_assert_cmpuint (virtio_guest_run (guest, INFLATE, LIST, sizeof pages, 0, 0), ==, 0);
  for (guint page = FIRST; page < LAST; page++)
    g_assert_cmpint (is_there (guest, page), !=,
                     g_hash_table_contains (given, GUINT_TO_POINTER (page)));
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    g_assert_cmpuint (*(guint8 *)virtio_guest_at (guest, pages[i] * PAGE), ==, 0);

  /* What comes out of the balloon is usable: it was all the time. */
  g_assert_cmpuint (virtio_guest_run (guest, DEFLATE, LIST, sizeof pages, 0, 0), ==, 0);
  memset (virtio_guest_at (guest, 300 * PAGE), 1, PAGE);
  g_assert_true (is_there (guest, 300));
}

static void
test_many (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;

  start (fixture, NULL, 0);
  touch_all (guest);
  for (guint i = 0; i < LAST - FIRST; i++)
    put (guest, i, LAST - 1 - i);
  /* Several buffers at once, of which each is handled in a turn of its own */
  for (guint i = 0; i < 4; i++)
    virtio_guest_add (guest, INFLATE, LIST + i * 512, 512, 0, 0);
  virtio_guest_kick (guest, INFLATE);
  for (guint i = 0; i < 4; i++)
    virtio_guest_wait (guest, INFLATE, NULL);
  for (guint page = FIRST; page < LAST; page++)
    g_assert_false (is_there (guest, page));
}

/* Numbers that name no RAM, ROM, registers; half a number; a list without end. */
static void
test_hostile (Fixture *fixture, gconstpointer data)
{
  static const guint32 pages[]
      = { RAM_PAGES, ROM_BASE / PAGE, 0x4000000 / PAGE, 0xffffffff, 0xfffffffe, 0x80000000, 600 };
  VirtioGuest *guest = &fixture->guest;

  start (fixture, NULL, 0);
  touch_all (guest);
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    put (guest, i, pages[i]);
  g_assert_cmpuint (virtio_guest_run (guest, INFLATE, LIST, sizeof pages + 3, 0, 0), ==, 0);
  for (guint page = FIRST; page < LAST; page++)
    g_assert_cmpint (is_there (guest, page), ==, page != 600);
  g_assert_cmpuint (virtio_guest_run (guest, INFLATE, 0, 0, LIST, 64), ==, 0);
}

static void
test_endless_list (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;

  start (fixture, NULL, 0);
  virtio_guest_add (guest, INFLATE, LIST, 0x40004, 0, 0);
  virtio_guest_kick (guest, INFLATE);
  virtio_guest_settle (guest);
  g_assert_true (virtio_guest_is_broken (guest));
}

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  (*(guint *)user_data)++;
}

/* The target goes to the driver, what it did comes back; neither beyond what there is. */
static void
test_size (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;
  guint64 target;
  guint n_changes = 0;

  start (fixture, "{'target': 12288}", 0);
  g_assert_cmpuint (virtio_guest_read_config (guest, NUM_PAGES, 4), ==, RAM_PAGES - 3);
  virtio_guest_unplug (guest);
  start (fixture, NULL, 0);
  g_signal_connect (fixture->balloon, "notify::actual", G_CALLBACK (count_notify), &n_changes);
  g_assert_cmpuint (sv_virtio_balloon_get_actual (fixture->balloon), ==, RAM_END);
  g_assert_cmpuint (virtio_guest_read_config (guest, NUM_PAGES, 4), ==, 0);

  sv_virtio_balloon_set_target (fixture->balloon, RAM_END - 100 * PAGE - 1);
  g_assert_cmpuint (virtio_guest_read_config (guest, NUM_PAGES, 4), ==, 100);
  g_assert_cmpuint (
      virtio_guest_read (guest, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG, !=, 0);
  virtio_guest_write_config (guest, ACTUAL, 60, 4);
  g_assert_cmpuint (sv_virtio_balloon_get_actual (fixture->balloon), ==, RAM_END - 60 * PAGE);
  virtio_guest_write_config (guest, ACTUAL, 100, 4);
  virtio_guest_settle (guest);
  g_assert_cmpuint (n_changes, ==, 1);
  g_assert_cmpuint (sv_virtio_balloon_get_actual (fixture->balloon), ==, RAM_END - 100 * PAGE);

  g_object_set (fixture->balloon, "target", G_MAXUINT64, NULL);
  g_assert_cmpuint (virtio_guest_read_config (guest, NUM_PAGES, 4), ==, 0);
  g_object_get (fixture->balloon, "target", &target, NULL);
  g_assert_cmpuint (target, ==, RAM_END);
  sv_virtio_balloon_set_target (fixture->balloon, 1);
  g_assert_cmpuint (virtio_guest_read_config (guest, NUM_PAGES, 4), ==, RAM_PAGES - 1);
  virtio_guest_write_config (guest, ACTUAL, 0xffffffff, 4);
  g_assert_cmpuint (sv_virtio_balloon_get_actual (fixture->balloon), ==, 0);
  virtio_guest_write_config (guest, NUM_PAGES, 5, 4);
  virtio_guest_write_config (guest, ACTUAL, 5, 2);
  virtio_guest_write_config (guest, ACTUAL + 2, 5, 4);
  g_assert_cmpuint (virtio_guest_read_config (guest, NUM_PAGES, 4), ==, RAM_PAGES - 1);
  g_assert_cmpuint (sv_virtio_balloon_get_actual (fixture->balloon), ==, 0);

  /* A driver that starts anew has no balloon yet, but the same target. */
  virtio_guest_start (guest, 3, 0);
  g_assert_cmpuint (sv_virtio_balloon_get_actual (fixture->balloon), ==, RAM_END);
  g_assert_cmpuint (virtio_guest_read_config (guest, NUM_PAGES, 4), ==, RAM_PAGES - 1);
}

static void
test_features (Fixture *fixture, gconstpointer data)
{
  const guint64 oom = 1u << VIRTIO_BALLOON_F_DEFLATE_ON_OOM;
  const guint64 reporting = 1u << VIRTIO_BALLOON_F_REPORTING;
  VirtioGuest *guest = &fixture->guest;

  start (fixture, NULL, 0);
  g_assert_cmphex (guest->features & (oom | reporting), ==, 0);
  virtio_guest_unplug (guest);
  start (fixture, "{'deflate-on-oom': true}", 0);
  g_assert_cmphex (guest->features & (oom | reporting), ==, oom);
  virtio_guest_unplug (guest);
  start (fixture, "{'free-page-reporting': true}", 0);
  g_assert_cmphex (guest->features & (oom | reporting), ==, reporting);
}

static void
test_reporting (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;

  start (fixture, "{'free-page-reporting': true}", 0);
  touch_all (guest);
  /* From one half of RAM into the other: two mappings */
  virtio_guest_run (guest, REPORTING, 0, 0, 500 * PAGE, 20 * PAGE);
  /* Parts of pages stay. */
  virtio_guest_run (guest, REPORTING, 0, 0, 600 * PAGE + 1, 2 * PAGE);
  virtio_guest_run (guest, REPORTING, 0, 0, 610 * PAGE + 1, PAGE);
  for (guint page = FIRST; page < LAST; page++)
    g_assert_cmpint (is_there (guest, page), ==, (page < 500 || page >= 520) && page != 601);

  /* A guest that wants to find its poison gets it. */
  touch_all (guest);
  virtio_guest_write_config (guest, POISON, 0xaaaaaaaa, 4);
  virtio_guest_run (guest, REPORTING, 0, 0, 500 * PAGE, 20 * PAGE);
  g_assert_true (is_there (guest, 510));

  /* Without statistics the queue takes their place. */
  virtio_guest_start (guest, 3, 1u << VIRTIO_BALLOON_F_STATS_VQ);
  virtio_guest_run (guest, STATS, 0, 0, 500 * PAGE, 20 * PAGE);
  g_assert_false (is_there (guest, 510));
}

static gint64
get_stat (Fixture *fixture, const char *name)
{
  g_autoptr (JsonNode) node = NULL;
  JsonObject *all;

  g_object_get (fixture->balloon, "guest-stats", &node, NULL);
  all = json_node_get_object (node);
  if (g_str_equal (name, "last-update"))
    return json_object_get_int_member (all, name);
  return json_object_get_int_member (json_object_get_object_member (all, "stats"), name);
}

static void
set_stat (VirtioGuest *guest, guint n, guint16 tag, guint64 value)
{
  struct virtio_balloon_stat *stat = virtio_guest_at (guest, LIST);

  stat[n].tag = GUINT16_TO_LE (tag);
  stat[n].val = GUINT64_TO_LE (value);
}

static void
test_stats (Fixture *fixture, gconstpointer data)
{
  const guint size = sizeof (struct virtio_balloon_stat);
  VirtioGuest *guest = &fixture->guest;
  guint n_changes = 0;
  guint16 head;

  start (fixture, NULL, 0);
  g_signal_connect (fixture->balloon, "notify::guest-stats", G_CALLBACK (count_notify), &n_changes);
  g_assert_cmpint (get_stat (fixture, "last-update"), ==, 0);
  g_assert_cmpint (get_stat (fixture, "stat-free-memory"), ==, -1);

  set_stat (guest, 0, VIRTIO_BALLOON_S_MEMFREE, 1000);
  set_stat (guest, 1, VIRTIO_BALLOON_S_MEMTOT, 2000);
  set_stat (guest, 2, 999, 1);
  set_stat (guest, 3, VIRTIO_BALLOON_S_CACHES, 3000);
  head = virtio_guest_add (guest, STATS, LIST, 4 * size - 1, 0, 0);
  virtio_guest_kick (guest, STATS);
  virtio_guest_settle (guest);
  g_assert_cmpuint (n_changes, ==, 1);
  g_assert_cmpint (get_stat (fixture, "last-update"), >, 0);
  g_assert_cmpint (get_stat (fixture, "stat-free-memory"), ==, 1000);
  g_assert_cmpint (get_stat (fixture, "stat-total-memory"), ==, 2000);
  g_assert_cmpint (get_stat (fixture, "stat-disk-caches"), ==, -1);
  /* The buffer is kept, and not read again, until statistics are wanted. */
  g_assert_cmpuint (test_ring_used_idx (&guest->rings[STATS]), ==, 0);
  set_stat (guest, 0, VIRTIO_BALLOON_S_MEMFREE, 1001);
  sv_device_quiesce (SV_DEVICE (guest->device));
  sv_device_resume (SV_DEVICE (guest->device));
  virtio_guest_settle (guest);
  g_assert_cmpint (get_stat (fixture, "stat-free-memory"), ==, 1000);
  g_assert_cmpuint (n_changes, ==, 1);

  /* Nor while the machine is paused */
  sv_device_quiesce (SV_DEVICE (guest->device));
  g_object_set (fixture->balloon, "guest-stats-polling-interval", (gint64)1, NULL);
  g_assert_cmpuint (test_ring_used_idx (&guest->rings[STATS]), ==, 0);
  sv_device_resume (SV_DEVICE (guest->device));
  virtio_guest_settle (guest);
  g_object_set (fixture->balloon, "guest-stats-polling-interval", (gint64)1, NULL);
  g_assert_cmpuint (virtio_guest_wait (guest, STATS, NULL), ==, head);
  virtio_guest_add (guest, STATS, LIST, size, 0, 0);
  virtio_guest_kick (guest, STATS);
  virtio_guest_settle (guest);
  g_assert_cmpuint (n_changes, ==, 2);
  g_assert_cmpint (get_stat (fixture, "stat-free-memory"), ==, 1001);
  g_assert_cmpint (get_stat (fixture, "stat-total-memory"), ==, -1);
  /* And again after the interval, by itself */
  virtio_guest_wait (guest, STATS, NULL);
}

/* Memory in files: shared with others, or as a private view of the file. */
static void
test_backends (void)
{
  static const struct
  {
    const char *type;
    gboolean share;
    gboolean zero; /* can become zeroes */
  } cases[] = {
    { "memory-backend-ram", FALSE, TRUE },
    { "memory-backend-ram", TRUE, TRUE },
    { "memory-backend-memfd", FALSE, FALSE },
    { "memory-backend-memfd", TRUE, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (JsonObject) properties = json_object_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (SvObject) backend = NULL;
      SvMemoryBackend *memory;
      guint8 resident[16];
      struct stat st = { 0 };

      json_object_set_int_member (properties, "size", 16 * PAGE);
      json_object_set_boolean_member (properties, "share", cases[i].share);
      backend = sv_object_new_from_json (cases[i].type, SV_TYPE_OBJECT, properties, NULL, &error);
      g_assert_no_error (error);
      sv_object_complete (backend, &error);
      g_assert_no_error (error);
      memory = SV_MEMORY_BACKEND (backend);
      memset (sv_memory_backend_get_host (memory), 1, 16 * PAGE);

      g_assert_cmpint (sv_memory_backend_discard (memory, 0, PAGE, TRUE), ==, cases[i].zero);
      g_assert_true (sv_memory_backend_discard (memory, PAGE, 3 * PAGE, FALSE));
      g_assert_false (sv_memory_backend_discard (memory, 15 * PAGE, 2 * PAGE, FALSE));
      g_assert_false (sv_memory_backend_discard (memory, G_MAXUINT64, 2 * PAGE, FALSE));
      g_assert_false (sv_memory_backend_discard (memory, 8 * PAGE + 1, PAGE, FALSE));
      sv_memory_inhibit_discard (TRUE);
      g_assert_false (sv_memory_backend_discard (memory, 8 * PAGE, PAGE, FALSE));
      sv_memory_inhibit_discard (FALSE);

      g_assert_cmpuint (sv_memory_backend_get_host (memory)[8 * PAGE], ==, 1);
      g_assert_cmpuint (sv_memory_backend_get_host (memory)[4 * PAGE], ==, 1);
      if (sv_memory_backend_get_fd (memory) >= 0 && cases[i].share)
        {
          g_assert_cmpint (fstat (sv_memory_backend_get_fd (memory), &st), ==, 0);
          g_assert_cmpint (st.st_blocks, ==, 12 * PAGE / 512);
        }
      else
        {
          g_assert_cmpint (mincore (sv_memory_backend_get_host (memory), 16 * PAGE, resident), ==,
                           0);
          if (sv_memory_backend_get_fd (memory) < 0)
            for (guint page = 0; page < 16; page++)
              g_assert_cmpint (resident[page] & 1, ==, page >= 4);
        }
      g_assert_cmpuint (sv_memory_backend_get_host (memory)[2 * PAGE], ==, 0);
    }
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;
  g_autoptr (GError) error = NULL;
  g_autoptr (SvVirtioMmio) second
      = sv_virtio_mmio_new (guest->memory.space, 1, 0x5000000, guest->irq);
  g_autoptr (SvObject) other = g_object_new (SV_TYPE_VIRTIO_BALLOON, NULL);
  g_autoptr (SvMemoryRegion) region = NULL;
  SvObject *huge;

  start (fixture, NULL, 0);
  sv_object_add_child (guest->root, "transport2", SV_OBJECT (second), &error);
  sv_object_complete (SV_OBJECT (second), &error);
  sv_object_add_child (guest->root, "other", other, &error);
  sv_bus_plug (sv_virtio_mmio_get_bus (second), SV_DEVICE (other), &error);
  g_assert_no_error (error);
  g_assert_false (sv_object_complete (other, &error));
  g_assert_nonnull (strstr (error->message, "'other': there is a balloon already"));
  g_clear_error (&error);

  virtio_guest_unplug (guest);
  huge = virtio_guest_add_object (
      guest, "memory-backend-memfd", "huge",
      "{'size': 2097152, 'hugetlb': true, 'hugetlbsize': 2097152, 'reserve': false}");
  region = sv_memory_region_new_ram ("huge", SV_MEMORY_BACKEND (huge));
  sv_memory_region_add (guest->memory.root, 0x20000000, region, 0);
  g_object_set (other, "huge-pages", FALSE, NULL);
  g_assert_false (sv_object_complete (other, &error));
  g_assert_nonnull (strstr (error->message, "'other': a balloon cannot be used with huge pages"));
  sv_memory_region_remove (guest->memory.root, region);
  sv_bus_unplug (sv_virtio_mmio_get_bus (second), SV_DEVICE (other));
  sv_object_unparent (other);
  sv_object_unparent (SV_OBJECT (second));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/virtio-balloon/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("inflate", test_inflate);
  ADD ("many", test_many);
  ADD ("hostile", test_hostile);
  ADD ("endless-list", test_endless_list);
  ADD ("size", test_size);
  ADD ("features", test_features);
  ADD ("reporting", test_reporting);
  ADD ("stats", test_stats);
  ADD ("refused", test_refused);
  g_test_add_func ("/virtio-balloon/backends", test_backends);
  return g_test_run ();
}
