/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* CPUID as a guest reads it: topology, and features by name. */

#include <string.h>

#include "src/accel/sv-x86-cpuid.h"
#include "src/accel/sv-x86-features.h"

#define INTEL { 0x756e6547, 0x49656e69, 0x6c65746e } /* Genu ineI ntel: EBX, EDX, ECX */
#define AMD { 0x68747541, 0x69746e65, 0x444d4163 }

typedef struct kvm_cpuid_entry2 Entry;

/* As KVM_GET_SUPPORTED_CPUID answers: no topology, or the host's */
static GArray *
new_supported (const guint32 vendor[3])
{
  const Entry entries[] = {
    { .function = 0, .eax = 0xd, .ebx = vendor[0], .edx = vendor[1], .ecx = vendor[2] },
    { .function = 1, .eax = vendor[0] == 0x68747541 ? 0x00870f10 : 0x000306c3, .ebx = 0x05100800, .ecx = 0x14ba2203, .edx = 0x0fabfbff },
    { .function = 4, .index = 0, .flags = 1, .eax = 0x1c004121 },
    { .function = 4, .index = 1, .flags = 1, .eax = 0x1c004143 },
    { .function = 4, .index = 2, .flags = 1, .eax = 0x1c03c163 },
    { .function = 4, .index = 3, .flags = 1, .eax = 0 },
    { .function = 7, .index = 0, .flags = 1, .ebx = 0x000027ab },
    { .function = 0xa, .eax = 0x07300403 },
    { .function = 0xb, .index = 0, .flags = 1, .eax = 1, .ebx = 2, .ecx = 0x100, .edx = 7 },
    { .function = 0xb, .index = 1, .flags = 1, .eax = 4, .ebx = 8, .ecx = 0x201, .edx = 7 },
    { .function = 0xd, .index = 0, .flags = 1, .eax = 7 },
    { .function = 0xd, .index = 1, .flags = 1, .eax = 1 },
    { .function = 0x40000000, .eax = 0x40000001 },
    { .function = 0x40000001, .eax = 0x01007efb },
    { .function = 0x80000000, .eax = 0x80000008 },
    { .function = 0x80000001, .ecx = 0x21, .edx = 0x2c100800 },
    { .function = 0x80000008, .eax = 0x3027 },
    { .function = 0x8000001d, .index = 0, .flags = 1, .eax = 0x00004121 },
    { .function = 0x8000001d, .index = 3, .flags = 1, .eax = 0x0000c163 },
  };
  GArray *array = g_array_new (FALSE, TRUE, sizeof (Entry));

  g_array_append_vals (array, entries, G_N_ELEMENTS (entries));
  return array;
}

static const Entry *
get (GArray *entries, guint32 function, guint32 index)
{
  const Entry *found = NULL;

  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *entry = &g_array_index (entries, Entry, i);

      if (entry->function != function || ((entry->flags & 1) != 0 && entry->index != index))
        continue;
      g_assert_null (found);
      found = entry;
    }
  return found;
}

static GArray *
adapt (const guint32 vendor[3], const char *cpu, const SvCpuLayout *layout, guint index, GError **error)
{
  g_autoptr (GArray) entries = new_supported (vendor);
  SvX86CpuModel model;

  if (!sv_x86_cpu_model_parse (&model, cpu, error)
      || !sv_x86_cpuid_adapt (entries, &model, layout, index, TRUE, error))
    return NULL;
  return g_steal_pointer (&entries);
}

static void
assert_level (GArray *entries, guint32 leaf, guint index, guint shift, guint count, guint type, guint id)
{
  const Entry *entry = get (entries, leaf, index);

  g_assert_nonnull (entry);
  g_assert_cmphex (entry->eax, ==, shift);
  g_assert_cmphex (entry->ebx, ==, count);
  g_assert_cmphex (entry->ecx, ==, index | type << 8);
  g_assert_cmphex (entry->edx, ==, id);
}

/* 2 sockets, 2 dies each, 3 cores each, 2 threads each */
static const SvCpuLayout layered = { NULL, 2, 2, 3, 2 };
static const SvCpuLayout flat = { NULL, 4, 1, 1, 1 };
static const guint32 intel[3] = INTEL;
static const guint32 amd[3] = AMD;

static void
test_apic_id (void)
{
  /* thread: bit 0; core: bits 1 and 2; die: bit 3; socket: from bit 4 */
  g_assert_cmphex (sv_x86_topology_get_apic_id (&layered, 0), ==, 0);
  g_assert_cmphex (sv_x86_topology_get_apic_id (&layered, 1), ==, 0x01);
  g_assert_cmphex (sv_x86_topology_get_apic_id (&layered, 5), ==, 0x05);
  g_assert_cmphex (sv_x86_topology_get_apic_id (&layered, 6), ==, 0x08);
  g_assert_cmphex (sv_x86_topology_get_apic_id (&layered, 12), ==, 0x10);
  g_assert_cmphex (sv_x86_topology_get_apic_id (&layered, 23), ==, 0x1d);
  g_assert_cmphex (sv_x86_topology_get_apic_id (&flat, 3), ==, 3);
}

