/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* CPUID leaves of a processor (Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E). */

#include "src/accel/sv-x86-cpuid.h"

#include <gio/gio.h>

#include "qom/sv-object.h"
#include "src/accel/sv-x86-features.h"

typedef struct kvm_cpuid_entry2 Entry;

#define INDEXED KVM_CPUID_FLAG_SIGNIFCANT_INDEX

/* First registers of the vendors' names in leaf 0 */
#define VENDOR_AMD 0x68747541u   /* Auth */
#define VENDOR_HYGON 0x6f677948u /* Hygo */

#define LEAF1_ECX_TSC_DEADLINE (1u << 24)
#define LEAF1_ECX_XSAVE (1u << 26)
#define LEAF1_ECX_HYPERVISOR (1u << 31)
#define LEAF1_EDX_HTT (1u << 28)
#define EXT1_ECX_CMP_LEGACY (1u << 1)
#define EXT1_ECX_TOPOEXT (1u << 22)

#define LEVEL_SMT 1
#define LEVEL_CORE 2
#define LEVEL_DIE 5

#define CACHE_LEVEL(eax) (((eax) >> 5) & 7)

static Entry *
find (GArray *entries, guint32 function, guint32 index)
{
  for (guint i = 0; i < entries->len; i++)
    {
      Entry *entry = &g_array_index (entries, Entry, i);

      if (entry->function == function && (entry->index == index || (entry->flags & INDEXED) == 0))
        return entry;
    }
  return NULL;
}

static void
drop (GArray *entries, guint32 first, guint32 last)
{
  for (guint i = entries->len; i-- > 0;)
    {
      const Entry *entry = &g_array_index (entries, Entry, i);

      if (entry->function >= first && entry->function <= last)
        g_array_remove_index (entries, i);
    }
}

static guint32 *
get_register (Entry *entry, SvX86Register reg)
{
  guint32 *const registers[] = { &entry->eax, &entry->ebx, &entry->ecx, &entry->edx };

  return registers[reg];
}

static gboolean
is_amd (GArray *entries)
{
  const Entry *entry = find (entries, 0, 0);

  return entry != NULL && (entry->ebx == VENDOR_AMD || entry->ebx == VENDOR_HYGON);
}

/* --- features --- */

/* What KVM can do and does not tell in its list of leaves */
static void
add_unlisted (GArray *entries, gboolean tsc_deadline)
{
  Entry *leaf1 = find (entries, 1, 0);
  Entry *extended = find (entries, 0x80000001, 0);

  if (leaf1 != NULL)
    leaf1->ecx |= LEAF1_ECX_HYPERVISOR | (tsc_deadline ? LEAF1_ECX_TSC_DEADLINE : 0);
  /* Nothing but leaves that tell of the topology. */
  if (extended != NULL && is_amd (entries))
    extended->ecx |= EXT1_ECX_TOPOEXT;
}

static gboolean
fail_missing (const SvX86FeatureWord *word, guint32 missing, GError **error)
{
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
               "CPU feature '%s' cannot be had: KVM does not offer it on this host",
               word->names[g_bit_nth_lsf (missing, -1)]);
  return FALSE;
}

static gboolean
switch_features (GArray *entries, const SvX86CpuModel *model, GError **error)
{
  for (guint i = 0; i < sv_x86_n_feature_words; i++)
    {
      const SvX86FeatureWord *word = &sv_x86_feature_words[i];
      Entry *entry = find (entries, word->function, word->index);
      guint32 *reg = entry != NULL ? get_register (entry, word->reg) : NULL;
      guint32 missing = model->on[i] & ~(reg != NULL ? *reg : 0);

      if (missing != 0)
        return fail_missing (word, missing, error);
      if (reg != NULL)
        *reg &= ~model->off[i];
    }
  return TRUE;
}

static void
drop_leaves (GArray *entries, const SvX86CpuModel *model)
{
  const Entry *leaf1 = find (entries, 1, 0);

  if (!model->pmu)
    drop (entries, 0xa, 0xa);
  if (!model->kvm)
    drop (entries, 0x40000000, 0x400000ff);
  if (leaf1 != NULL && (leaf1->ecx & LEAF1_ECX_XSAVE) == 0)
    drop (entries, 0xd, 0xd);
}

/* --- topology --- */

typedef struct
{
  const SvCpuLayout *layout;
  SvX86Topology shifts;
  guint32 apic_id;
  guint per_die;
  guint per_socket;
  gboolean amd;
} Place;

static void
append_level (GArray *entries,
              const Place *place,
              guint32 function,
              guint32 index,
              guint type,
              guint shift,
              guint count)
{
  const Entry entry = {
    .function = function,
    .index = index,
    .flags = INDEXED,
    .eax = shift,
    .ebx = count,
    .ecx = index | type << 8,
    .edx = place->apic_id,
  };

  g_array_append_val (entries, entry);
}

