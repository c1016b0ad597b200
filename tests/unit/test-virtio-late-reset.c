/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A driver on a vCPU that resets a device, or takes a queue back, while requests are in flight that take their time. */

#include "mmio-guest.h"
#include "src/accel/sv-vcpu.h"
#include "src/runtime/sv-vm-lock.h"
#include "vcpu-fixture.h"

typedef struct
{
  MmioGuest guest;
  TestVcpu *vcpu;
} Fixture;

static void
set_up (Fixture *self, gconstpointer banked)
{
  sv_vm_lock_attach (NULL);
  sv_vm_lock ();
  mmio_guest_init (&self->guest, NULL, GPOINTER_TO_INT (banked));
  self->guest.echo->hold = self->guest.echo->slow = TRUE;
  mmio_handshake (&self->guest, F_VERSION_1);
  for (guint slot = 0; slot < 2; slot++)
    mmio_send (&self->guest, 0, slot, slot);
  mmio_settle ();
  g_assert_cmpuint (self->guest.echo->n_held[0], ==, 2);
  self->vcpu = test_vcpu_new (self->guest.memory.space);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_clear_pointer (&self->vcpu, test_vcpu_free);
  self->guest.echo->slow = FALSE;
  mmio_guest_clear (&self->guest);
  sv_vm_unlock ();
}

static void
add_reset (Fixture *self)
{
  test_vcpu_add_write (self->vcpu, MMIO_BASE + VIRTIO_MMIO_STATUS, 0);
  test_vcpu_add_write (self->vcpu, MMIO_BASE + VIRTIO_MMIO_STATUS, S_ACKNOWLEDGE);
}

/* Main loop and VM lock are free meanwhile; the guest goes on when the device is reset. */
static void
test_reset (Fixture *self, gconstpointer data)
{
  add_reset (self);
  test_vcpu_run_until_held (self->vcpu, 1);
  mmio_settle ();
  g_assert_cmpuint (test_vcpu_get_done (self->vcpu), ==, 1);
  g_assert_cmpuint (self->guest.echo->n_held[0], ==, 2);
  g_assert_cmpuint (self->guest.echo->n_stops, ==, 0);
  g_assert_cmphex (mmio_read (&self->guest, VIRTIO_MMIO_STATUS) & S_DRIVER_OK, !=, 0);

  echo_device_release (self->guest.echo);
  test_vcpu_finish (self->vcpu);
  g_assert_cmpuint (self->guest.echo->n_stops, ==, 1);
  g_assert_cmphex (mmio_read (&self->guest, VIRTIO_MMIO_STATUS), ==, S_ACKNOWLEDGE);
}

/* The end of one of several queues is not the end of all: it waits on. */
static void
test_not_all_is_done (Fixture *self, gconstpointer data)
{
  add_reset (self);
  test_vcpu_run_until_held (self->vcpu, 1);
  sv_virtio_device_settled (SV_VIRTIO_DEVICE (self->guest.echo));
  mmio_settle ();
  g_assert_cmpuint (self->guest.echo->n_stops, ==, 0);
  echo_device_release (self->guest.echo);
  test_vcpu_finish (self->vcpu);
  g_assert_cmpuint (self->guest.echo->n_stops, ==, 1);
}

static void
test_queue_taken_back (Fixture *self, gconstpointer data)
{
  test_vcpu_add_write (self->vcpu, MMIO_BASE + VIRTIO_MMIO_QUEUE_SEL, 0);
  test_vcpu_add_write (self->vcpu, MMIO_BASE + VIRTIO_MMIO_QUEUE_READY, 0);
  test_vcpu_add_write (self->vcpu, MMIO_BASE + VIRTIO_MMIO_QUEUE_SEL, 1);
  test_vcpu_run_until_held (self->vcpu, 2);
  mmio_settle ();
  g_assert_cmpuint (mmio_read (&self->guest, VIRTIO_MMIO_QUEUE_READY), ==, 1);
  echo_device_release (self->guest.echo);
  test_vcpu_finish (self->vcpu);
  mmio_write (&self->guest, VIRTIO_MMIO_QUEUE_SEL, 0);
  g_assert_cmpuint (mmio_read (&self->guest, VIRTIO_MMIO_QUEUE_READY), ==, 0);
}

/* The machine is reset meanwhile, the guest's write comes to nothing. */
static void
test_machine_reset (Fixture *self, gconstpointer data)
{
  add_reset (self);
  test_vcpu_run_until_held (self->vcpu, 1);
  sv_vcpu_request_pause (SV_VCPU (self->vcpu));
  sv_device_reset (SV_DEVICE (self->guest.mmio));
  sv_device_reset (SV_DEVICE (self->guest.echo));
  g_assert_cmpuint (self->guest.echo->n_stops, ==, 1);
  sv_vcpu_resume (SV_VCPU (self->vcpu));
  test_vcpu_finish (self->vcpu);
  g_assert_cmpuint (self->guest.echo->n_stops, ==, 1);
}

/* The device is unplugged meanwhile. */
static void
test_unplug (Fixture *self, gconstpointer data)
{
  add_reset (self);
  test_vcpu_run_until_held (self->vcpu, 1);
  mmio_guest_unplug (&self->guest);
  test_vcpu_finish (self->vcpu);
  mmio_guest_plug (&self->guest, NULL);
}

/* Who is no vCPU waits here: a test, or a machine's own reset. */
static void
test_main_thread (Fixture *self, gconstpointer data)
{
  mmio_write (&self->guest, VIRTIO_MMIO_STATUS, 0);
  g_assert_cmpuint (self->guest.echo->n_stops, ==, 1);
  g_assert_cmpuint (self->guest.echo->n_held[0], ==, 0);
}

/* Nothing is in flight: it is done at once. */
static void
test_idle (Fixture *self, gconstpointer data)
{
  echo_device_release (self->guest.echo);
  mmio_settle ();
  add_reset (self);
  test_vcpu_run_until_done (self->vcpu);
  g_assert_cmpuint (self->guest.echo->n_stops, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/virtio/late-reset/" name, Fixture, GINT_TO_POINTER (TRUE), set_up, function, tear_down)
  ADD ("reset", test_reset);
  ADD ("not-all-is-done", test_not_all_is_done);
  ADD ("queue-taken-back", test_queue_taken_back);
  ADD ("machine-reset", test_machine_reset);
  ADD ("unplug", test_unplug);
  ADD ("main-thread", test_main_thread);
  ADD ("idle", test_idle);
  return g_test_run ();
}