static void
test_intel (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) entries = adapt (intel, "host", &layered, 23, &error);

  g_assert_no_error (error);
  g_assert_cmphex (get (entries, 0, 0)->eax, ==, 0x1f);
  /* APIC id, 16 addressable processors in a package, HTT */
  g_assert_cmphex (get (entries, 1, 0)->ebx, ==, 0x1d100800);
  g_assert_cmphex (get (entries, 1, 0)->edx & 1u << 28, !=, 0);
  /* First level caches: 2 threads; the last: a die's 8; 8 cores addressable in a package */
  g_assert_cmphex (get (entries, 4, 0)->eax, ==, (0x121 | 1u << 14 | 7u << 26));
  g_assert_cmphex (get (entries, 4, 1)->eax, ==, (0x143 | 1u << 14 | 7u << 26));
  g_assert_cmphex (get (entries, 4, 2)->eax, ==, (0x163 | 7u << 14 | 7u << 26));
  g_assert_cmphex (get (entries, 4, 3)->eax, ==, 0);
  assert_level (entries, 0xb, 0, 1, 2, 1, 0x1d);
  assert_level (entries, 0xb, 1, 4, 12, 2, 0x1d);
  assert_level (entries, 0xb, 2, 0, 0, 0, 0x1d);
  assert_level (entries, 0x1f, 0, 1, 2, 1, 0x1d);
  assert_level (entries, 0x1f, 1, 3, 6, 2, 0x1d);
  assert_level (entries, 0x1f, 2, 4, 12, 5, 0x1d);
  assert_level (entries, 0x1f, 3, 0, 0, 0, 0x1d);
  g_assert_null (get (entries, 0x8000001e, 0));
  g_assert_cmphex (get (entries, 0x80000001, 0)->ecx, ==, 0x21);
  g_assert_cmphex (get (entries, 0x80000008, 0)->ecx, ==, 0);
}

static void
test_amd (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) entries = adapt (amd, NULL, &layered, 23, &error);

  g_assert_no_error (error);
  g_assert_cmphex (get (entries, 1, 0)->ebx, ==, 0x1d0c0800);
  /* CmpLegacy, TopologyExtensions */
  g_assert_cmphex (get (entries, 0x80000001, 0)->ecx, ==, (0x21 | 1u << 1 | 1u << 22));
  g_assert_cmphex (get (entries, 0x80000000, 0)->eax, ==, 0x8000001e);
  /* ApicIdSize, NC */
  g_assert_cmphex (get (entries, 0x80000008, 0)->ecx, ==, (4u << 12 | 11));
  g_assert_cmphex (get (entries, 0x8000001d, 0)->eax, ==, (0x121 | 1u << 14));
  g_assert_cmphex (get (entries, 0x8000001d, 3)->eax, ==, (0x163 | 5u << 14));
  g_assert_cmphex (get (entries, 0x8000001e, 0)->eax, ==, 0x1d);
  g_assert_cmphex (get (entries, 0x8000001e, 0)->ebx, ==, (1u << 8 | 2));
  g_assert_cmphex (get (entries, 0x8000001e, 0)->ecx, ==, (1u << 8 | 3));
  assert_level (entries, 0xb, 1, 4, 12, 2, 0x1d);
}

/* Each processor a package of its own: what it is without any -smp sockets= */
static void
test_flat (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) entries = adapt (intel, "max", &flat, 2, &error);

  g_assert_no_error (error);
  g_assert_cmphex (get (entries, 0, 0)->eax, ==, 0xd);
  g_assert_cmphex (get (entries, 1, 0)->ebx, ==, 0x02010800);
  g_assert_cmphex (get (entries, 1, 0)->edx & 1u << 28, ==, 0);
  g_assert_cmphex (get (entries, 4, 2)->eax, ==, 0x163);
  assert_level (entries, 0xb, 0, 0, 1, 1, 2);
  assert_level (entries, 0xb, 1, 0, 1, 2, 2);
  g_assert_null (get (entries, 0x1f, 0));
}

