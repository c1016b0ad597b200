/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The x86_64 part of KVM: interrupt controllers, registers at reset, CPUID. */

#include "src/accel/sv-kvm-arch.h"

#include <cpuid.h>
#include <errno.h>
#include <gio/gio.h>

#include "src/accel/sv-kvm-cpuid.h"
#include "src/accel/sv-x86-entry.h"
#include "src/accel/sv-x86-msr.h"
#include "src/accel/sv-x86-topology.h"

/* A page for an identity page table, and three more that KVM needs on Intel for real mode */
#define IDENTITY_MAP_ADDRESS ((guint64)SV_X86_ACCEL_RESERVED)
#define TSS_ADDRESS (SV_X86_ACCEL_RESERVED + 0x1000ul)

#define CR0_PE 0x1u
#define CR0_ET 0x10u
#define CR0_NE 0x20u
#define CR0_PG 0x80000000u
#define CR4_PAE 0x20u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define RFLAGS_RESERVED 0x2u

#define CODE_BYTES_BEFORE 16
#define CODE_BYTES 48

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", what, g_strerror (errno));
  return FALSE;
}

void
sv_kvm_arch_check_host (void)
{
  guint eax, ebx, ecx, edx;
  gboolean vmx = __get_cpuid (1, &eax, &ebx, &ecx, &edx) && (ecx & (1u << 5)) != 0;
  gboolean svm = __get_cpuid (0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & (1u << 2)) != 0;

  if (!vmx && !svm)
    g_warning ("this host's processors show neither svm nor vmx: its KVM emulates instructions, stock "
               "kernels will not run");
}

