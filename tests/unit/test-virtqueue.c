/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtqueue.h"

#include <string.h>

#include "virtq-driver.h"

#define BASE 0x10000u
#define DATA 0x100000u
#define N_IOV 8

typedef struct
{
  TestMemory memory;
  TestRing ring;
  SvVirtqueue *queue;
  guint n_notified;
  struct iovec iov[N_IOV];
  SvVirtqElement element;
} Fixture;

static void
on_notify (gpointer opaque, guint index)
{
  ((Fixture *)opaque)->n_notified++;
  g_assert_cmpuint (index, ==, 3);
}

static void
on_broken (gpointer opaque, guint index, const char *reason)
{
  g_test_message ("%s", reason);
  g_test_fail ();
}

static const SvVirtqueueFuncs funcs = { on_notify, on_broken };

static void
start_at (Fixture *f, guint size, guint64 features, guint16 position)
{
  test_ring_init (&f->ring, &f->memory, BASE, size, (features & F_EVENT_IDX) != 0);
  f->ring.avail_idx = f->ring.used_seen = position;
  f->ring.avail->idx = GUINT16_TO_LE (position);
  f->ring.used->idx = GUINT16_TO_LE (position);
  g_assert_true (sv_virtqueue_set_layout (f->queue, &f->ring.layout));
  g_assert_true (sv_virtqueue_set_ready (f->queue, TRUE));
  sv_virtqueue_set_position (f->queue, position, position);
  sv_virtqueue_start (f->queue, f->memory.space, features);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  test_memory_init (&f->memory);
  f->queue = sv_virtqueue_new (3, 256, &funcs, f);
  f->element.iov = f->iov;
  f->element.max_iov = N_IOV;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  sv_virtqueue_free (f->queue);
  test_memory_clear (&f->memory);
}

/* Takes one buffer and gives it back. */
static void
serve_one (Fixture *f, guint32 written)
{
  g_assert_true (sv_virtqueue_begin (f->queue));
  g_assert_true (sv_virtqueue_pop (f->queue, &f->element));
  sv_virtqueue_push (f->queue, &f->element, written);
  sv_virtqueue_end (f->queue);
}

static void
assert_used (Fixture *f, guint32 id, guint32 length)
{
  guint32 got_id, got_length;

  g_assert_true (test_ring_take (&f->ring, &got_id, &got_length));
  g_assert_cmpuint (got_id, ==, id);
  g_assert_cmpuint (got_length, ==, length);
}

static void
assert_empty (Fixture *f)
{
  g_assert_true (sv_virtqueue_begin (f->queue));
  g_assert_false (sv_virtqueue_pop (f->queue, &f->element));
  sv_virtqueue_end (f->queue);
}

static void
test_chain (Fixture *f, gconstpointer data)
{
  start_at (f, 8, F_VERSION_1, 0);
  assert_empty (f);

  test_ring_desc (&f->ring, 5, DATA, 16, VRING_DESC_F_NEXT, 2);
  test_ring_desc (&f->ring, 2, DATA + 0x1000, 0x200, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 7);
  test_ring_desc (&f->ring, 7, DATA + 0x2000, 1, VRING_DESC_F_WRITE, 5);
  test_ring_add (&f->ring, 5);

  g_assert_true (sv_virtqueue_begin (f->queue));
  g_assert_true (sv_virtqueue_pop (f->queue, &f->element));
  g_assert_cmpuint (f->element.id, ==, 5);
  g_assert_cmpuint (f->element.n_out, ==, 1);
  g_assert_cmpuint (f->element.n_in, ==, 2);
  g_assert_cmpuint (f->element.out_size, ==, 16);
  g_assert_cmpuint (f->element.in_size, ==, 0x201);
  g_assert_true (f->element.out[0].iov_base == test_memory_at (&f->memory, DATA));
  g_assert_true (f->element.in[0].iov_base == test_memory_at (&f->memory, DATA + 0x1000));
  g_assert_cmpuint (f->element.in[0].iov_len, ==, 0x200);
  g_assert_true (f->element.in[1].iov_base == test_memory_at (&f->memory, DATA + 0x2000));
  g_assert_cmpuint (sv_virtqueue_get_in_flight (f->queue), ==, 1);

  sv_virtqueue_push (f->queue, &f->element, 0x201);
  g_assert_cmpuint (test_ring_used_idx (&f->ring), ==, 0);
  g_assert_cmpuint (f->n_notified, ==, 0);
  sv_virtqueue_end (f->queue);
  g_assert_cmpuint (test_ring_used_idx (&f->ring), ==, 1);
  g_assert_cmpuint (f->n_notified, ==, 1);
  g_assert_cmpuint (sv_virtqueue_get_in_flight (f->queue), ==, 0);
  assert_used (f, 5, 0x201);
}