static void
test_features (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) entries = adapt (intel, "host,-avx,+sse4_2,pmu=off,-hypervisor,kvm=off,rdtscp=off,migratable=off",
                                      &flat, 0, &error);

  g_assert_no_error (error);
  g_assert_cmphex (get (entries, 1, 0)->ecx & (1u << 28 | 1u << 31 | 1u << 12), ==, 0);
  /* The TSC deadline timer is one of KVM's that its list does not have. */
  g_assert_cmphex (get (entries, 1, 0)->ecx & (1u << 20 | 1u << 24), ==, (1u << 20 | 1u << 24));
  /* AVX2 goes with AVX. */
  g_assert_cmphex (get (entries, 7, 0)->ebx, ==, 0x0000278b);
  g_assert_cmphex (get (entries, 0x80000001, 0)->edx & 1u << 27, ==, 0);
  g_assert_null (get (entries, 0xa, 0));
  g_assert_null (get (entries, 0x40000000, 0));
  g_assert_nonnull (get (entries, 0xd, 1));
  g_clear_pointer (&entries, g_array_unref);

  /* The later one counts. */
  entries = adapt (intel, "host,-xsave,-popcnt,popcnt=on", &flat, 0, &error);
  g_assert_no_error (error);
  g_assert_cmphex (get (entries, 1, 0)->ecx & (1u << 26 | 1u << 28), ==, 0);
  g_assert_cmphex (get (entries, 1, 0)->ecx & 1u << 23, !=, 0);
  g_assert_null (get (entries, 0xd, 0));
  g_assert_nonnull (get (entries, 0xa, 0));
}

/* kvm64 has what it is given by name. */
static void
test_described (void)
{
  SvX86CpuModel model;
  SvX86Feature avx, sse2, smep, hypervisor;

  g_assert_true (sv_x86_feature_find ("avx", &avx) && sv_x86_feature_find ("sse2", &sse2)
                 && sv_x86_feature_find ("smep", &smep) && sv_x86_feature_find ("hypervisor", &hypervisor));
  g_assert_true (sv_x86_cpu_model_parse (&model, "kvm64,xsave=on,avx=on,sse2=off", NULL));
  g_assert_cmphex (model.off[avx.word] & 1u << avx.bit, ==, 0);
  g_assert_cmphex (model.on[avx.word] & 1u << avx.bit, !=, 0);
  g_assert_cmphex (model.off[sse2.word] & 1u << sse2.bit, !=, 0);
  g_assert_cmphex (model.off[smep.word] & 1u << smep.bit, !=, 0);
  g_assert_cmphex (model.off[hypervisor.word] & 1u << hypervisor.bit, ==, 0);
  g_assert_true (sv_x86_cpu_model_parse (&model, "qemu64", NULL));
  g_assert_cmphex (model.off[avx.word] & 1u << avx.bit, !=, 0);
  g_assert_cmphex (model.off[sse2.word] & 1u << sse2.bit, ==, 0);
}

static void
test_errors (void)
{
  static const struct
  {
    const char *cpu;
    const char *message;
  } bad[] = {
    { "EPYC", "CPU 'EPYC': model 'EPYC' is not known: accepted are 'host', 'max', 'kvm64' and 'qemu64'" },
    { "", "CPU '': model '' is not known: accepted are 'host', 'max', 'kvm64' and 'qemu64'" },
    { "host,+avx3", "CPU 'host,+avx3': feature 'avx3' is not known (did you mean 'avx'?): see '-cpu help'" },
    { "host,avx=maybe", "CPU 'host,avx=maybe': 'avx' expects 'on' or 'off', got 'maybe'" },
    { "host,host-phys-bits=off", "CPU 'host,host-phys-bits=off': 'host-phys-bits' can only be 'on'" },
    { "host,+avx512f", "CPU feature 'avx512f' cannot be had: KVM does not offer it on this host" },
    { "host,svm=on", "CPU feature 'svm' cannot be had: KVM does not offer it on this host" },
    { "host,+la57", "CPU feature 'la57' cannot be had: KVM does not offer it on this host" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (adapt (intel, bad[i].cpu, &flat, 0, &error));
      g_assert_cmpstr (error->message, ==, bad[i].message);
    }
}

static void
test_help (void)
{
  g_autofree char *help = sv_x86_cpu_model_dup_help ();

  g_assert_nonnull (strstr (help, "\n  host "));
  g_assert_nonnull (strstr (help, " sse4.2 "));
  g_assert_true (g_str_has_suffix (help, "\n"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/x86/apic-id", test_apic_id);
  g_test_add_func ("/x86/cpuid/intel", test_intel);
  g_test_add_func ("/x86/cpuid/amd", test_amd);
  g_test_add_func ("/x86/cpuid/flat", test_flat);
  g_test_add_func ("/x86/cpuid/features", test_features);
  g_test_add_func ("/x86/cpuid/described", test_described);
  g_test_add_func ("/x86/cpuid/errors", test_errors);
  g_test_add_func ("/x86/cpuid/help", test_help);
  return g_test_run ();
}
