/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-x86-msr.h"

#include <linux/kvm.h>

#include "src/accel/sv-kvm.h"

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

void
sv_x86_msr_reset (int fd)
{
  for (guint i = 0; i < G_N_ELEMENTS (power_on); i++)
    {
      union
      {
        struct kvm_msrs list;
        guint8 room[sizeof (struct kvm_msrs) + sizeof (struct kvm_msr_entry)];
      } request = { .list.nmsrs = 1 };

      request.list.entries[0]
          = (struct kvm_msr_entry){ .index = power_on[i].index, .data = power_on[i].value };

      if (sv_kvm_ioctl (fd, KVM_SET_MSRS, &request) != 1)
        g_debug ("MSR 0x%x cannot be set", power_on[i].index);
    }
}
