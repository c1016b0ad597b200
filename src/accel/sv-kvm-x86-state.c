/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The state of a vCPU of KVM on x86_64, as a GVariant. */

#include "src/accel/sv-kvm-arch.h"

#include <errno.h>
#include <gio/gio.h>

#include "src/accel/sv-x86-msr.h"
#include "src/migration/sv-migratable.h"

#define N_REGS 18
#define N_SEGMENTS 8
#define MAX_XSAVE 65536u

#define SEGMENT "(tuqyyyyyyyy)"
#define TABLE "(tq)"

/*
 * mp_state; rax ... rflags as in struct kvm_regs; segments cs ds es fs gs ss tr ldt; gdt, idt; cr0 cr2 cr3 cr4 cr8 efer
 * apic_base; interrupt bitmap; PDPTRs, none when cr3 was not loaded with them; XCRs; "xsave" or "fpu" with its bytes; debug registers db0 ... db3, dr6, dr7;
 * local APIC; kHz of the TSC; MSRs; events
 */
const char *const sv_kvm_arch_vcpu_state_types[] = {
  "(uata" SEGMENT "a" TABLE "atatata(ut)(say)atayua(ut)ay)",
  NULL,
};

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", what, g_strerror (errno));
  return FALSE;
}

static gboolean
bad (GError **error, const char *what)
{
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "%s", what);
  return FALSE;
}

static GVariant *
new_bytes (gconstpointer data, gsize size)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, size, 1);
}

static GVariant *
new_words (const guint64 *words, gsize n)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, words, n, sizeof *words);
}

/* Exactly @size bytes */
static gboolean
get_bytes (GVariant *state, gsize child, gpointer data, gsize size)
{
  g_autoptr (GVariant) value = g_variant_get_child_value (state, child);
  gsize n;
  gconstpointer bytes = g_variant_get_fixed_array (value, &n, 1);

  if (n != size)
    return FALSE;
  memcpy (data, bytes, size);
  return TRUE;
}

static gboolean
get_words (GVariant *state, gsize child, guint64 *words, gsize n_words)
{
  g_autoptr (GVariant) value = g_variant_get_child_value (state, child);
  gsize n;
  const guint64 *found = g_variant_get_fixed_array (value, &n, sizeof *found);

  if (n != n_words)
    return FALSE;
  memcpy (words, found, n * sizeof *words);
  return TRUE;
}

static int
get_extension (SvKvmVcpu *vcpu, gulong capability)
{
  return sv_kvm_ioctl (sv_kvm_get_vm_fd (sv_kvm_vcpu_get_kvm (vcpu)), KVM_CHECK_EXTENSION, (gpointer)capability);
}

/* --- segments and control registers --- */

/* What sregs and sregs2 have in common begins both. */
G_STATIC_ASSERT (G_STRUCT_OFFSET (struct kvm_sregs2, flags) == G_STRUCT_OFFSET (struct kvm_sregs, interrupt_bitmap));

static GVariant *
new_segments (const struct kvm_sregs *sregs)
{
  const struct kvm_segment *segments[N_SEGMENTS]
      = { &sregs->cs, &sregs->ds, &sregs->es, &sregs->fs, &sregs->gs, &sregs->ss, &sregs->tr, &sregs->ldt };
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a" SEGMENT));

  for (guint i = 0; i < N_SEGMENTS; i++)
    {
      const struct kvm_segment *s = segments[i];

      g_variant_builder_add (&builder, SEGMENT, (guint64)s->base, s->limit, s->selector, s->type, s->present, s->dpl, s->db, s->s,
                             s->l, s->g, s->avl);
    }
  return g_variant_builder_end (&builder);
}

static gboolean
get_segments (GVariant *state, gsize child, struct kvm_sregs *sregs)
{
  struct kvm_segment *segments[N_SEGMENTS]
      = { &sregs->cs, &sregs->ds, &sregs->es, &sregs->fs, &sregs->gs, &sregs->ss, &sregs->tr, &sregs->ldt };
  g_autoptr (GVariant) value = g_variant_get_child_value (state, child);

  if (g_variant_n_children (value) != N_SEGMENTS)
    return FALSE;
  for (guint i = 0; i < N_SEGMENTS; i++)
    {
      struct kvm_segment *s = segments[i];
      guint64 base;

      g_variant_get_child (value, i, SEGMENT, &base, &s->limit, &s->selector, &s->type, &s->present, &s->dpl, &s->db, &s->s, &s->l,
                           &s->g, &s->avl);
      s->base = base;
      s->unusable = !s->present;
    }
  return TRUE;
}