/* Leaf 0xb knows no dies; leaf 0x1f, for those who have them, does. */
static void
append_extended_topology (GArray *entries, const Place *place)
{
  const SvX86Topology *shifts = &place->shifts;

  append_level (entries, place, 0xb, 0, LEVEL_SMT, shifts->core_shift, place->layout->threads);
  append_level (entries, place, 0xb, 1, LEVEL_CORE, shifts->socket_shift, place->per_socket);
  append_level (entries, place, 0xb, 2, 0, 0, 0);
  if (place->layout->dies == 1)
    return;
  append_level (entries, place, 0x1f, 0, LEVEL_SMT, shifts->core_shift, place->layout->threads);
  append_level (entries, place, 0x1f, 1, LEVEL_CORE, shifts->die_shift, place->per_die);
  append_level (entries, place, 0x1f, 2, LEVEL_DIE, shifts->socket_shift, place->per_socket);
  append_level (entries, place, 0x1f, 3, 0, 0, 0);
}

/* Bits 25 to 14: how many share the cache, less 1. The last level is the die's, others are a core's. */
static guint32
set_sharers (guint32 eax, const Place *place, gboolean addressable)
{
  const gboolean last = CACHE_LEVEL (eax) >= 3;
  guint sharers;

  if (addressable)
    sharers = 1u << (last ? place->shifts.die_shift : place->shifts.core_shift);
  else
    sharers = last ? place->per_die : place->layout->threads;
  return (eax & 0x00003fff) | (MIN (sharers, 4096) - 1) << 14;
}

static void
adapt_entry (Entry *entry, const Place *place)
{
  const guint socket_ids = 1u << place->shifts.socket_shift;
  const guint count = place->amd ? place->per_socket : socket_ids;

  switch (entry->function)
    {
    case 0x0:
      entry->eax = MAX (entry->eax, place->layout->dies > 1 ? 0x1f : 0xb);
      break;
    case 0x1:
      /* APIC id, logical processors in the package; the size of a cache line stays. */
      entry->ebx = (entry->ebx & 0x0000ff00) | MIN (count, 255) << 16 | place->apic_id << 24;
      entry->edx &= ~LEAF1_EDX_HTT;
      if (place->per_socket > 1)
        entry->edx |= LEAF1_EDX_HTT;
      break;
    case 0x4:
      if ((entry->eax & 0x1f) == 0)
        break; /* no more caches */
      entry->eax = set_sharers (entry->eax, place, TRUE);
      entry->eax |= (MIN (socket_ids >> place->shifts.core_shift, 64) - 1) << 26;
      break;
    case 0x80000001:
      entry->ecx &= ~EXT1_ECX_CMP_LEGACY;
      if (place->amd && place->per_socket > 1)
        entry->ecx |= EXT1_ECX_CMP_LEGACY;
      break;
    case 0x80000008:
      entry->ecx &= ~0xf0ffu;
      if (place->amd)
        entry->ecx |= place->shifts.socket_shift << 12 | (MIN (place->per_socket, 256) - 1);
      break;
    case 0x8000001d:
      if ((entry->eax & 0x1f) != 0)
        entry->eax = set_sharers (entry->eax, place, FALSE);
      break;
    default:
      break;
    }
}

static guint
get_family (GArray *entries)
{
  const Entry *leaf1 = find (entries, 1, 0);
  const guint family = leaf1 != NULL ? leaf1->eax >> 8 & 0xf : 0;

  return family == 0xf ? family + (leaf1->eax >> 20 & 0xff) : family;
}

/* AMD's own: core and node in the socket. Before family 17h nodes divide the cores that leaf 0xb tells of once more. */
static void
append_amd_topology (GArray *entries, const Place *place)
{
  const guint core = (place->apic_id >> place->shifts.core_shift)
                     & ((1u << (place->shifts.die_shift - place->shifts.core_shift)) - 1);
  Entry entry = {
    .function = 0x8000001e,
    .eax = place->apic_id,
    .ebx = (MIN (place->layout->threads, 256) - 1) << 8 | (core & 0xff),
  };
  Entry *last = find (entries, 0x80000000, 0);

  if (get_family (entries) >= 0x17)
    entry.ecx = (MIN (place->layout->dies, 8) - 1) << 8
                | ((place->apic_id >> place->shifts.die_shift) & 0xff);
  if (last != NULL)
    last->eax = MAX (last->eax, 0x8000001e);
  g_array_append_val (entries, entry);
}

static void
set_topology (GArray *entries, const SvCpuLayout *layout, guint index)
{
  const Place place = {
    .layout = layout,
    .shifts = sv_x86_topology_get (layout),
    .apic_id = sv_x86_topology_get_apic_id (layout, index),
    .per_die = layout->cores * layout->threads,
    .per_socket = layout->dies * layout->cores * layout->threads,
    .amd = is_amd (entries),
  };

  drop (entries, 0xb, 0xb);
  drop (entries, 0x1f, 0x1f);
  drop (entries, 0x8000001e, 0x8000001e);
  for (guint i = 0; i < entries->len; i++)
    adapt_entry (&g_array_index (entries, Entry, i), &place);
  append_extended_topology (entries, &place);
  if (place.amd)
    append_amd_topology (entries, &place);
}

gboolean
sv_x86_cpuid_adapt (GArray *entries,
                    const SvX86CpuModel *model,
                    const SvCpuLayout *layout,
                    guint index,
                    gboolean tsc_deadline,
                    GError **error)
{
  add_unlisted (entries, tsc_deadline);
  if (!switch_features (entries, model, error))
    return FALSE;
  drop_leaves (entries, model);
  set_topology (entries, layout, index);
  return TRUE;
}