static void
set_table_entry (Fixture *f, guint i, guint64 address, guint32 length, guint16 flags, guint16 next)
{
  TestRing table = { .desc = test_memory_at (&f->memory, DATA + 0x8008) };

  test_ring_desc (&table, i, address, length, flags, next);
}

static void
test_indirect (Fixture *f, gconstpointer data)
{
  start_at (f, 4, F_VERSION_1 | F_INDIRECT, 0);

  /* More descriptors than the ring has, in a table that is aligned to 8 only. */
  for (guint i = 0; i < 6; i++)
    set_table_entry (f, i, DATA + 0x1000 * i, 64 + i,
                     (i < 5 ? VRING_DESC_F_NEXT : 0) | (i > 2 ? VRING_DESC_F_WRITE : 0), i + 1);
  /* Ordinary descriptors may precede the table; its WRITE flag means nothing (§2.7.5.3.2). */
  test_ring_desc (&f->ring, 0, DATA + 0x9000, 8, VRING_DESC_F_NEXT, 3);
  test_ring_desc (&f->ring, 3, DATA + 0x8008, 6 * 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE,
                  0);
  test_ring_add (&f->ring, 0);

  g_assert_true (sv_virtqueue_begin (f->queue));
  g_assert_true (sv_virtqueue_pop (f->queue, &f->element));
  g_assert_cmpuint (f->element.n_out, ==, 4);
  g_assert_cmpuint (f->element.n_in, ==, 3);
  g_assert_cmpuint (f->element.out_size, ==, 8 + 64 + 65 + 66);
  g_assert_cmpuint (f->element.in_size, ==, 67 + 68 + 69);
  sv_virtqueue_push (f->queue, &f->element, 0);
  sv_virtqueue_end (f->queue);
  assert_used (f, 0, 0);
}

static void
test_scattered (Fixture *f, gconstpointer data)
{
  start_at (f, 4, F_VERSION_1, 0);
  test_ring_desc (&f->ring, 0, RAM_HALF - 0x10, 0x30, VRING_DESC_F_NEXT, 1);
  test_ring_desc (&f->ring, 1, RAM_HALF - 0x400, 0x1000, VRING_DESC_F_WRITE, 0);
  test_ring_add (&f->ring, 0);

  g_assert_true (sv_virtqueue_begin (f->queue));
  g_assert_true (sv_virtqueue_pop (f->queue, &f->element));
  g_assert_cmpuint (f->element.n_out, ==, 2);
  g_assert_cmpuint (f->element.out[0].iov_len, ==, 0x10);
  g_assert_true (f->element.out[1].iov_base == test_memory_at (&f->memory, RAM_HALF));
  g_assert_cmpuint (f->element.out[1].iov_len, ==, 0x20);
  g_assert_cmpuint (f->element.n_in, ==, 2);
  g_assert_cmpuint (f->element.in[0].iov_len, ==, 0x400);
  g_assert_cmpuint (f->element.in[1].iov_len, ==, 0xc00);
  g_assert_cmpuint (f->element.in_size, ==, 0x1000);
  sv_virtqueue_push (f->queue, &f->element, 0);
  sv_virtqueue_end (f->queue);
}

/* Empty descriptors are odd but allowed, even a writable one before a readable one that is not. */
static void
test_empty_descriptor (Fixture *f, gconstpointer data)
{
  start_at (f, 4, F_VERSION_1, 0);
  test_ring_desc (&f->ring, 0, 0, 0, VRING_DESC_F_NEXT, 1);
  test_ring_desc (&f->ring, 1, DATA, 4, VRING_DESC_F_NEXT, 2);
  test_ring_desc (&f->ring, 2, ROM_BASE, 0, VRING_DESC_F_WRITE, 0);
  test_ring_add (&f->ring, 0);
  g_assert_true (sv_virtqueue_begin (f->queue));
  g_assert_true (sv_virtqueue_pop (f->queue, &f->element));
  g_assert_cmpuint (f->element.n_out, ==, 1);
  g_assert_cmpuint (f->element.n_in, ==, 0);
  g_assert_null (sv_virtq_element_take_last (&f->element));
  sv_virtqueue_push (f->queue, &f->element, 0);
  sv_virtqueue_end (f->queue);
}