static GVariant *
new_tables (const struct kvm_sregs *sregs)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a" TABLE));

  g_variant_builder_add (&builder, TABLE, (guint64)sregs->gdt.base, sregs->gdt.limit);
  g_variant_builder_add (&builder, TABLE, (guint64)sregs->idt.base, sregs->idt.limit);
  return g_variant_builder_end (&builder);
}

static gboolean
get_tables (GVariant *state, gsize child, struct kvm_sregs *sregs)
{
  g_autoptr (GVariant) value = g_variant_get_child_value (state, child);
  struct kvm_dtable *tables[] = { &sregs->gdt, &sregs->idt };

  if (g_variant_n_children (value) != G_N_ELEMENTS (tables))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      guint64 base;

      g_variant_get_child (value, i, TABLE, &base, &tables[i]->limit);
      tables[i]->base = base;
    }
  return TRUE;
}

static gboolean
dup_sregs (SvKvmVcpu *vcpu, GVariantBuilder *builder, GError **error)
{
  int fd = sv_kvm_vcpu_get_fd (vcpu);
  struct kvm_sregs sregs;
  struct kvm_sregs2 sregs2 = { .flags = 0 };

  if (sv_kvm_ioctl (fd, KVM_GET_SREGS, &sregs) < 0)
    return fail (error, "KVM_GET_SREGS");
  if (get_extension (vcpu, KVM_CAP_SREGS2) > 0 && sv_kvm_ioctl (fd, KVM_GET_SREGS2, &sregs2) < 0)
    return fail (error, "KVM_GET_SREGS2");

  const guint64 control[] = { sregs.cr0, sregs.cr2, sregs.cr3, sregs.cr4, sregs.cr8, sregs.efer, sregs.apic_base };
  guint64 bitmap[G_N_ELEMENTS (sregs.interrupt_bitmap)];
  guint64 pdptrs[G_N_ELEMENTS (sregs2.pdptrs)];

  for (guint i = 0; i < G_N_ELEMENTS (bitmap); i++)
    bitmap[i] = sregs.interrupt_bitmap[i];
  for (guint i = 0; i < G_N_ELEMENTS (pdptrs); i++)
    pdptrs[i] = sregs2.pdptrs[i];
  g_variant_builder_add_value (builder, new_segments (&sregs));
  g_variant_builder_add_value (builder, new_tables (&sregs));
  g_variant_builder_add_value (builder, new_words (control, G_N_ELEMENTS (control)));
  g_variant_builder_add_value (builder, new_words (bitmap, G_N_ELEMENTS (bitmap)));
  g_variant_builder_add_value (
      builder, new_words (pdptrs, (sregs2.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID) != 0 ? G_N_ELEMENTS (pdptrs) : 0));
  return TRUE;
}

static gboolean
load_sregs (SvKvmVcpu *vcpu, GVariant *state, GError **error)
{
  int fd = sv_kvm_vcpu_get_fd (vcpu);
  struct kvm_sregs sregs = { .cr0 = 0 };
  struct kvm_sregs2 sregs2 = { .flags = 0 };
  guint64 control[7];
  guint64 bitmap[G_N_ELEMENTS (sregs.interrupt_bitmap)];
  guint64 pdptrs[G_N_ELEMENTS (sregs2.pdptrs)];

  if (!get_segments (state, 2, &sregs) || !get_tables (state, 3, &sregs)
      || !get_words (state, 4, control, G_N_ELEMENTS (control)) || !get_words (state, 5, bitmap, G_N_ELEMENTS (bitmap)))
    return bad (error, "segments or control registers are not as many as there must be");
  sregs.cr0 = control[0];
  sregs.cr2 = control[1];
  sregs.cr3 = control[2];
  sregs.cr4 = control[3];
  sregs.cr8 = control[4];
  sregs.efer = control[5];
  sregs.apic_base = control[6];
  for (guint i = 0; i < G_N_ELEMENTS (bitmap); i++)
    sregs.interrupt_bitmap[i] = bitmap[i];
  if (sv_kvm_ioctl (fd, KVM_SET_SREGS, &sregs) < 0)
    return fail (error, "KVM_SET_SREGS");
  /* Without them KVM reads the PDPTRs from memory, which the guest may have changed since it loaded cr3. */
  if (get_extension (vcpu, KVM_CAP_SREGS2) <= 0 || !get_words (state, 6, pdptrs, G_N_ELEMENTS (pdptrs)))
    return TRUE;
  memcpy (&sregs2, &sregs, G_STRUCT_OFFSET (struct kvm_sregs2, flags));
  sregs2.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
  for (guint i = 0; i < G_N_ELEMENTS (pdptrs); i++)
    sregs2.pdptrs[i] = pdptrs[i];
  if (sv_kvm_ioctl (fd, KVM_SET_SREGS2, &sregs2) < 0)
    return fail (error, "KVM_SET_SREGS2");
  return TRUE;
}

