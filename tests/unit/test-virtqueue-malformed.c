/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drivers that break the rules: the queue says so once and hands out nothing more. */

#include "hw/virtio/sv-virtqueue.h"

#include "virtq-driver.h"

#define BASE 0x10000u
#define DATA 0x100000u
#define TABLE 0x180000u
#define SIZE 8
#define N_IOV 32

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

typedef struct
{
  guint64 address;
  guint32 length;
  guint16 flags;
  guint16 next;
} Desc;

typedef struct
{
  const char *name;
  const char *reason; /* part of the message; NULL: the chain is fine */
  guint64 features;
  guint16 head;
  Desc ring[SIZE];
  Desc table[12];
} Case;

static const Case cases[] = {
  { "control", NULL, 0, 0, { { DATA, 16, 0, 0 } }, { { 0 } } },
  { "head-out-of-range", "descriptor 8 of 8", 0, SIZE, { { DATA, 16, 0, 0 } }, { { 0 } } },
  { "head-max", "descriptor 65535 of 8", 0, 65535, { { DATA, 16, 0, 0 } }, { { 0 } } },
  { "next-out-of-range", "descriptor 8 of 8", 0, 0, { { DATA, 16, NEXT, SIZE } }, { { 0 } } },
  { "descriptor-loop", "a loop", 0, 0, { { DATA, 16, NEXT, 1 }, { DATA, 16, NEXT, 0 } }, { { 0 } } },
  { "self-loop", "a loop", 0, 0, { { DATA, 0, NEXT, 0 } }, { { 0 } } },
  { "readable-after-writable", "readable descriptor follows", 0, 0,
    { { DATA, 16, NEXT | WRITE, 1 }, { DATA, 16, 0, 0 } }, { { 0 } } },
  { "hole", "not in RAM", 0, 0, { { RAM_END, 1, 0, 0 } }, { { 0 } } },
  { "end-of-ram", "not in RAM", 0, 0, { { RAM_END - 8, 16, 0, 0 } }, { { 0 } } },
  { "wrap", "wraps around", 0, 0, { { G_MAXUINT64 - 7, 16, 0, 0 } }, { { 0 } } },
  { "wrap-to-zero", "wraps around", 0, 0, { { G_MAXUINT64 - 15, 16, 0, 0 } }, { { 0 } } },
  { "rom-read", NULL, 0, 0, { { ROM_BASE, 16, 0, 0 } }, { { 0 } } },
  { "rom-write", "not in RAM", 0, 0, { { ROM_BASE, 16, WRITE, 0 } }, { { 0 } } },
  { "huge", "not in RAM", 0, 0, { { DATA, G_MAXUINT32, 0, 0 } }, { { 0 } } },
  { "indirect-control", NULL, F_INDIRECT, 0, { { TABLE, 16, INDIRECT, 0 } }, { { DATA, 1, 0, 0 } } },
  { "indirect-not-negotiated", "indirect descriptor of", 0, 0, { { TABLE, 16, INDIRECT, 0 } },
    { { DATA, 1, 0, 0 } } },
  { "indirect-next", "indirect descriptor of", F_INDIRECT, 0,
    { { TABLE, 16, INDIRECT | NEXT, 1 }, { DATA, 1, 0, 0 } }, { { DATA, 1, 0, 0 } } },
  { "indirect-empty", "of 0 bytes", F_INDIRECT, 0, { { TABLE, 0, INDIRECT, 0 } }, { { 0 } } },
  { "indirect-odd-size", "of 24 bytes", F_INDIRECT, 0, { { TABLE, 24, INDIRECT, 0 } },
    { { DATA, 1, 0, 0 } } },
  { "indirect-hole", "table is not in RAM", F_INDIRECT, 0, { { RAM_END - 16, 32, INDIRECT, 0 } },
    { { 0 } } },
  { "indirect-wrap", "table is not in RAM", F_INDIRECT, 0, { { G_MAXUINT64 - 15, 32, INDIRECT, 0 } },
    { { 0 } } },
  { "indirect-huge", "table is not in RAM", F_INDIRECT, 0, { { TABLE, 0xfffffff0, INDIRECT, 0 } },
    { { DATA, 1, 0, 0 } } },
  { "indirect-in-indirect", "within an indirect", F_INDIRECT, 0, { { TABLE, 32, INDIRECT, 0 } },
    { { DATA, 1, NEXT, 1 }, { TABLE, 16, INDIRECT, 0 } } },
  { "indirect-loop", "a loop", F_INDIRECT, 0, { { TABLE, 32, INDIRECT, 0 } },
    { { DATA, 1, NEXT, 1 }, { DATA, 1, NEXT, 0 } } },
  { "indirect-next-out-of-range", "descriptor 2 of 2", F_INDIRECT, 0, { { TABLE, 32, INDIRECT, 0 } },
    { { DATA, 1, NEXT, 2 }, { DATA, 1, 0, 0 } } },
  { "indirect-too-long", "too long", F_INDIRECT, 0, { { TABLE, 160, INDIRECT, 0 } },
    { { DATA, 1, NEXT, 1 }, { DATA, 1, NEXT, 2 }, { DATA, 1, NEXT, 3 }, { DATA, 1, NEXT, 4 },
      { DATA, 1, NEXT, 5 }, { DATA, 1, NEXT, 6 }, { DATA, 1, NEXT, 7 }, { DATA, 1, NEXT, 8 },
      { DATA, 1, NEXT, 9 }, { DATA, 1, 0, 0 } } },
};

