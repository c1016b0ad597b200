/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vcpu-fixture.h"

#include "src/runtime/sv-vm-lock.h"

typedef struct
{
  guint64 address;
  guint32 value;
} Write;

struct _TestVcpu
{
  SvVcpu parent_instance;

  SvAddressSpace *memory;
  GArray *writes;
  gint done; /* atomic */
};

G_DEFINE_FINAL_TYPE (TestVcpu, test_vcpu, SV_TYPE_VCPU)

static gboolean
test_vcpu_run (SvVcpu *vcpu, SvVcpuEvent *event)
{
  TestVcpu *self = TEST_VCPU (vcpu);

  g_assert_true (sv_vcpu_get_current () == vcpu);
  while (!sv_vcpu_should_stop (vcpu))
    {
      guint n = (guint)g_atomic_int_get (&self->done);

      if (n < self->writes->len)
        {
          const Write *write = &g_array_index (self->writes, Write, n);

          sv_address_space_io_write (self->memory, write->address, write->value, 4);
          g_atomic_int_inc (&self->done);
        }
      g_thread_yield ();
    }
  return TRUE;
}

static void
test_vcpu_kick (SvVcpu *vcpu)
{
}

static void
test_vcpu_finalize (GObject *object)
{
  g_array_unref (TEST_VCPU (object)->writes);
  G_OBJECT_CLASS (test_vcpu_parent_class)->finalize (object);
}

static void
test_vcpu_class_init (TestVcpuClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_vcpu_finalize;
  SV_VCPU_CLASS (klass)->run = test_vcpu_run;
  SV_VCPU_CLASS (klass)->kick = test_vcpu_kick;
}

static void
test_vcpu_init (TestVcpu *self)
{
  self->writes = g_array_new (FALSE, FALSE, sizeof (Write));
}

TestVcpu *
test_vcpu_new (SvAddressSpace *memory)
{
  TestVcpu *self = g_object_new (TEST_TYPE_VCPU, "index", 0, NULL);

  self->memory = memory;
  return self;
}

void
test_vcpu_add_write (TestVcpu *self, guint64 address, guint32 value)
{
  Write write = { address, value };

  g_array_append_val (self->writes, write);
}

guint
test_vcpu_get_done (TestVcpu *self)
{
  return (guint)g_atomic_int_get (&self->done);
}

static void
run_until (TestVcpu *self, guint n)
{
  g_assert_true (sv_vcpu_start (SV_VCPU (self), NULL));
  sv_vcpu_resume (SV_VCPU (self));
  while (test_vcpu_get_done (self) < n)
    {
      sv_vm_unlock ();
      g_thread_yield ();
      sv_vm_lock ();
    }
}

void
test_vcpu_run_until_done (TestVcpu *self)
{
  run_until (self, self->writes->len);
}

void
test_vcpu_run_until_held (TestVcpu *self, guint n)
{
  run_until (self, n);
  sv_vcpu_wait_paused (SV_VCPU (self));
  g_assert_cmpuint (test_vcpu_get_done (self), ==, n);
}

void
test_vcpu_finish (TestVcpu *self)
{
  while (test_vcpu_get_done (self) < self->writes->len)
    g_main_context_iteration (NULL, FALSE);
}

void
test_vcpu_free (TestVcpu *self)
{
  sv_vcpu_stop (SV_VCPU (self));
  g_object_unref (self);
}