/* --- general registers, debug registers --- */

static gboolean
dup_regs (int fd, GVariantBuilder *builder, GError **error)
{
  struct kvm_regs regs;
  guint64 words[N_REGS];

  G_STATIC_ASSERT (sizeof regs == sizeof words);
  if (sv_kvm_ioctl (fd, KVM_GET_REGS, &regs) < 0)
    return fail (error, "KVM_GET_REGS");
  memcpy (words, &regs, sizeof words);
  g_variant_builder_add_value (builder, new_words (words, N_REGS));
  return TRUE;
}

static gboolean
load_regs (int fd, GVariant *state, GError **error)
{
  struct kvm_regs regs;
  guint64 words[N_REGS];

  if (!get_words (state, 1, words, N_REGS))
    return bad (error, "general registers are not as many as there must be");
  memcpy (&regs, words, sizeof regs);
  if (sv_kvm_ioctl (fd, KVM_SET_REGS, &regs) < 0)
    return fail (error, "KVM_SET_REGS");
  return TRUE;
}

static gboolean
dup_debugregs (int fd, GVariantBuilder *builder, GError **error)
{
  struct kvm_debugregs debugregs;

  if (sv_kvm_ioctl (fd, KVM_GET_DEBUGREGS, &debugregs) < 0)
    return fail (error, "KVM_GET_DEBUGREGS");

  const guint64 words[]
      = { debugregs.db[0], debugregs.db[1], debugregs.db[2], debugregs.db[3], debugregs.dr6, debugregs.dr7 };

  g_variant_builder_add_value (builder, new_words (words, G_N_ELEMENTS (words)));
  return TRUE;
}

static gboolean
load_debugregs (int fd, GVariant *state, GError **error)
{
  struct kvm_debugregs debugregs = { .flags = 0 };
  guint64 words[6];

  if (!get_words (state, 9, words, G_N_ELEMENTS (words)))
    return bad (error, "debug registers are not as many as there must be");
  for (guint i = 0; i < 4; i++)
    debugregs.db[i] = words[i];
  debugregs.dr6 = words[4];
  debugregs.dr7 = words[5];
  if (sv_kvm_ioctl (fd, KVM_SET_DEBUGREGS, &debugregs) < 0)
    return fail (error, "KVM_SET_DEBUGREGS");
  return TRUE;
}

/* --- extended state --- */

static gboolean
dup_xcrs (int fd, GVariantBuilder *builder)
{
  struct kvm_xcrs xcrs = { .nr_xcrs = 0 };
  g_auto (GVariantBuilder) entries = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ut)"));

  if (sv_kvm_ioctl (fd, KVM_GET_XCRS, &xcrs) < 0)
    xcrs.nr_xcrs = 0;
  for (guint i = 0; i < MIN (xcrs.nr_xcrs, KVM_MAX_XCRS); i++)
    g_variant_builder_add (&entries, "(ut)", xcrs.xcrs[i].xcr, (guint64)xcrs.xcrs[i].value);
  g_variant_builder_add_value (builder, g_variant_builder_end (&entries));
  return TRUE;
}

