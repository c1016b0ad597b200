/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-x86-msr.h"

#include <errno.h>
#include <gio/gio.h>
#include <linux/kvm.h>

#include "src/accel/sv-kvm.h"
#include "src/migration/sv-migratable.h"

/* Registers that a guest changes, with their values at power-on; KVM's paravirtual ones first. */
static const struct
{
  guint32 index;
  guint64 value;
} power_on[] = {
  { 0x4b564d01, 0 },                  /* KVM_SYSTEM_TIME_NEW */
  { 0x4b564d00, 0 },                  /* KVM_WALL_CLOCK_NEW */
  { 0x4b564d02, 0 },                  /* KVM_ASYNC_PF_EN */
  { 0x4b564d03, 0 },                  /* KVM_STEAL_TIME */
  { 0x4b564d04, 0 },                  /* KVM_PV_EOI_EN */
  { 0x4b564d05, 1 },                  /* KVM_POLL_CONTROL */
  { 0x4b564d06, 0 },                  /* KVM_ASYNC_PF_INT */
  { 0x00000012, 0 },                  /* KVM_SYSTEM_TIME */
  { 0x00000011, 0 },                  /* KVM_WALL_CLOCK */
  { 0x000006e0, 0 },                  /* IA32_TSC_DEADLINE */
  { 0x00000010, 0 },                  /* IA32_TIME_STAMP_COUNTER */
  { 0x0000003b, 0 },                  /* IA32_TSC_ADJUST */
  { 0x00000048, 0 },                  /* IA32_SPEC_CTRL */
  { 0x00000174, 0 },                  /* IA32_SYSENTER_CS */
  { 0x00000175, 0 },                  /* IA32_SYSENTER_ESP */
  { 0x00000176, 0 },                  /* IA32_SYSENTER_EIP */
  { 0x000001a0, 1 },                  /* IA32_MISC_ENABLE: fast strings */
  { 0x000001d9, 0 },                  /* IA32_DEBUGCTL */
  { 0x00000277, 0x0007040600070406 }, /* IA32_PAT */
  { 0x000002ff, 0 },                  /* IA32_MTRR_DEF_TYPE */
  { 0x00000da0, 0 },                  /* IA32_XSS */
  { 0xc0000081, 0 },                  /* STAR */
  { 0xc0000082, 0 },                  /* LSTAR */
  { 0xc0000083, 0 },                  /* CSTAR */
  { 0xc0000084, 0 },                  /* SYSCALL_MASK */
  { 0xc0000102, 0 },                  /* KERNEL_GS_BASE */
  { 0xc0000103, 0 },                  /* TSC_AUX */
};

/* One at a time: the kernel stops at the first that it refuses. */
typedef union
{
  struct kvm_msrs list;
  guint8 room[sizeof (struct kvm_msrs) + sizeof (struct kvm_msr_entry)];
} OneMsr;

static gboolean
set_msr (int fd, guint32 index, guint64 value)
{
  OneMsr request = { .list.nmsrs = 1 };

  request.list.entries[0] = (struct kvm_msr_entry){ .index = index, .data = value };
  return sv_kvm_ioctl (fd, KVM_SET_MSRS, &request) == 1;
}

static gboolean
get_msr (int fd, guint32 index, guint64 *value)
{
  OneMsr request = { .list.nmsrs = 1 };

  request.list.entries[0] = (struct kvm_msr_entry){ .index = index };
  if (sv_kvm_ioctl (fd, KVM_GET_MSRS, &request) != 1)
    return FALSE;
  *value = request.list.entries[0].data;
  return TRUE;
}

void
sv_x86_msr_reset (int fd)
{
  for (guint i = 0; i < G_N_ELEMENTS (power_on); i++)
    if (!set_msr (fd, power_on[i].index, power_on[i].value))
      g_debug ("MSR 0x%x cannot be set", power_on[i].index);
}

/* --- state --- */

#define MAX_MSRS 4096u
#define TSC 0x10u
#define TSC_DEADLINE 0x6e0u

typedef union
{
  struct kvm_msr_list list;
  guint8 room[sizeof (struct kvm_msr_list) + MAX_MSRS * sizeof (guint32)];
} MsrList;

/* Hyper-V's, which no guest is offered and some of which change by themselves; what describes VMX, which the model decides */
static gboolean
is_state (guint32 index)
{
  return (index < 0x40000000 || index > 0x400001ff) && (index < 0x480 || index > 0x491);
}

GVariant *
sv_x86_msr_dup (int system_fd, int fd, GError **error)
{
  g_autofree MsrList *known = g_new0 (MsrList, 1);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ut)"));

  known->list.nmsrs = MAX_MSRS;
  if (sv_kvm_ioctl (system_fd, KVM_GET_MSR_INDEX_LIST, known) < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "KVM_GET_MSR_INDEX_LIST: %s", g_strerror (errno));
      return NULL;
    }
  for (guint i = 0; i < MIN (known->list.nmsrs, MAX_MSRS); i++)
    {
      guint64 value;

      if (is_state (known->list.indices[i]) && get_msr (fd, known->list.indices[i], &value))
        g_variant_builder_add (&builder, "(ut)", known->list.indices[i], value);
    }
  return g_variant_builder_end (&builder);
}

static gboolean
load_msr (int fd, guint32 index, guint64 value, GError **error)
{
  guint64 own;

  if (set_msr (fd, index, value) || (get_msr (fd, index, &own) && own == value))
    return TRUE;
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH,
               "KVM does not set MSR 0x%x to 0x%" G_GINT64_MODIFIER "x: the hosts' processors differ, or their KVM", index, value);
  return FALSE;
}

/* In three turns: the deadline of the timer is in units of the counter, and both are there before the clocks in memory. */
static guint
get_turn (guint32 index)
{
  return index == TSC ? 0 : index == TSC_DEADLINE ? 1 : 2;
}

gboolean
sv_x86_msr_load (int fd, GVariant *msrs, GError **error)
{
  gsize n = g_variant_n_children (msrs);

  if (n > MAX_MSRS)
    {
      g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "more MSRs than there can be");
      return FALSE;
    }
  for (guint turn = 0; turn < 3; turn++)
    for (gsize i = 0; i < n; i++)
      {
        guint32 index;
        guint64 value;

        g_variant_get_child (msrs, i, "(ut)", &index, &value);
        if (get_turn (index) == turn && !load_msr (fd, index, value, error))
          return FALSE;
      }
  return TRUE;
}
