/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-x86-features.h"

#include <string.h>

#include "qom/sv-suggestion.h"

/* Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E; Linux, Documentation/virt/kvm/x86/cpuid.rst. Leaves are in
 * ascending order. */
const SvX86FeatureWord sv_x86_feature_words[] = {
  { 0x1, 0, SV_X86_EDX,
    { "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep", "mtrr",
      "pge", "mca", "cmov", "pat", "pse36", "pn", "clflush", NULL, "ds", "acpi", "mmx", "fxsr",
      "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe" } },
  { 0x1, 0, SV_X86_ECX,
    { "pni", "pclmulqdq", "dtes64", "monitor", "ds-cpl", "vmx", "smx", "est", "tm2", "ssse3",
      "cid", NULL, "fma", "cx16", "xtpr", "pdcm", NULL, "pcid", "dca", "sse4.1", "sse4.2",
      "x2apic", "movbe", "popcnt", "tsc-deadline", "aes", "xsave", NULL, "avx", "f16c", "rdrand",
      "hypervisor" } },
  { 0x6, 0, SV_X86_EAX,
    { NULL, NULL, "arat" } },
  { 0x7, 0, SV_X86_EBX,
    { "fsgsbase", "tsc-adjust", "sgx", "bmi1", "hle", "avx2", "fdp-excptn-only", "smep", "bmi2",
      "erms", "invpcid", "rtm", NULL, "zero-fcs-fds", "mpx", NULL, "avx512f", "avx512dq",
      "rdseed", "adx", "smap", "avx512ifma", "pcommit", "clflushopt", "clwb", "intel-pt",
      "avx512pf", "avx512er", "avx512cd", "sha-ni", "avx512bw", "avx512vl" } },
  { 0x7, 0, SV_X86_ECX,
    { NULL, "avx512vbmi", "umip", "pku", NULL, "waitpkg", "avx512vbmi2", NULL, "gfni", "vaes",
      "vpclmulqdq", "avx512vnni", "avx512bitalg", NULL, "avx512-vpopcntdq", NULL, "la57", NULL,
      NULL, NULL, NULL, NULL, "rdpid", NULL, "bus-lock-detect", "cldemote", NULL, "movdiri",
      "movdir64b", NULL, "sgxlc", "pks" } },
  { 0x7, 0, SV_X86_EDX,
    { NULL, NULL, "avx512-4vnniw", "avx512-4fmaps", "fsrm", NULL, NULL, NULL,
      "avx512-vp2intersect", NULL, "md-clear", NULL, NULL, NULL, "serialize", NULL, "tsx-ldtrk",
      NULL, NULL, "arch-lbr", NULL, NULL, "amx-bf16", "avx512-fp16", "amx-tile", "amx-int8",
      "spec-ctrl", "stibp", "flush-l1d", "arch-capabilities", "core-capability", "ssbd" } },
  { 0x7, 1, SV_X86_EAX,
    { NULL, NULL, NULL, NULL, "avx-vnni", "avx512-bf16", NULL, "cmpccxadd", NULL, NULL, "fzrm",
      "fsrs", "fsrc", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "amx-fp16", NULL,
      "avx-ifma" } },
  { 0x7, 1, SV_X86_EDX,
    { NULL, NULL, NULL, NULL, "avx-vnni-int8", "avx-ne-convert", NULL, NULL, NULL, NULL, NULL,
      NULL, NULL, NULL, "prefetchiti" } },
  { 0xd, 1, SV_X86_EAX,
    { "xsaveopt", "xsavec", "xgetbv1", "xsaves", "xfd" } },
  { 0x40000001, 0, SV_X86_EAX,
    { "kvmclock-old", "kvm-nopiodelay", "kvm-mmu", "kvmclock", "kvm-asyncpf", "kvm-steal-time",
      "kvm-pv-eoi", "kvm-pv-unhalt", NULL, "kvm-pv-tlb-flush", "kvm-asyncpf-vmexit",
      "kvm-pv-ipi", "kvm-poll-control", "kvm-pv-sched-yield", "kvm-asyncpf-int",
      "kvm-msi-ext-dest-id", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
      "kvmclock-stable-bit" } },
  { 0x80000001, 0, SV_X86_EDX,
    { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "syscall", NULL, NULL,
      NULL, NULL, NULL, NULL, NULL, "mp", "nx", NULL, "mmxext", NULL, NULL, "fxsr-opt",
      "pdpe1gb", "rdtscp", NULL, "lm", "3dnowext", "3dnow" } },
  { 0x80000001, 0, SV_X86_ECX,
    { "lahf-lm", "cmp-legacy", "svm", "extapic", "cr8legacy", "abm", "sse4a", "misalignsse",
      "3dnowprefetch", "osvw", "ibs", "xop", "skinit", "wdt", NULL, "lwp", "fma4", "tce", NULL,
      "nodeid-msr", NULL, "tbm", "topoext", "perfctr-core", "perfctr-nb" } },
  { 0x80000007, 0, SV_X86_EDX,
    { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "invtsc" } },
  { 0x80000008, 0, SV_X86_EBX,
    { "clzero", NULL, "xsaveerptr", NULL, NULL, NULL, NULL, NULL, NULL, "wbnoinvd", NULL, NULL,
      "ibpb", NULL, "ibrs", "amd-stibp", NULL, "stibp-always-on", NULL, NULL, NULL, NULL, NULL,
      NULL, "amd-ssbd", "virt-ssbd", "amd-no-ssb", NULL, "amd-psfd" } },
  { 0x8000000a, 0, SV_X86_EDX,
    { "npt", "lbrv", "svm-lock", "nrip-save", "tsc-scale", "vmcb-clean", "flushbyasid",
      "decodeassists", NULL, NULL, "pause-filter", NULL, "pfthreshold", "avic", NULL,
      "v-vmsave-vmload", "vgif" } },
  { 0x80000021, 0, SV_X86_EAX,
    { "no-nested-data-bp", NULL, "lfence-always-serializing", NULL, NULL, NULL,
      "null-sel-clr-base", NULL, "auto-ibrs" } },
};