typedef struct
{
  TestMemory memory;
  TestRing ring;
  SvVirtqueue *queue;
  char *reason;
  guint n_broken;
  struct iovec iov[N_IOV];
  SvVirtqElement element;
} Fixture;

static void
on_notify (gpointer opaque, guint index)
{
}

static void
on_broken (gpointer opaque, guint index, const char *reason)
{
  Fixture *f = opaque;

  f->n_broken++;
  g_free (f->reason);
  f->reason = g_strdup (reason);
}

static const SvVirtqueueFuncs funcs = { on_notify, on_broken };

static void
fixture_init (Fixture *f, guint64 features)
{
  *f = (Fixture){ .n_broken = 0 };
  test_memory_init (&f->memory);
  test_ring_init (&f->ring, &f->memory, BASE, SIZE, FALSE);
  f->queue = sv_virtqueue_new (0, SIZE, &funcs, f);
  f->element.iov = f->iov;
  f->element.max_iov = N_IOV;
  sv_virtqueue_set_layout (f->queue, &f->ring.layout);
  g_assert_true (sv_virtqueue_set_ready (f->queue, TRUE));
  sv_virtqueue_start (f->queue, f->memory.space, F_VERSION_1 | features);
}

static void
fixture_clear (Fixture *f)
{
  sv_virtqueue_free (f->queue);
  test_memory_clear (&f->memory);
  g_free (f->reason);
}

static void
assert_broken (Fixture *f, const char *reason)
{
  g_assert_cmpuint (f->n_broken, ==, 1);
  g_assert_nonnull (strstr (f->reason, reason));
  g_assert_true (sv_virtqueue_is_broken (f->queue));
  g_assert_cmpuint (test_ring_used_idx (&f->ring), ==, 0);
  /* It stays so, however good the next buffer is, until it is reset. */
  test_ring_desc (&f->ring, 0, DATA, 16, 0, 0);
  test_ring_add (&f->ring, 0);
  g_assert_false (sv_virtqueue_begin (f->queue));
  g_assert_cmpuint (f->n_broken, ==, 1);
  sv_virtqueue_reset (f->queue);
  g_assert_false (sv_virtqueue_is_broken (f->queue));
}

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  Fixture f;
  TestRing table;
  gboolean popped;

  fixture_init (&f, c->features);
  table = (TestRing){ .desc = test_memory_at (&f.memory, TABLE) };
  for (guint i = 0; i < SIZE; i++)
    test_ring_desc (&f.ring, i, c->ring[i].address, c->ring[i].length, c->ring[i].flags,
                    c->ring[i].next);
  for (guint i = 0; i < G_N_ELEMENTS (c->table); i++)
    test_ring_desc (&table, i, c->table[i].address, c->table[i].length, c->table[i].flags,
                    c->table[i].next);
  test_ring_add (&f.ring, c->head);

  g_assert_true (sv_virtqueue_begin (f.queue));
  popped = sv_virtqueue_pop (f.queue, &f.element);
  if (popped)
    sv_virtqueue_push (f.queue, &f.element, 0);
  else
    g_assert_false (sv_virtqueue_pop (f.queue, &f.element));
  sv_virtqueue_end (f.queue);

  g_assert_cmpint (popped, ==, c->reason == NULL);
  if (c->reason != NULL)
    assert_broken (&f, c->reason);
  else
    g_assert_cmpuint (f.n_broken, ==, 0);
  fixture_clear (&f);
}

static void
test_too_many_pieces (void)
{
  Fixture f;

  fixture_init (&f, 0);
  f.element.max_iov = 2;
  for (guint i = 0; i < 3; i++)
    test_ring_desc (&f.ring, i, DATA, 16, i < 2 ? NEXT : 0, i + 1);
  test_ring_add (&f.ring, 0);
  g_assert_true (sv_virtqueue_begin (f.queue));
  g_assert_false (sv_virtqueue_pop (f.queue, &f.element));
  sv_virtqueue_end (f.queue);
  assert_broken (&f, "more than 2 pieces");
  fixture_clear (&f);
}