static void
test_element (Fixture *f, gconstpointer data)
{
  char header[8] = { 0 };
  guint8 *last;

  start_at (f, 8, F_VERSION_1, 0);
  memcpy (test_memory_at (&f->memory, DATA), "abc", 3);
  memcpy (test_memory_at (&f->memory, DATA + 0x100), "defgh", 5);
  test_ring_desc (&f->ring, 0, DATA, 3, VRING_DESC_F_NEXT, 1);
  test_ring_desc (&f->ring, 1, DATA + 0x100, 5, VRING_DESC_F_NEXT, 2);
  test_ring_desc (&f->ring, 2, DATA + 0x200, 2, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 3);
  test_ring_desc (&f->ring, 3, DATA + 0x300, 1, VRING_DESC_F_WRITE, 0);
  test_ring_add (&f->ring, 0);

  g_assert_true (sv_virtqueue_begin (f->queue));
  g_assert_true (sv_virtqueue_pop (f->queue, &f->element));
  g_assert_false (sv_virtq_element_pull (&f->element, header, 9));
  g_assert_cmpuint (f->element.out_size, ==, 8);
  g_assert_true (sv_virtq_element_pull (&f->element, header, 5));
  g_assert_cmpstr (header, ==, "abcde");
  g_assert_cmpuint (f->element.n_out, ==, 1);
  g_assert_cmpuint (f->element.out_size, ==, 3);
  g_assert_true (f->element.out[0].iov_base == test_memory_at (&f->memory, DATA + 0x102));

  last = sv_virtq_element_take_last (&f->element);
  g_assert_true (last == test_memory_at (&f->memory, DATA + 0x300));
  g_assert_cmpuint (f->element.n_in, ==, 1);
  last = sv_virtq_element_take_last (&f->element);
  g_assert_true (last == (guint8 *)test_memory_at (&f->memory, DATA + 0x200) + 1);
  g_assert_cmpuint (sv_virtq_element_fill (&f->element, "xyz", 3), ==, 1);
  g_assert_cmpint (*(char *)test_memory_at (&f->memory, DATA + 0x200), ==, 'x');
  g_assert_cmpint (*(char *)test_memory_at (&f->memory, DATA + 0x201), ==, 0);
  sv_virtqueue_push (f->queue, &f->element, 1);
  sv_virtqueue_end (f->queue);
}

static void
add_simple (Fixture *f, guint16 i)
{
  test_ring_desc (&f->ring, i, DATA + 0x100u * i, 4, VRING_DESC_F_WRITE, 0);
  test_ring_add (&f->ring, i);
}

static void
test_full (Fixture *f, gconstpointer data)
{
  SvVirtqElement elements[16];
  struct iovec iov[16][1];

  start_at (f, 16, F_VERSION_1, 0);
  for (guint i = 0; i < 16; i++)
    {
      add_simple (f, i);
      elements[i] = (SvVirtqElement){ .iov = iov[i], .max_iov = 1 };
    }

  g_assert_true (sv_virtqueue_begin (f->queue));
  for (guint i = 0; i < 16; i++)
    g_assert_true (sv_virtqueue_pop (f->queue, &elements[i]));
  g_assert_false (sv_virtqueue_pop (f->queue, &f->element));
  g_assert_cmpuint (sv_virtqueue_get_in_flight (f->queue), ==, 16);
  sv_virtqueue_end (f->queue);

  /* Out of order, in two nested batches: published once, at the outer end. */
  g_assert_true (sv_virtqueue_begin (f->queue));
  for (guint i = 0; i < 16; i++)
    {
      g_assert_true (sv_virtqueue_begin (f->queue));
      sv_virtqueue_push (f->queue, &elements[15 - i], i);
      sv_virtqueue_end (f->queue);
      g_assert_cmpuint (test_ring_used_idx (&f->ring), ==, 0);
    }
  sv_virtqueue_end (f->queue);
  g_assert_cmpuint (f->n_notified, ==, 1);
  for (guint i = 0; i < 16; i++)
    assert_used (f, 15 - i, i);
}

/* A driver that is as fast as the device does not keep it in one batch for ever. */
static void
test_batch_limit (Fixture *f, gconstpointer data)
{
  guint n = 0;

  start_at (f, 4, F_VERSION_1, 0);
  add_simple (f, 0);
  g_assert_true (sv_virtqueue_begin (f->queue));
  while (sv_virtqueue_pop (f->queue, &f->element))
    {
      sv_virtqueue_push (f->queue, &f->element, 0);
      add_simple (f, ++n % 4);
      g_assert_cmpuint (n, <=, 4);
    }
  sv_virtqueue_end (f->queue);
  g_assert_cmpuint (n, ==, 4);
  g_assert_true (sv_virtqueue_take_more (f->queue));
  g_assert_false (sv_virtqueue_take_more (f->queue));

  serve_one (f, 0);
  assert_empty (f);
  g_assert_false (sv_virtqueue_take_more (f->queue));
}

