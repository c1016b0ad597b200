/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <linux/virtio_mmio.h>

#include "hw/virtio/sv-virtio-mmio-bank.h"
#include "src/runtime/sv-vm-lock.h"
#include "vcpu-fixture.h"

#define BASE 0x10000u
#define SLOT 1u

typedef struct
{
  SvVirtioMmioBank *bank;
  SvAddressSpace *memory;
  SvIrq *irq;
  SvVirtioMmio *transport;
  TestVcpu *vcpu;
  GThread *main;
  guint touches;
} Fixture;

static void
set_irq (gpointer opaque, guint line, gboolean level)
{
}

static void
touch (guint slot, gpointer opaque)
{
  Fixture *self = opaque;

  g_assert_true (g_thread_self () == self->main);
  g_assert_true (sv_vm_lock_is_mine ());
  g_assert_cmpuint (slot, ==, SLOT);
  self->touches++;
  self->transport = sv_virtio_mmio_new (self->memory, SLOT, BASE + SLOT * 0x200, self->irq);
  sv_virtio_mmio_bank_add (self->bank, self->transport);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) root = sv_memory_region_new_container ("memory", G_MAXUINT64);

  self->main = g_thread_self ();
  sv_vm_lock_attach (NULL);
  sv_vm_lock ();
  self->memory = sv_address_space_new ("memory", root);
  self->irq = sv_irq_new (set_irq, NULL, NULL, 0);
  self->bank = sv_virtio_mmio_bank_new (4);
  sv_memory_region_add (root, BASE, sv_virtio_mmio_bank_get_region (self->bank), 0);
  sv_virtio_mmio_bank_announce (self->bank, SLOT, 2);
  sv_virtio_mmio_bank_set_touch_func (self->bank, touch, self);
  self->vcpu = test_vcpu_new (self->memory);
  for (guint i = 0; i < 2; i++)
    test_vcpu_add_write (self->vcpu, BASE + SLOT * 0x200 + VIRTIO_MMIO_QUEUE_SEL, 1);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_clear_pointer (&self->vcpu, test_vcpu_free);
  g_clear_object (&self->transport);
  g_clear_object (&self->bank);
  g_clear_object (&self->memory);
  sv_irq_unref (self->irq);
  sv_vm_unlock ();
}

/* Lets the vCPU run until its write waits for this thread; without the main loop, that is for ever. */
static void
start_and_wait (Fixture *self)
{
  test_vcpu_run_until_held (self->vcpu, 1);
  g_assert_cmpuint (self->touches, ==, 0);
}

/* Objects are made on the main thread; the vCPU goes on behind its write. */
static void
test_touched_by_a_vcpu (Fixture *self, gconstpointer data)
{
  start_and_wait (self);
  test_vcpu_finish (self->vcpu);
  g_assert_cmpuint (self->touches, ==, 1);
  g_assert_nonnull (self->transport);
}

/* A stop and a continuation of the machine in between change nothing. */
static void
test_paused_meanwhile (Fixture *self, gconstpointer data)
{
  start_and_wait (self);
  sv_vcpu_request_pause (SV_VCPU (self->vcpu));
  sv_vcpu_wait_paused (SV_VCPU (self->vcpu));
  sv_vcpu_resume (SV_VCPU (self->vcpu));
  sv_vcpu_wait_paused (SV_VCPU (self->vcpu));
  g_assert_cmpuint (test_vcpu_get_done (self->vcpu), ==, 1);
  sv_vcpu_request_pause (SV_VCPU (self->vcpu));
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (self->touches, ==, 1);
  sv_vcpu_wait_paused (SV_VCPU (self->vcpu));
  g_assert_cmpuint (test_vcpu_get_done (self->vcpu), ==, 1);
  sv_vcpu_resume (SV_VCPU (self->vcpu));
  test_vcpu_finish (self->vcpu);
}

/* A reset: the write comes to nothing, and nobody waits any more. */
static void
test_forgotten (Fixture *self, gconstpointer data)
{
  start_and_wait (self);
  sv_virtio_mmio_bank_announce (self->bank, SLOT, 0);
  sv_virtio_mmio_bank_forget_writes (self->bank);
  test_vcpu_finish (self->vcpu);
  g_assert_cmpuint (self->touches, ==, 0);
}

/* The end of everything while a vCPU waits */
static void
test_torn_down (Fixture *self, gconstpointer data)
{
  start_and_wait (self);
}

/* Who writes on the main thread, as a test accelerator does, waits for nobody. */
static void
test_touched_by_the_main_thread (Fixture *self, gconstpointer data)
{
  sv_address_space_io_write (self->memory, BASE + SLOT * 0x200 + VIRTIO_MMIO_QUEUE_SEL, 1, 4);
  g_assert_cmpuint (self->touches, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/virtio/mmio/bank/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("touched-by-a-vcpu", test_touched_by_a_vcpu);
  ADD ("paused-meanwhile", test_paused_meanwhile);
  ADD ("forgotten", test_forgotten);
  ADD ("torn-down", test_torn_down);
  ADD ("touched-by-the-main-thread", test_touched_by_the_main_thread);
  return g_test_run ();
}