static gboolean
load_xcrs (int fd, GVariant *state, GError **error)
{
  g_autoptr (GVariant) entries = g_variant_get_child_value (state, 7);
  struct kvm_xcrs xcrs = { .nr_xcrs = 0 };

  if (g_variant_n_children (entries) > KVM_MAX_XCRS)
    return bad (error, "more XCRs than there can be");
  for (; xcrs.nr_xcrs < g_variant_n_children (entries); xcrs.nr_xcrs++)
    {
      guint64 value;

      g_variant_get_child (entries, xcrs.nr_xcrs, "(ut)", &xcrs.xcrs[xcrs.nr_xcrs].xcr, &value);
      xcrs.xcrs[xcrs.nr_xcrs].value = value;
    }
  if (xcrs.nr_xcrs > 0 && sv_kvm_ioctl (fd, KVM_SET_XCRS, &xcrs) < 0)
    return fail (error, "KVM_SET_XCRS");
  return TRUE;
}

/* 0: this KVM has no XSAVE. */
static gsize
get_xsave_size (SvKvmVcpu *vcpu)
{
  int size;

  if (get_extension (vcpu, KVM_CAP_XSAVE) <= 0)
    return 0;
  size = get_extension (vcpu, KVM_CAP_XSAVE2);
  return CLAMP (size, (int)sizeof (struct kvm_xsave), (int)MAX_XSAVE);
}

static gboolean
dup_fpu (SvKvmVcpu *vcpu, GVariantBuilder *builder, GError **error)
{
  int fd = sv_kvm_vcpu_get_fd (vcpu);
  gsize size = get_xsave_size (vcpu);
  g_autofree guint8 *xsave = g_malloc0 (MAX (size, sizeof (struct kvm_fpu)));

  if (size == 0)
    {
      if (sv_kvm_ioctl (fd, KVM_GET_FPU, xsave) < 0)
        return fail (error, "KVM_GET_FPU");
      g_variant_builder_add (builder, "(s@ay)", "fpu", new_bytes (xsave, sizeof (struct kvm_fpu)));
      return TRUE;
    }
  if (sv_kvm_ioctl (fd, size > sizeof (struct kvm_xsave) ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, xsave) < 0)
    return fail (error, "KVM_GET_XSAVE");
  g_variant_builder_add (builder, "(s@ay)", "xsave", new_bytes (xsave, size));
  return TRUE;
}

static gboolean
load_fpu (SvKvmVcpu *vcpu, GVariant *state, GError **error)
{
  int fd = sv_kvm_vcpu_get_fd (vcpu);
  gsize size = get_xsave_size (vcpu);
  const char *kind = size > 0 ? "xsave" : "fpu";
  gsize wanted = size > 0 ? size : sizeof (struct kvm_fpu);
  g_autofree guint8 *copy = g_malloc0 (wanted);
  g_autoptr (GVariant) pair = g_variant_get_child_value (state, 8);
  const char *found;

  g_variant_get_child (pair, 0, "&s", &found);
  if (!g_str_equal (found, kind) || !get_bytes (pair, 1, copy, wanted))
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH,
                   "floating point state is '%s'; this host's KVM has '%s' of %" G_GSIZE_FORMAT " bytes", found, kind, wanted);
      return FALSE;
    }
  if (sv_kvm_ioctl (fd, size > 0 ? KVM_SET_XSAVE : KVM_SET_FPU, copy) < 0)
    return fail (error, size > 0 ? "KVM_SET_XSAVE" : "KVM_SET_FPU");
  return TRUE;
}

/* --- local APIC, time stamp counter, events --- */

static gboolean
dup_rest (SvKvmVcpu *vcpu, GVariantBuilder *builder, GError **error)
{
  int fd = sv_kvm_vcpu_get_fd (vcpu);
  struct kvm_lapic_state lapic;
  struct kvm_vcpu_events events = { .flags = 0 };
  int khz = sv_kvm_ioctl (fd, KVM_GET_TSC_KHZ, NULL);
  GVariant *msrs;

  if (sv_kvm_ioctl (fd, KVM_GET_LAPIC, &lapic) < 0)
    return fail (error, "KVM_GET_LAPIC");
  msrs = sv_x86_msr_dup (sv_kvm_get_system_fd (sv_kvm_vcpu_get_kvm (vcpu)), fd, error);
  if (msrs == NULL)
    return FALSE;
  g_variant_builder_add_value (builder, new_bytes (&lapic, sizeof lapic));
  g_variant_builder_add (builder, "u", (guint)MAX (khz, 0));
  g_variant_builder_add_value (builder, msrs);
  if (sv_kvm_ioctl (fd, KVM_GET_VCPU_EVENTS, &events) < 0)
    return fail (error, "KVM_GET_VCPU_EVENTS");
  g_variant_builder_add_value (builder, new_bytes (&events, sizeof events));
  return TRUE;
}

