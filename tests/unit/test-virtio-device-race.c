/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A device whose queues run in an iothread, under a driver on a thread of its own, while the main
 * thread pauses and resets it.
 */

#include "mmio-guest.h"

#include <poll.h>
#include <unistd.h>

#include "src/runtime/sv-iothread.h"
#include "src/runtime/sv-vm-lock.h"

#define N_ROUNDS 60
#define N_SLOTS 8

typedef struct
{
  MmioGuest guest;
  SvIothread *iothread;
  gboolean stop; /* atomic */
  guint n_done[ECHO_QUEUES]; /* atomic */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  sv_vm_lock ();
  f->iothread = g_object_new (SV_TYPE_IOTHREAD, NULL);
  sv_object_complete (SV_OBJECT (f->iothread), &error);
  g_assert_no_error (error);
  mmio_guest_init (&f->guest, sv_iothread_get_context (f->iothread), TRUE);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  mmio_guest_clear (&f->guest);
  g_assert_finalize_object (f->iothread);
  sv_vm_unlock ();
}

/* Keeps all queues busy as a vCPU would: adds, kicks by ioeventfd, waits for interrupts. */
static gpointer
driver_thread (gpointer data)
{
  Fixture *f = data;
  guint32 number = 0;

  while (!__atomic_load_n (&f->stop, __ATOMIC_SEQ_CST))
    {
      struct pollfd irq = { .fd = f->guest.irqfd, .events = POLLIN };
      guint64 count;
      guint32 id, length;

      for (guint queue = 0; queue < ECHO_QUEUES; queue++)
        {
          TestRing *ring = &f->guest.rings[queue];

          while ((guint16)(ring->avail_idx - ring->used_seen) < N_SLOTS)
            {
              guint slot = ring->avail_idx % N_SLOTS;
              guint64 one = 1;

              *(guint32 *)test_memory_at (&f->guest.memory, DATA + 0x4000 * queue + 0x100 * slot)
                  = number++;
              if (test_ring_add (ring, 2 * slot))
                g_assert_cmpint (write (f->guest.ioeventfds[queue], &one, sizeof one), ==, 8);
            }
          do
            {
              while (test_ring_take (ring, &id, &length))
                {
                  g_assert_cmpuint (length, ==, 4);
                  __atomic_add_fetch (&f->n_done[queue], 1, __ATOMIC_SEQ_CST);
                }
            }
          while (test_ring_arm (ring));
        }
      /* Not for ever: the other side may be paused. */
      if (poll (&irq, 1, 1) > 0 && read (irq.fd, &count, sizeof count) < 0)
        g_assert_not_reached ();
    }
  return NULL;
}

static void
prepare_slots (Fixture *f)
{
  for (guint queue = 0; queue < ECHO_QUEUES; queue++)
    {
      for (guint slot = 0; slot < N_SLOTS; slot++)
        {
          guint64 address = DATA + 0x4000 * queue + 0x100 * slot;
          TestRing *ring = &f->guest.rings[queue];

          test_ring_desc (ring, 2 * slot, address, 4, VRING_DESC_F_NEXT, 2 * slot + 1);
          test_ring_desc (ring, 2 * slot + 1, address + 0x80, 4, VRING_DESC_F_WRITE, 0);
        }
    }
}

static void
test_quiesce (Fixture *f, gconstpointer data)
{
  SvDevice *device = SV_DEVICE (f->guest.echo);
  GThread *thread;
  guint done = 0;

  f->guest.echo->hold = GPOINTER_TO_INT (data);
  mmio_handshake (&f->guest, F_EVENT_IDX);
  prepare_slots (f);
  thread = g_thread_new ("driver", driver_thread, f);

  /* On a busy host all rounds may be over before the driver's thread has run; held requests end only in a
   * pause, so go on. */
  for (guint i = 0; i < N_ROUNDS || __atomic_load_n (&f->n_done[0], __ATOMIC_SEQ_CST) == 0; i++)
    {
      guint handled[ECHO_QUEUES];

      while (__atomic_load_n (&f->guest.echo->n_handled[i % ECHO_QUEUES], __ATOMIC_SEQ_CST) <= done)
        g_thread_yield ();
      sv_device_quiesce (device);
      for (guint n = 0; n < ECHO_QUEUES; n++)
        {
          SvVirtqueue *queue = sv_virtio_device_get_queue (SV_VIRTIO_DEVICE (device), n);
          guint16 avail_idx, used_idx;

          /* The main thread owns all of the device now. */
          g_assert_cmpuint (f->guest.echo->n_held[n], ==, 0);
          g_assert_cmpuint (sv_virtqueue_get_in_flight (queue), ==, 0);
          sv_virtqueue_get_position (queue, &avail_idx, &used_idx);
          g_assert_cmpuint (avail_idx, ==, used_idx);
          handled[n] = f->guest.echo->n_handled[n];
        }
      g_thread_yield ();
      for (guint n = 0; n < ECHO_QUEUES; n++)
        g_assert_cmpuint (f->guest.echo->n_handled[n], ==, handled[n]);
      done = handled[(i + 1) % ECHO_QUEUES];
      sv_device_resume (device);
    }

  __atomic_store_n (&f->stop, TRUE, __ATOMIC_SEQ_CST);
  g_thread_join (thread);
  g_assert_cmphex (mmio_read (&f->guest, VIRTIO_MMIO_STATUS) & S_NEEDS_RESET, ==, 0);
}

