/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-kvm-cpuid.h"

#include <errno.h>
#include <gio/gio.h>

#include "src/accel/sv-x86-cpuid.h"

#define MAX_ENTRIES 256

#define TABLE_SIZE (sizeof (struct kvm_cpuid2) + MAX_ENTRIES * sizeof (struct kvm_cpuid_entry2))

/* A kvm_cpuid2 with room for its entries. */
typedef union
{
  struct kvm_cpuid2 table;
  guint8 room[TABLE_SIZE];
} CpuidTable;

/* What KVM supports is the same for all vCPUs of a process: asked for once. */
static const struct kvm_cpuid2 *
get_supported (SvKvm *kvm, GError **error)
{
  static CpuidTable supported;

  if (supported.table.nent != 0)
    return &supported.table;
  supported.table.nent = MAX_ENTRIES;
  if (sv_kvm_ioctl (sv_kvm_get_system_fd (kvm), KVM_GET_SUPPORTED_CPUID, &supported) == 0)
    return &supported.table;
  supported.table.nent = 0;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "KVM_GET_SUPPORTED_CPUID: %s",
               g_strerror (errno));
  return NULL;
}

gboolean
sv_kvm_cpuid_set (SvKvmVcpu *vcpu, GError **error)
{
  SvKvm *kvm = sv_kvm_vcpu_get_kvm (vcpu);
  const SvCpuLayout *layout = sv_accel_get_cpus (SV_ACCEL (kvm));
  guint index = sv_vcpu_get_index (SV_VCPU (vcpu));
  gboolean tsc_deadline = sv_kvm_ioctl (sv_kvm_get_system_fd (kvm), KVM_CHECK_EXTENSION,
                                        (gpointer)KVM_CAP_TSC_DEADLINE_TIMER)
                          > 0;
  const struct kvm_cpuid2 *supported = get_supported (kvm, error);
  g_autoptr (GArray) entries = g_array_new (FALSE, TRUE, sizeof (struct kvm_cpuid_entry2));
  SvX86CpuModel model;
  CpuidTable own;

  if (supported == NULL || !sv_x86_cpu_model_parse (&model, layout->model, error))
    return FALSE;
  g_array_append_vals (entries, supported->entries, supported->nent);
  if (!sv_x86_cpuid_adapt (entries, &model, layout, index, tsc_deadline, error))
    return FALSE;
  own.table.nent = MIN (entries->len, MAX_ENTRIES);
  own.table.padding = 0;
  memcpy (own.table.entries, entries->data, own.table.nent * sizeof (struct kvm_cpuid_entry2));
  if (sv_kvm_ioctl (sv_kvm_vcpu_get_fd (vcpu), KVM_SET_CPUID2, &own) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "vCPU %u: KVM_SET_CPUID2: %s", index,
               g_strerror (errno));
  return FALSE;
}