static void
test_unpop (Fixture *f, gconstpointer data)
{
  start_at (f, 4, F_VERSION_1, 0);
  add_simple (f, 2);
  g_assert_true (sv_virtqueue_begin (f->queue));
  g_assert_true (sv_virtqueue_pop (f->queue, &f->element));
  g_assert_false (sv_virtqueue_pop (f->queue, &f->element));
  sv_virtqueue_unpop (f->queue, &f->element);
  sv_virtqueue_end (f->queue);
  g_assert_cmpuint (sv_virtqueue_get_in_flight (f->queue), ==, 0);
  serve_one (f, 7);
  assert_used (f, 2, 7);
}

static void
test_flags (Fixture *f, gconstpointer data)
{
  guint16 no_notify = GUINT16_TO_LE (VRING_USED_F_NO_NOTIFY);

  start_at (f, 4, F_VERSION_1, 0);
  add_simple (f, 0);

  /* No kicks while a batch is at work, kicks again when the queue is seen empty. */
  g_assert_true (sv_virtqueue_begin (f->queue));
  g_assert_true (sv_virtqueue_pop (f->queue, &f->element));
  g_assert_cmpuint (f->ring.used->flags, ==, 0);
  sv_virtqueue_push (f->queue, &f->element, 0);
  g_assert_false (sv_virtqueue_pop (f->queue, &f->element));
  g_assert_cmpuint (f->ring.used->flags, ==, 0);
  add_simple (f, 1);
  g_assert_true (sv_virtqueue_pop (f->queue, &f->element));
  g_assert_cmpuint (f->ring.used->flags, ==, no_notify);
  sv_virtqueue_push (f->queue, &f->element, 0);
  g_assert_false (sv_virtqueue_pop (f->queue, &f->element));
  g_assert_cmpuint (f->ring.used->flags, ==, 0);
  sv_virtqueue_end (f->queue);
  g_assert_cmpuint (f->n_notified, ==, 1);

  f->ring.avail->flags = GUINT16_TO_LE (VRING_AVAIL_F_NO_INTERRUPT);
  add_simple (f, 2);
  serve_one (f, 0);
  g_assert_cmpuint (f->n_notified, ==, 1);
  f->ring.avail->flags = 0;
  add_simple (f, 3);
  serve_one (f, 0);
  g_assert_cmpuint (f->n_notified, ==, 2);
}

/* From just below the wrap of the 16-bit indices across it. */
static void
test_event_idx (Fixture *f, gconstpointer data)
{
  const guint16 start = 65533;

  start_at (f, 4, F_VERSION_1 | F_EVENT_IDX, start);
  assert_empty (f);
  g_assert_cmpuint (test_ring_avail_event (&f->ring), ==, start);

  for (guint i = 0; i < 8; i++)
    {
      guint16 index = start + i;

      test_ring_desc (&f->ring, i % 4, DATA, 4, VRING_DESC_F_WRITE, 0);
      g_assert_true (test_ring_add (&f->ring, i % 4));
      /* A second one needs no kick: the event index is still at the first. */
      test_ring_desc (&f->ring, (i + 1) % 4, DATA, 4, VRING_DESC_F_WRITE, 0);
      if (i == 3)
        {
          g_assert_false (test_ring_add (&f->ring, (i + 1) % 4));
          serve_one (f, 0);
          g_assert_cmpuint (test_ring_avail_event (&f->ring), ==, index);
          i++;
        }
      serve_one (f, 0);
      assert_empty (f);
      g_assert_cmpuint (test_ring_avail_event (&f->ring), ==, (guint16)(start + i + 1));
    }
}