gboolean
sv_kvm_arch_open (SvKvm *kvm, GError **error)
{
  int vm = sv_kvm_get_vm_fd (kvm);
  guint64 identity = IDENTITY_MAP_ADDRESS;
  struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

  if (sv_kvm_ioctl (vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0)
    return fail (error, "KVM_SET_IDENTITY_MAP_ADDR");
  if (sv_kvm_ioctl (vm, KVM_SET_TSS_ADDR, (gpointer)TSS_ADDRESS) < 0)
    return fail (error, "KVM_SET_TSS_ADDR");
  if (sv_kvm_ioctl (vm, KVM_CREATE_IRQCHIP, NULL) < 0)
    return fail (error, "KVM_CREATE_IRQCHIP");
  if (sv_kvm_ioctl (vm, KVM_CREATE_PIT2, &pit) < 0)
    return fail (error, "KVM_CREATE_PIT2");
  return TRUE;
}

/* Ticks that come too late are lost: to make up for them KVM does without AVIC, and a guest that is slow would
 * do nothing but serve ticks. */
void
sv_kvm_arch_settle (SvKvm *kvm)
{
  struct kvm_reinject_control reinject = { .pit_reinject = 0 };

  if (sv_kvm_ioctl (sv_kvm_get_vm_fd (kvm), KVM_REINJECT_CONTROL, &reinject) < 0)
    g_debug ("KVM_REINJECT_CONTROL: %s", g_strerror (errno));
}

/* --- interrupt controllers at reset --- */

#define IOAPIC_PINS 24
#define IOAPIC_MASKED 0x10000u

gboolean
sv_kvm_arch_reset (SvKvm *kvm, GError **error)
{
  int vm = sv_kvm_get_vm_fd (kvm);
  /* The slave first: while it has a request, KVM raises the master's cascade line again, and the next
   * guest gets that as interrupt 7 once it lets interrupts in. */
  struct kvm_irqchip pics[2] = {
    { .chip_id = KVM_IRQCHIP_PIC_SLAVE, .chip.pic = { .elcr_mask = 0xde } },
    { .chip_id = KVM_IRQCHIP_PIC_MASTER, .chip.pic = { .elcr_mask = 0xf8 } },
  };
  struct kvm_irqchip ioapic = { .chip_id = KVM_IRQCHIP_IOAPIC };
  struct kvm_pit_state2 pit = { .flags = 0 };

  for (guint i = 0; i < G_N_ELEMENTS (pics); i++)
    if (sv_kvm_ioctl (vm, KVM_SET_IRQCHIP, &pics[i]) < 0)
      return fail (error, "KVM_SET_IRQCHIP (PIC)");
  ioapic.chip.ioapic.base_address = 0xfec00000;
  for (guint i = 0; i < IOAPIC_PINS; i++)
    ioapic.chip.ioapic.redirtbl[i].bits = IOAPIC_MASKED;
  if (sv_kvm_ioctl (vm, KVM_SET_IRQCHIP, &ioapic) < 0)
    return fail (error, "KVM_SET_IRQCHIP (IOAPIC)");
  for (guint i = 0; i < G_N_ELEMENTS (pit.channels); i++)
    {
      pit.channels[i].mode = 0xff;
      pit.channels[i].gate = i != 2;
      pit.channels[i].count = 0x10000;
    }
  if (sv_kvm_ioctl (vm, KVM_SET_PIT2, &pit) < 0)
    return fail (error, "KVM_SET_PIT2");
  return TRUE;
}

/* Lines 0 to 15 reach both the PICs and the IOAPIC. */
guint
sv_kvm_arch_append_routes (GArray *entries)
{
  for (guint pin = 0; pin < IOAPIC_PINS; pin++)
    {
      struct kvm_irq_routing_entry entry = { .gsi = pin, .type = KVM_IRQ_ROUTING_IRQCHIP };

      if (pin < 16)
        {
          entry.u.irqchip.irqchip = pin < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;
          entry.u.irqchip.pin = pin % 8;
          g_array_append_val (entries, entry);
        }
      entry.u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
      entry.u.irqchip.pin = pin;
      g_array_append_val (entries, entry);
    }
  return IOAPIC_PINS;
}

static void
set_lapic_register (struct kvm_lapic_state *lapic, guint offset, guint32 value)
{
  memcpy (lapic->regs + offset, &value, sizeof value);
}

/* Intel SDM volume 3, 11.4.7.1: the state after power-on. */
static gboolean
reset_lapic (int fd, guint id, GError **error)
{
  struct kvm_lapic_state lapic;

  if (sv_kvm_ioctl (fd, KVM_GET_LAPIC, &lapic) < 0)
    return fail (error, "KVM_GET_LAPIC");
  set_lapic_register (&lapic, 0x20, id << 24);   /* KVM leaves it as it is in x2APIC mode */
  set_lapic_register (&lapic, 0x80, 0);          /* TPR */
  set_lapic_register (&lapic, 0xd0, 0);          /* LDR */
  set_lapic_register (&lapic, 0xe0, 0xffffffff); /* DFR */
  set_lapic_register (&lapic, 0xf0, 0xff);       /* SVR: off */
  for (guint offset = 0x100; offset < 0x280; offset += 0x10)
    set_lapic_register (&lapic, offset, 0);      /* ISR, TMR, IRR */
  set_lapic_register (&lapic, 0x280, 0);         /* ESR */
  set_lapic_register (&lapic, 0x300, 0);         /* ICR */
  set_lapic_register (&lapic, 0x310, 0);
  for (guint offset = 0x320; offset <= 0x370; offset += 0x10)
    set_lapic_register (&lapic, offset, 0x10000); /* LVTs: masked */
  if (id == 0)
    set_lapic_register (&lapic, 0x350, 0x700);   /* LINT0: ExtINT, as KVM makes it */
  set_lapic_register (&lapic, 0x380, 0);         /* timer: initial and current count, divider */
  set_lapic_register (&lapic, 0x390, 0);
  set_lapic_register (&lapic, 0x3e0, 0);
  if (sv_kvm_ioctl (fd, KVM_SET_LAPIC, &lapic) < 0)
    return fail (error, "KVM_SET_LAPIC");
  return TRUE;
}

/* --- registers --- */

static struct kvm_segment
flat_segment (guint16 selector, guint8 type, gboolean code64)
{
  return (struct kvm_segment){
    .limit = 0xffffffff,
    .selector = selector,
    .type = type,
    .present = 1,
    .db = !code64,
    .s = 1,
    .l = code64,
    .g = 1,
  };
}

static void
set_protected_mode (struct kvm_sregs *sregs, const SvX86Entry *entry)
{
  gboolean long_mode = entry->mode == SV_X86_ENTRY_LONG_MODE;
  struct kvm_segment data = flat_segment (SV_X86_GDT_DATA, 3, FALSE);

  sregs->cs = flat_segment (long_mode ? SV_X86_GDT_CODE64 : SV_X86_GDT_CODE32, 11, long_mode);
  sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
  sregs->tr = (struct kvm_segment){ .selector = SV_X86_GDT_TSS, .limit = 0x67, .type = 11, .present = 1 };
  sregs->gdt = (struct kvm_dtable){ .base = entry->gdt_base, .limit = entry->gdt_limit };
  sregs->idt = (struct kvm_dtable){ .base = 0, .limit = 0 };
  sregs->cr0 = CR0_PE | CR0_ET | CR0_NE;
  if (long_mode)
    {
      sregs->cr0 |= CR0_PG;
      sregs->cr3 = entry->cr3;
      sregs->cr4 = CR4_PAE;
      sregs->efer = EFER_LME | EFER_LMA;
    }
}

/* Intel SDM volume 3, table 10-1; @sregs keeps its interrupt bitmap clear. */
static void
set_power_on (struct kvm_sregs *sregs, gboolean boot_cpu)
{
  const struct kvm_segment data = { .limit = 0xffff, .type = 3, .present = 1, .s = 1 };

  memset (sregs, 0, sizeof *sregs);
  sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = sregs->cs = data;
  sregs->cs.selector = 0xf000;
  sregs->cs.base = 0xffff0000;
  sregs->cs.type = 11;
  sregs->tr = (struct kvm_segment){ .limit = 0xffff, .type = 11, .present = 1 };
  sregs->ldt = (struct kvm_segment){ .limit = 0xffff, .type = 2, .present = 1 };
  sregs->gdt.limit = sregs->idt.limit = 0xffff;
  sregs->cr0 = 0x60000010;
  sregs->apic_base = 0xfee00000 | 0x800 | (boot_cpu ? 0x100 : 0);
}

static gboolean
set_entry (int fd, const SvX86Entry *entry, GError **error)
{
  struct kvm_regs regs = {
    .rip = entry->rip,
    .rsi = entry->rsi,
    .rbx = entry->rbx,
    .rsp = entry->rsp,
    .rflags = RFLAGS_RESERVED,
  };
  struct kvm_sregs sregs;

  if (entry->mode == SV_X86_ENTRY_RESET)
    return TRUE;
  if (sv_kvm_ioctl (fd, KVM_GET_SREGS, &sregs) < 0)
    return fail (error, "KVM_GET_SREGS");
  set_protected_mode (&sregs, entry);
  if (sv_kvm_ioctl (fd, KVM_SET_SREGS, &sregs) < 0)
    return fail (error, "KVM_SET_SREGS");
  if (sv_kvm_ioctl (fd, KVM_SET_REGS, &regs) < 0)
    return fail (error, "KVM_SET_REGS");
  return TRUE;
}

static gboolean
power_on (int fd, guint id, GError **error)
{
  gboolean boot_cpu = id == 0;
  struct kvm_mp_state mp_state = { boot_cpu ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED };
  struct kvm_regs regs = { .rip = 0xfff0, .rdx = 0x600, .rflags = RFLAGS_RESERVED };
  struct kvm_fpu fpu = { .fcw = 0x37f, .mxcsr = 0x1f80 };
  struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .xcr = 0, .value = 1 } } };
  struct kvm_debugregs debugregs = { .dr6 = 0xffff0ff0, .dr7 = 0x400 };
  struct kvm_vcpu_events events = { .flags = KVM_VCPUEVENT_VALID_NMI_PENDING
                                             | KVM_VCPUEVENT_VALID_SHADOW };
  struct kvm_sregs sregs;

  set_power_on (&sregs, boot_cpu);
  /* KVM's paravirtual MSRs first: they make it write to the guest's memory. */
  sv_x86_msr_reset (fd);
  if (sv_kvm_ioctl (fd, KVM_SET_VCPU_EVENTS, &events) < 0)
    return fail (error, "KVM_SET_VCPU_EVENTS");
  if (sv_kvm_ioctl (fd, KVM_SET_SREGS, &sregs) < 0)
    return fail (error, "KVM_SET_SREGS");
  if (sv_kvm_ioctl (fd, KVM_SET_REGS, &regs) < 0)
    return fail (error, "KVM_SET_REGS");
  if (sv_kvm_ioctl (fd, KVM_SET_FPU, &fpu) < 0)
    return fail (error, "KVM_SET_FPU");
  if (sv_kvm_ioctl (fd, KVM_SET_XCRS, &xcrs) < 0)
    g_debug ("KVM_SET_XCRS: %s", g_strerror (errno));
  if (sv_kvm_ioctl (fd, KVM_SET_DEBUGREGS, &debugregs) < 0)
    return fail (error, "KVM_SET_DEBUGREGS");
  if (!reset_lapic (fd, id, error))
    return FALSE;
  if (sv_kvm_ioctl (fd, KVM_SET_MP_STATE, &mp_state) < 0)
    return fail (error, "KVM_SET_MP_STATE");
  return TRUE;
}

