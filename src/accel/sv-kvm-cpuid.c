/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-kvm-cpuid.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <unistd.h>

#include "src/accel/sv-x86-cpuid.h"
#include "src/accel/sv-x86-features.h"

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
get_supported (int system_fd, GError **error)
{
  static CpuidTable supported;

  if (supported.table.nent != 0)
    return &supported.table;
  supported.table.nent = MAX_ENTRIES;
  if (sv_kvm_ioctl (system_fd, KVM_GET_SUPPORTED_CPUID, &supported) == 0)
    return &supported.table;
  supported.table.nent = 0;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "KVM_GET_SUPPORTED_CPUID: %s",
               g_strerror (errno));
  return NULL;
}

static gboolean
has_tsc_deadline (int system_fd)
{
  return sv_kvm_ioctl (system_fd, KVM_CHECK_EXTENSION, (gpointer)KVM_CAP_TSC_DEADLINE_TIMER) > 0;
}

gboolean
sv_kvm_cpuid_set (SvKvmVcpu *vcpu, GError **error)
{
  SvKvm *kvm = sv_kvm_vcpu_get_kvm (vcpu);
  const SvCpuLayout *layout = sv_accel_get_cpus (SV_ACCEL (kvm));
  guint index = sv_vcpu_get_index (SV_VCPU (vcpu));
  const struct kvm_cpuid2 *supported = get_supported (sv_kvm_get_system_fd (kvm), error);
  g_autoptr (GArray) entries = g_array_new (FALSE, TRUE, sizeof (struct kvm_cpuid_entry2));
  SvX86CpuModel model;
  CpuidTable own;

  if (supported == NULL || !sv_x86_cpu_model_parse (&model, layout->model, error))
    return FALSE;
  g_array_append_vals (entries, supported->entries, supported->nent);
  if (!sv_x86_cpuid_adapt (entries, &model, layout, index, has_tsc_deadline (sv_kvm_get_system_fd (kvm)), error))
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

static guint32
get_register (GArray *entries, const SvX86FeatureWord *word)
{
  for (guint i = 0; i < entries->len; i++)
    {
      const struct kvm_cpuid_entry2 *entry = &g_array_index (entries, struct kvm_cpuid_entry2, i);
      const guint32 registers[] = { entry->eax, entry->ebx, entry->ecx, entry->edx };

      if (entry->function == word->function && entry->index == word->index)
        return registers[word->reg];
    }
  return 0;
}

/* Vendor, family, model and stepping (Intel SDM volume 2, CPUID, leaves 0 and 1) */
static void
set_signature (JsonObject *properties, GArray *entries)
{
  static const SvX86Register order[] = { SV_X86_EBX, SV_X86_EDX, SV_X86_ECX };
  SvX86FeatureWord leaf = { .function = 1, .reg = SV_X86_EAX };
  const guint32 signature = get_register (entries, &leaf);
  guint family = signature >> 8 & 15;
  guint32 vendor[4] = { 0 };

  leaf.function = 0;
  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    {
      leaf.reg = order[i];
      vendor[i] = get_register (entries, &leaf);
    }
  if (family == 15)
    family += signature >> 20 & 255;
  json_object_set_string_member (properties, "vendor", (const char *)vendor);
  json_object_set_int_member (properties, "family", family);
  json_object_set_int_member (properties, "model", (signature >> 12 & 0xf0) | (signature >> 4 & 15));
  json_object_set_int_member (properties, "stepping", signature & 15);
}

JsonObject *
sv_kvm_cpuid_expand (const char *text, GError **error)
{
  const SvCpuLayout layout = { text, 1, 1, 1, 1 };
  g_autoptr (GArray) entries = g_array_new (FALSE, TRUE, sizeof (struct kvm_cpuid_entry2));
  g_autoptr (JsonObject) properties = json_object_new ();
  const struct kvm_cpuid2 *supported;
  SvX86CpuModel model;
  gboolean tsc_deadline;
  int fd;

  if (!sv_x86_cpu_model_parse (&model, text, error))
    return NULL;
  fd = open ("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (fd < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "/dev/kvm: %s", g_strerror (errno));
      return NULL;
    }
  supported = get_supported (fd, error);
  tsc_deadline = has_tsc_deadline (fd);
  close (fd);
  if (supported == NULL)
    return NULL;
  g_array_append_vals (entries, supported->entries, supported->nent);
  if (!sv_x86_cpuid_adapt (entries, &model, &layout, 0, tsc_deadline, error))
    return NULL;
  for (guint i = 0; i < sv_x86_n_feature_words; i++)
    {
      const SvX86FeatureWord *word = &sv_x86_feature_words[i];
      const guint32 value = get_register (entries, word);

      for (guint bit = 0; bit < 32; bit++)
        if (word->names[bit] != NULL)
          json_object_set_boolean_member (properties, word->names[bit], (value >> bit & 1) != 0);
    }
  set_signature (properties, entries);
  return g_steal_pointer (&properties);
}