static void
test_used_event (Fixture *f, gconstpointer data)
{
  const guint16 start = 65533;

  start_at (f, 8, F_VERSION_1 | F_EVENT_IDX, start);

  /* The first one after start always interrupts: what the driver knows is not known. */
  test_ring_set_used_event (&f->ring, (guint16)(start + 5));
  add_simple (f, 0);
  serve_one (f, 0);
  g_assert_cmpuint (f->n_notified, ==, 1);

  for (guint i = 1; i < 5; i++)
    {
      add_simple (f, i);
      serve_one (f, 0);
      g_assert_cmpuint (f->n_notified, ==, 1);
    }
  add_simple (f, 5);
  serve_one (f, 0);
  g_assert_cmpuint (f->n_notified, ==, 2);
  g_assert_cmpuint (test_ring_used_idx (&f->ring), ==, 3);

  /* In one batch, the event index passed on the way counts. */
  test_ring_set_used_event (&f->ring, 4);
  for (guint i = 0; i < 3; i++)
    add_simple (f, i);
  g_assert_true (sv_virtqueue_begin (f->queue));
  while (sv_virtqueue_pop (f->queue, &f->element))
    sv_virtqueue_push (f->queue, &f->element, 0);
  sv_virtqueue_end (f->queue);
  g_assert_cmpuint (f->n_notified, ==, 3);
}

static void
test_position (Fixture *f, gconstpointer data)
{
  guint16 avail_idx, used_idx;

  start_at (f, 4, F_VERSION_1, 0);
  add_simple (f, 1);
  serve_one (f, 0);
  sv_virtqueue_get_position (f->queue, &avail_idx, &used_idx);
  g_assert_cmpuint (avail_idx, ==, 1);
  g_assert_cmpuint (used_idx, ==, 1);

  add_simple (f, 2);
  sv_virtqueue_stop (f->queue);
  g_assert_false (sv_virtqueue_begin (f->queue));
  sv_virtqueue_set_position (f->queue, avail_idx, used_idx);
  sv_virtqueue_start (f->queue, f->memory.space, F_VERSION_1);
  serve_one (f, 9);
  assert_used (f, 1, 0);
  assert_used (f, 2, 9);

  sv_virtqueue_reset (f->queue);
  sv_virtqueue_get_position (f->queue, &avail_idx, &used_idx);
  g_assert_cmpuint (avail_idx, ==, 0);
  g_assert_cmpuint (used_idx, ==, 0);
  g_assert_false (sv_virtqueue_is_ready (f->queue));
  g_assert_cmpuint (sv_virtqueue_get_size (f->queue), ==, 256);
}

static void
test_settings (Fixture *f, gconstpointer data)
{
  static const struct
  {
    SvVirtqueueLayout layout;
    gboolean good;
  } cases[] = {
    { { 256, 0x1000, 0x2000, 0x3000 }, TRUE },
    { { 1, 0x10, 0x2, 0x4 }, TRUE },
    { { 0, 0x1000, 0x2000, 0x3000 }, FALSE },
    { { 3, 0x1000, 0x2000, 0x3000 }, FALSE },
    { { 512, 0x1000, 0x2000, 0x3000 }, FALSE },
    { { 8, 0x1008, 0x2000, 0x3000 }, FALSE },
    { { 8, 0x1000, 0x2001, 0x3000 }, FALSE },
    { { 8, 0x1000, 0x2000, 0x3002 }, FALSE },
    { { 8, G_MAXUINT64 - 15, 0x2000, 0x3000 }, FALSE },
    { { 8, 0x1000, G_MAXUINT64 - 1, 0x3000 }, FALSE },
    { { 8, 0x1000, 0x2000, G_MAXUINT64 - 3 }, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_true (sv_virtqueue_set_layout (f->queue, &cases[i].layout));
      g_assert_cmpint (sv_virtqueue_set_ready (f->queue, TRUE), ==, cases[i].good);
      g_assert_cmpint (sv_virtqueue_is_ready (f->queue), ==, cases[i].good);
      /* What is ready does not change. */
      g_assert_cmpint (sv_virtqueue_set_layout (f->queue, &cases[0].layout), ==, !cases[i].good);
      g_assert_true (sv_virtqueue_set_ready (f->queue, FALSE));
    }
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/virtio/queue/chain", test_chain);
  ADD ("/virtio/queue/indirect", test_indirect);
  ADD ("/virtio/queue/scattered", test_scattered);
  ADD ("/virtio/queue/empty-descriptor", test_empty_descriptor);
  ADD ("/virtio/queue/element", test_element);
  ADD ("/virtio/queue/full", test_full);
  ADD ("/virtio/queue/batch-limit", test_batch_limit);
  ADD ("/virtio/queue/unpop", test_unpop);
  ADD ("/virtio/queue/flags", test_flags);
  ADD ("/virtio/queue/event-idx", test_event_idx);
  ADD ("/virtio/queue/used-event", test_used_event);
  ADD ("/virtio/queue/position", test_position);
  ADD ("/virtio/queue/settings", test_settings);

  return g_test_run ();
}