guint
sv_kvm_arch_get_vcpu_id (SvKvm *kvm, guint index)
{
  return sv_x86_topology_get_apic_id (sv_accel_get_cpus (SV_ACCEL (kvm)), index);
}

gboolean
sv_kvm_arch_vcpu_open (SvKvmVcpu *vcpu, GError **error)
{
  return sv_kvm_cpuid_set (vcpu, error);
}

gboolean
sv_kvm_arch_vcpu_reset (SvKvmVcpu *vcpu, gconstpointer entry, gboolean fresh, GError **error)
{
  int fd = sv_kvm_vcpu_get_fd (vcpu);
  guint id = sv_kvm_arch_get_vcpu_id (sv_kvm_vcpu_get_kvm (vcpu), sv_vcpu_get_index (SV_VCPU (vcpu)));

  if (!fresh && !power_on (fd, id, error))
    return FALSE;
  return entry == NULL || set_entry (fd, entry, error);
}

gboolean
sv_kvm_arch_vcpu_handle_exit (SvKvmVcpu *vcpu, struct kvm_run *run)
{
  return FALSE;
}

/* --- the report of a guest that cannot go on --- */

static void
dump_segment (GString *text, const char *name, const struct kvm_segment *segment)
{
  g_string_append_printf (text, "%-3s %04x base %016llx limit %08x type %x s %u dpl %u p %u l %u db %u\n",
                          name, segment->selector, (unsigned long long)segment->base, segment->limit,
                          segment->type, segment->s, segment->dpl, segment->present, segment->l,
                          segment->db);
}

