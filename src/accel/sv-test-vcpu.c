/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-test-vcpu.h"

struct _SvTestVcpu
{
  SvVcpu parent_instance;
};

G_DEFINE_FINAL_TYPE (SvTestVcpu, sv_test_vcpu, SV_TYPE_VCPU)

static gboolean
sv_test_vcpu_reset (SvVcpu *vcpu, gconstpointer entry, GError **error)
{
  return TRUE;
}

static char *
sv_test_vcpu_dump (SvVcpu *vcpu)
{
  return g_strdup ("a processor of a test accelerator has no registers");
}

static void
sv_test_vcpu_class_init (SvTestVcpuClass *klass)
{
  SvVcpuClass *vcpu_class = SV_VCPU_CLASS (klass);

  vcpu_class->reset = sv_test_vcpu_reset;
  vcpu_class->dump = sv_test_vcpu_dump;
}

static void
sv_test_vcpu_init (SvTestVcpu *self)
{
}