const guint sv_x86_n_feature_words = G_N_ELEMENTS (sv_x86_feature_words);

/* Further names that are in use */
static const char *const synonyms[][2] = {
  { "ffxsr", "fxsr-opt" }, { "i64", "lm" },  { "sha", "sha-ni" },    { "sse3", "pni" },
  { "sse4-1", "sse4.1" },  { "xd", "nx" },   { "sse4-2", "sse4.2" },
};

/* Case and dashes as in the table */
static char *
dup_normal (const char *name)
{
  char *normal = g_ascii_strdown (name, -1);

  g_strdelimit (normal, "_", '-');
  for (guint i = 0; i < G_N_ELEMENTS (synonyms); i++)
    if (strcmp (normal, synonyms[i][0]) == 0)
      {
        g_free (normal);
        return g_strdup (synonyms[i][1]);
      }
  return normal;
}

gboolean
sv_x86_feature_find (const char *name, SvX86Feature *feature)
{
  g_autofree char *normal = dup_normal (name);

  for (guint word = 0; word < sv_x86_n_feature_words; word++)
    for (guint bit = 0; bit < 32; bit++)
      if (g_strcmp0 (sv_x86_feature_words[word].names[bit], normal) == 0)
        {
          *feature = (SvX86Feature){ (guint8)word, (guint8)bit };
          return TRUE;
        }
  return FALSE;
}

char *
sv_x86_feature_dup_hint (const char *name)
{
  g_autofree char *normal = dup_normal (name);
  SvSuggestion suggestion;

  sv_suggestion_init (&suggestion, normal);
  for (guint word = 0; word < sv_x86_n_feature_words; word++)
    for (guint bit = 0; bit < 32; bit++)
      if (sv_x86_feature_words[word].names[bit] != NULL)
        sv_suggestion_consider (&suggestion, sv_x86_feature_words[word].names[bit]);
  return sv_suggestion_dup_hint (&suggestion);
}