/* Where KVM cannot scale, only a host of the same frequency will do. The two clocks are never measured the same. */
static gboolean
load_tsc_khz (int fd, GVariant *state, GError **error)
{
  int own = sv_kvm_ioctl (fd, KVM_GET_TSC_KHZ, NULL);
  guint khz;

  g_variant_get_child (state, 11, "u", &khz);
  if (khz == 0 || own <= 0 || ABS ((gint64)khz - own) <= own / 4000)
    return TRUE;
  if (sv_kvm_ioctl (fd, KVM_SET_TSC_KHZ, GUINT_TO_POINTER (khz)) == 0)
    return TRUE;
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH,
               "time stamp counter of %u kHz; here it is %d kHz and cannot be changed: %s", khz, own, g_strerror (errno));
  return FALSE;
}

static gboolean
load_lapic (int fd, GVariant *state, GError **error)
{
  struct kvm_lapic_state lapic;

  if (!get_bytes (state, 10, &lapic, sizeof lapic))
    return bad (error, "the local APIC is not of the size that it must be");
  if (sv_kvm_ioctl (fd, KVM_SET_LAPIC, &lapic) < 0)
    return fail (error, "KVM_SET_LAPIC");
  return TRUE;
}

static gboolean
load_events (int fd, GVariant *state, GError **error)
{
  struct kvm_vcpu_events events;

  if (!get_bytes (state, 13, &events, sizeof events))
    return bad (error, "events are not of the size that they must be");
  if (sv_kvm_ioctl (fd, KVM_SET_VCPU_EVENTS, &events) < 0)
    return fail (error, "KVM_SET_VCPU_EVENTS");
  return TRUE;
}

/* First the state of activity: to ask for it makes KVM take in INIT and SIPI, which changes registers. */
GVariant *
sv_kvm_arch_vcpu_dup_state (SvKvmVcpu *vcpu, GError **error)
{
  int fd = sv_kvm_vcpu_get_fd (vcpu);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE (sv_kvm_arch_vcpu_state_types[0]));
  struct kvm_mp_state mp_state;

  if (sv_kvm_ioctl (fd, KVM_GET_MP_STATE, &mp_state) < 0)
    {
      fail (error, "KVM_GET_MP_STATE");
      return NULL;
    }
  g_variant_builder_add (&builder, "u", mp_state.mp_state);
  if (!sv_kvm_x86_check_nested (vcpu, error))
    return NULL;
  if (!dup_regs (fd, &builder, error) || !dup_sregs (vcpu, &builder, error) || !dup_xcrs (fd, &builder)
      || !dup_fpu (vcpu, &builder, error) || !dup_debugregs (fd, &builder, error) || !dup_rest (vcpu, &builder, error))
    return NULL;
  return g_variant_builder_end (&builder);
}

/*
 * Each depends on those before it: the local APIC on the APIC base in sregs, XSAVE on XCR0, the TSC deadline among the MSRs
 * on the timer's mode in the local APIC; sregs and regs drop exceptions, so events come last.
 */
gboolean
sv_kvm_arch_vcpu_load_state (SvKvmVcpu *vcpu, GVariant *state, GError **error)
{
  int fd = sv_kvm_vcpu_get_fd (vcpu);
  struct kvm_mp_state mp_state;
  g_autoptr (GVariant) msrs = g_variant_get_child_value (state, 12);

  g_variant_get_child (state, 0, "u", &mp_state.mp_state);
  if (!load_tsc_khz (fd, state, error))
    return FALSE;
  if (sv_kvm_ioctl (fd, KVM_SET_MP_STATE, &mp_state) < 0)
    return fail (error, "KVM_SET_MP_STATE");
  return load_sregs (vcpu, state, error) && load_regs (fd, state, error) && load_xcrs (fd, state, error)
         && load_fpu (vcpu, state, error) && load_debugregs (fd, state, error) && load_lapic (fd, state, error)
         && sv_x86_msr_load (fd, msrs, error) && load_events (fd, state, error);
}