static gboolean
read_code (SvKvmVcpu *vcpu, guint64 linear, guint8 *byte)
{
  struct kvm_translation translation = { .linear_address = linear };

  return sv_kvm_ioctl (sv_kvm_vcpu_get_fd (vcpu), KVM_TRANSLATE, &translation) == 0
         && translation.valid
         && sv_address_space_read (sv_accel_get_memory (SV_ACCEL (sv_kvm_vcpu_get_kvm (vcpu))),
                                   translation.physical_address, byte, 1);
}

static void
dump_code (SvKvmVcpu *vcpu, GString *text, guint64 linear)
{
  g_string_append (text, "code");
  for (guint i = 0; i < CODE_BYTES; i++)
    {
      gboolean here = i == CODE_BYTES_BEFORE;
      guint8 byte;

      g_string_append (text, here ? " <" : " ");
      if (read_code (vcpu, linear - CODE_BYTES_BEFORE + i, &byte))
        g_string_append_printf (text, "%02x", byte);
      else
        g_string_append (text, "--");
      g_string_append (text, here ? ">" : "");
    }
}

void
sv_kvm_arch_vcpu_dump (SvKvmVcpu *vcpu, GString *text)
{
  int fd = sv_kvm_vcpu_get_fd (vcpu);
  struct kvm_regs regs;
  struct kvm_sregs sregs;

  if (sv_kvm_ioctl (fd, KVM_GET_REGS, &regs) < 0 || sv_kvm_ioctl (fd, KVM_GET_SREGS, &sregs) < 0)
    {
      g_string_append_printf (text, "registers cannot be read: %s", g_strerror (errno));
      return;
    }
#define R(x) ((unsigned long long)(x))
  g_string_append_printf (text,
                          "rax %016llx rbx %016llx rcx %016llx rdx %016llx\n"
                          "rsi %016llx rdi %016llx rbp %016llx rsp %016llx\n"
                          "r8  %016llx r9  %016llx r10 %016llx r11 %016llx\n"
                          "r12 %016llx r13 %016llx r14 %016llx r15 %016llx\n"
                          "rip %016llx rflags %08llx\n",
                          R (regs.rax), R (regs.rbx), R (regs.rcx), R (regs.rdx), R (regs.rsi),
                          R (regs.rdi), R (regs.rbp), R (regs.rsp), R (regs.r8), R (regs.r9),
                          R (regs.r10), R (regs.r11), R (regs.r12), R (regs.r13), R (regs.r14),
                          R (regs.r15), R (regs.rip), R (regs.rflags));
  dump_segment (text, "cs", &sregs.cs);
  dump_segment (text, "ds", &sregs.ds);
  dump_segment (text, "es", &sregs.es);
  dump_segment (text, "fs", &sregs.fs);
  dump_segment (text, "gs", &sregs.gs);
  dump_segment (text, "ss", &sregs.ss);
  dump_segment (text, "tr", &sregs.tr);
  dump_segment (text, "ldt", &sregs.ldt);
  g_string_append_printf (text,
                          "gdt %016llx limit %04x idt %016llx limit %04x\n"
                          "cr0 %08llx cr2 %016llx cr3 %016llx cr4 %08llx cr8 %llx efer %llx apic_base %llx\n",
                          R (sregs.gdt.base), sregs.gdt.limit, R (sregs.idt.base), sregs.idt.limit,
                          R (sregs.cr0), R (sregs.cr2), R (sregs.cr3), R (sregs.cr4), R (sregs.cr8),
                          R (sregs.efer), R (sregs.apic_base));
  dump_code (vcpu, text, sregs.cs.base + regs.rip);
#undef R
}