/* Address space that is reserved only: a chain of more than 4 GiB must have memory to be in. */
static void
test_too_many_bytes (void)
{
  g_autoptr (SvMemoryBackend) backend = NULL;
  g_autoptr (SvMemoryRegion) region = NULL;
  g_autoptr (GError) error = NULL;
  guint64 size = G_GUINT64_CONSTANT (3) << 30;
  guint64 base = G_GUINT64_CONSTANT (1) << 32;
  Fixture f;

  fixture_init (&f, 0);
  backend = g_object_new (sv_memory_backend_ram_get_type (), "size", size, NULL);
  sv_object_complete (SV_OBJECT (backend), &error);
  g_assert_no_error (error);
  region = sv_memory_region_new_ram ("large", backend);
  sv_memory_region_add (f.memory.root, base, region, 0);

  test_ring_desc (&f.ring, 0, base, size, NEXT, 1);
  test_ring_desc (&f.ring, 1, base, 1u << 30, NEXT | WRITE, 2);
  test_ring_desc (&f.ring, 2, base, 1, WRITE, 0);
  test_ring_add (&f.ring, 0);
  g_assert_true (sv_virtqueue_begin (f.queue));
  g_assert_false (sv_virtqueue_pop (f.queue, &f.element));
  sv_virtqueue_end (f.queue);
  assert_broken (&f, "larger than 4 GiB");
  fixture_clear (&f);
}

static void
test_index_jump (void)
{
  Fixture f;

  fixture_init (&f, 0);
  f.ring.avail->idx = GUINT16_TO_LE (SIZE + 1);
  g_assert_true (sv_virtqueue_begin (f.queue));
  g_assert_false (sv_virtqueue_pop (f.queue, &f.element));
  sv_virtqueue_end (f.queue);
  assert_broken (&f, "available index 9 is more than 8 ahead of 0");
  fixture_clear (&f);
}

static void
test_index_back (void)
{
  Fixture f;

  fixture_init (&f, 0);
  f.ring.avail->idx = GUINT16_TO_LE (65535);
  g_assert_true (sv_virtqueue_begin (f.queue));
  g_assert_false (sv_virtqueue_pop (f.queue, &f.element));
  sv_virtqueue_end (f.queue);
  assert_broken (&f, "available index 65535");
  fixture_clear (&f);
}

static void
test_in_flight (void)
{
  Fixture f;

  fixture_init (&f, 0);
  for (guint i = 0; i < SIZE; i++)
    test_ring_desc (&f.ring, i, DATA, 16, 0, 0);
  for (guint i = 0; i < SIZE; i++)
    test_ring_add (&f.ring, i);
  g_assert_true (sv_virtqueue_begin (f.queue));
  for (guint i = 0; i < SIZE; i++)
    g_assert_true (sv_virtqueue_pop (f.queue, &f.element));
  sv_virtqueue_end (f.queue);

  test_ring_add (&f.ring, 0);
  g_assert_true (sv_virtqueue_begin (f.queue));
  g_assert_false (sv_virtqueue_pop (f.queue, &f.element));
  sv_virtqueue_end (f.queue);
  g_assert_cmpuint (f.n_broken, ==, 1);

  /* What was in flight comes back in silence. */
  g_assert_false (sv_virtqueue_begin (f.queue));
  sv_virtqueue_push (f.queue, &f.element, 0);
  assert_broken (&f, "more buffers are in use");
  fixture_clear (&f);
}

/* Rings that are not, or not all, in RAM; and a used ring in ROM. */
static void
test_rings (void)
{
  static const SvVirtqueueLayout layouts[] = {
    { SIZE, RAM_END, 0x1000, 0x2000 },
    { SIZE, 0x1000, RAM_END, 0x2000 },
    { SIZE, 0x1000, 0x2000, RAM_END },
    { SIZE, RAM_END - 16 * SIZE + 16, 0x1000, 0x2000 },
    { SIZE, 0x1000, RAM_END - 4 - 2 * SIZE, 0x2000 },
    { SIZE, 0x1000, 0x2000, RAM_END - 4 - 8 * SIZE },
    { SIZE, RAM_HALF - 16, 0x1000, 0x2000 },
    { SIZE, 0x1000, 0x2000, ROM_BASE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (layouts); i++)
    {
      Fixture f;

      fixture_init (&f, 0);
      sv_virtqueue_reset (f.queue);
      g_assert_true (sv_virtqueue_set_layout (f.queue, &layouts[i]));
      g_assert_true (sv_virtqueue_set_ready (f.queue, TRUE));
      /* With EVENT_IDX, a ring is two bytes longer. */
      sv_virtqueue_start (f.queue, f.memory.space, F_VERSION_1 | F_EVENT_IDX);
      g_assert_false (sv_virtqueue_begin (f.queue));
      assert_broken (&f, "rings are not in RAM");
      fixture_clear (&f);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/virtio/queue/malformed/%s", cases[i].name);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/virtio/queue/malformed/too-many-pieces", test_too_many_pieces);
  g_test_add_func ("/virtio/queue/malformed/too-many-bytes", test_too_many_bytes);
  g_test_add_func ("/virtio/queue/malformed/index-jump", test_index_jump);
  g_test_add_func ("/virtio/queue/malformed/index-back", test_index_back);
  g_test_add_func ("/virtio/queue/malformed/in-flight", test_in_flight);
  g_test_add_func ("/virtio/queue/malformed/rings", test_rings);

  return g_test_run ();
}