/* The driver goes on as if nothing was when its device is reset under it, until it notices. */
static void
test_reset (Fixture *f, gconstpointer data)
{
  SvDevice *device = SV_DEVICE (f->guest.echo);

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      guint before = __atomic_load_n (&f->guest.echo->n_handled[0], __ATOMIC_SEQ_CST);

      f->guest.echo->hold = i % 2;
      mmio_handshake (&f->guest, i % 3 != 0 ? F_EVENT_IDX : 0);
      prepare_slots (f);
      for (guint n = 0; n < ECHO_QUEUES; n++)
        {
          for (guint slot = 0; slot < N_SLOTS; slot++)
            {
              if (test_ring_add (&f->guest.rings[n], 2 * slot))
                mmio_write (&f->guest, VIRTIO_MMIO_QUEUE_NOTIFY, n);
            }
        }
      if (i % 4 != 0)
        {
          while (__atomic_load_n (&f->guest.echo->n_handled[0], __ATOMIC_SEQ_CST) == before)
            g_thread_yield ();
        }

      if (i % 5 == 0)
        {
          sv_device_quiesce (device);
          sv_device_reset (device);
          sv_device_resume (device);
        }
      else
        mmio_write (&f->guest, VIRTIO_MMIO_STATUS, 0);
      g_assert_cmphex (mmio_read (&f->guest, VIRTIO_MMIO_STATUS), ==, 0);
      g_assert_cmphex (mmio_read (&f->guest, VIRTIO_MMIO_INTERRUPT_STATUS), ==, 0);
      for (guint n = 0; n < ECHO_QUEUES; n++)
        g_assert_cmpuint (f->guest.echo->n_held[n], ==, 0);
    }
  g_assert_cmpuint (f->guest.echo->n_stops, ==, N_ROUNDS);
}

/* The driver breaks a ring: the iothread says so while the main thread reads and writes registers. */
static void
test_break (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      guint64 one = 1;

      mmio_handshake (&f->guest, 0);
      test_ring_desc (&f->guest.rings[1], 0, RAM_END, 4, 0, 0);
      test_ring_add (&f->guest.rings[1], 0);
      g_assert_cmpint (write (f->guest.ioeventfds[1], &one, sizeof one), ==, 8);
      while ((mmio_read (&f->guest, VIRTIO_MMIO_STATUS) & S_NEEDS_RESET) == 0)
        mmio_write (&f->guest, VIRTIO_MMIO_STATUS,
                    S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK | S_FAILED);
      mmio_write (&f->guest, VIRTIO_MMIO_STATUS, 0);
      g_assert_cmphex (mmio_read (&f->guest, VIRTIO_MMIO_STATUS), ==, 0);
    }
}

/* Unplugged while requests are in flight, and plugged again. */
static void
test_unplug (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < N_ROUNDS / 4; i++)
    {
      mmio_handshake (&f->guest, F_EVENT_IDX);
      prepare_slots (f);
      f->guest.echo->hold = TRUE;
      if (test_ring_add (&f->guest.rings[0], 0))
        mmio_write (&f->guest, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
      mmio_guest_unplug (&f->guest);
      g_assert_cmphex (mmio_read (&f->guest, VIRTIO_MMIO_DEVICE_ID), ==, 0);
      mmio_guest_plug (&f->guest, sv_iothread_get_context (f->iothread));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/virtio/device/race/quiesce", Fixture, GINT_TO_POINTER (FALSE), set_up, test_quiesce,
              tear_down);
  g_test_add ("/virtio/device/race/drain", Fixture, GINT_TO_POINTER (TRUE), set_up, test_quiesce,
              tear_down);
  g_test_add ("/virtio/device/race/reset", Fixture, NULL, set_up, test_reset, tear_down);
  g_test_add ("/virtio/device/race/break", Fixture, NULL, set_up, test_break, tear_down);
  g_test_add ("/virtio/device/race/unplug", Fixture, NULL, set_up, test_unplug, tear_down);

  return g_test_run ();
}
