/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-kvm-cpuid.h"

#include <errno.h>
#include <gio/gio.h>
#include <linux/kvm.h>

#define MAX_ENTRIES 256

#define LEAF1_ECX_TSC_DEADLINE (1u << 24)
#define LEAF1_ECX_HYPERVISOR (1u << 31)
#define LEAF1_EDX_HTT (1u << 28)

#define TABLE_SIZE (sizeof (struct kvm_cpuid2) + MAX_ENTRIES * sizeof (struct kvm_cpuid_entry2))

/* A kvm_cpuid2 with room for its entries. */
typedef union
{
  struct kvm_cpuid2 table;
  guint8 room[TABLE_SIZE];
} CpuidTable;

static void
adapt (struct kvm_cpuid_entry2 *entry, guint32 apic_id, gboolean tsc_deadline)
{
  switch (entry->function)
    {
    case 0x1:
      /* Initial APIC id; one logical processor per package; CLFLUSH size stays. */
      entry->ebx = (entry->ebx & 0x0000ff00) | (1u << 16) | (apic_id << 24);
      entry->ecx |= LEAF1_ECX_HYPERVISOR;
      if (tsc_deadline)
        entry->ecx |= LEAF1_ECX_TSC_DEADLINE;
      entry->edx &= ~LEAF1_EDX_HTT;
      break;
    case 0x4:
      /* Caches are shared with nobody; one core per package. */
      entry->eax &= 0x00003fff;
      break;
    case 0xb:
    case 0x1f:
      entry->eax = 0;
      entry->ebx = entry->index < 2 ? 1 : 0;
      entry->ecx = entry->index | (entry->index < 2 ? (entry->index + 1) << 8 : 0);
      entry->edx = apic_id;
      break;
    case 0x80000008:
      entry->ecx &= ~0xf0ffu; /* NC, ApicIdSize: one core */
      break;
    case 0x8000001d:
      entry->eax &= 0x00003fff;
      break;
    case 0x8000001e:
      entry->eax = apic_id;
      entry->ebx = 0;
      entry->ecx = 0;
      break;
    default:
      break;
    }
}

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
  guint32 apic_id = sv_vcpu_get_index (SV_VCPU (vcpu));
  gboolean tsc_deadline = sv_kvm_ioctl (sv_kvm_get_system_fd (kvm), KVM_CHECK_EXTENSION,
                                        (gpointer)KVM_CAP_TSC_DEADLINE_TIMER)
                          > 0;
  const struct kvm_cpuid2 *supported = get_supported (kvm, error);
  CpuidTable own;

  if (supported == NULL)
    return FALSE;
  memcpy (&own, supported, sizeof *supported + supported->nent * sizeof supported->entries[0]);
  for (guint i = 0; i < supported->nent; i++)
    adapt (&own.table.entries[i], apic_id, tsc_deadline);
  if (sv_kvm_ioctl (sv_kvm_vcpu_get_fd (vcpu), KVM_SET_CPUID2, &own) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "vCPU %u: KVM_SET_CPUID2: %s", apic_id,
               g_strerror (errno));
  return FALSE;
}
