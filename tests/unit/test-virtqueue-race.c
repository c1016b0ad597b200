/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A driver and a device in two threads, with notifications suppressed both ways as far as the rules
 * allow. A missing barrier loses a notification sooner or later, and then both wait for ever.
 */

#include "hw/virtio/sv-virtqueue.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "virtq-driver.h"

#define SIZE 16
#define BASE 0x10000u
#define DATA 0x100000u
#define N_BUFFERS 40000u

typedef struct
{
  TestMemory memory;
  TestRing ring;
  SvVirtqueue *queue;
  int kick_fd;
  int irq_fd;
  guint n_kicks;
  guint n_irqs;
} Race;

static void
signal_fd (int fd)
{
  guint64 one = 1;

  g_assert_cmpint (write (fd, &one, sizeof one), ==, sizeof one);
}

static void
wait_fd (int fd)
{
  guint64 count;

  g_assert_cmpint (read (fd, &count, sizeof count), ==, sizeof count);
}

static void
on_notify (gpointer opaque, guint index)
{
  Race *race = opaque;

  race->n_irqs++;
  signal_fd (race->irq_fd);
}

static void
on_broken (gpointer opaque, guint index, const char *reason)
{
  g_test_message ("%s", reason);
  g_test_fail ();
}

static const SvVirtqueueFuncs funcs = { on_notify, on_broken };

/* Adds one to the number in each buffer. */
static gpointer
device_thread (gpointer data)
{
  Race *race = data;
  struct iovec iov[2];
  SvVirtqElement element = { .iov = iov, .max_iov = 2 };
  guint done = 0;

  while (done < N_BUFFERS)
    {
      if (!sv_virtqueue_take_more (race->queue))
        wait_fd (race->kick_fd);
      g_assert_true (sv_virtqueue_begin (race->queue));
      while (sv_virtqueue_pop (race->queue, &element))
        {
          guint32 number;

          g_assert_true (sv_virtq_element_pull (&element, &number, sizeof number));
          g_assert_cmpuint (number, ==, done);
          number++;
          g_assert_cmpuint (sv_virtq_element_fill (&element, &number, sizeof number), ==, 4);
          sv_virtqueue_push (race->queue, &element, 4);
          done++;
        }
      sv_virtqueue_end (race->queue);
    }
  return NULL;
}

static void
add_number (Race *race, guint32 number)
{
  guint slot = number % (SIZE / 2);
  guint64 address = DATA + slot * 64;

  *(guint32 *)test_memory_at (&race->memory, address) = number;
  test_ring_desc (&race->ring, 2 * slot, address, 4, VRING_DESC_F_NEXT, 2 * slot + 1);
  test_ring_desc (&race->ring, 2 * slot + 1, address + 32, 4, VRING_DESC_F_WRITE, 0);
  if (test_ring_add (&race->ring, 2 * slot))
    {
      race->n_kicks++;
      signal_fd (race->kick_fd);
    }
}

static void
drive (Race *race)
{
  guint32 added = 0, taken = 0, id, length;

  while (taken < N_BUFFERS)
    {
      while (added < N_BUFFERS && added - taken < SIZE / 2)
        add_number (race, added++);

      if (!test_ring_take (&race->ring, &id, &length))
        {
          if (!race->ring.event_idx || !test_ring_arm (&race->ring))
            wait_fd (race->irq_fd);
          continue;
        }
      g_assert_cmpuint (id, ==, 2 * (taken % (SIZE / 2)));
      g_assert_cmpuint (length, ==, 4);
      g_assert_cmpuint (*(guint32 *)test_memory_at (&race->memory,
                                                    DATA + (taken % (SIZE / 2)) * 64 + 32),
                        ==, taken + 1);
      taken++;
    }
}

static void
test_race (gconstpointer data)
{
  gboolean event_idx = GPOINTER_TO_INT (data);
  Race race = { .n_kicks = 0 };
  GThread *thread;

  test_memory_init (&race.memory);
  test_ring_init (&race.ring, &race.memory, BASE, SIZE, event_idx);
  race.kick_fd = eventfd (0, EFD_CLOEXEC);
  race.irq_fd = eventfd (0, EFD_CLOEXEC);
  race.queue = sv_virtqueue_new (0, SIZE, &funcs, &race);
  sv_virtqueue_set_layout (race.queue, &race.ring.layout);
  sv_virtqueue_set_ready (race.queue, TRUE);
  sv_virtqueue_start (race.queue, race.memory.space,
                      F_VERSION_1 | (event_idx ? F_EVENT_IDX : 0));
  signal_fd (race.kick_fd);

  thread = g_thread_new ("device", device_thread, &race);
  drive (&race);
  g_thread_join (thread);
  g_test_message ("%u kicks, %u interrupts for %u buffers", race.n_kicks, race.n_irqs, N_BUFFERS);

  sv_virtqueue_free (race.queue);
  close (race.kick_fd);
  close (race.irq_fd);
  test_memory_clear (&race.memory);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/virtio/queue/race/event-idx", GINT_TO_POINTER (TRUE), test_race);
  g_test_add_data_func ("/virtio/queue/race/flags", GINT_TO_POINTER (FALSE), test_race);

  return g_test_run ();
}
