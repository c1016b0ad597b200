/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <elf.h>
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/procfs.h>

#include "src/accel/sv-kvm-arch.h"

/* Registers as ELF notes: what gdb reads, and what crash looks for in files of a QEMU (target/i386/arch_dump.c) */

typedef struct
{
  guint32 selector;
  guint32 limit;
  guint32 flags;
  guint32 padding;
  guint64 base;
} Segment;

typedef struct
{
  guint32 version;
  guint32 size;
  guint64 rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
  guint64 r8, r9, r10, r11, r12, r13, r14, r15;
  guint64 rip, rflags;
  Segment cs, ds, es, fs, gs, ss;
  Segment ldt, tr, gdt, idt;
  guint64 cr[5];
  guint64 kernel_gs_base;
} QemuCpuState;

static void
append_padded (GByteArray *notes, gconstpointer data, gsize size)
{
  static const guint8 zeros[4];

  g_byte_array_append (notes, data, (guint)size);
  g_byte_array_append (notes, zeros, (guint)(-size & 3));
}

static void
append_note (GByteArray *notes, const char *name, guint32 type, gconstpointer data, gsize size)
{
  const Elf64_Nhdr header = { (Elf64_Word)strlen (name) + 1, (Elf64_Word)size, type };

  g_byte_array_append (notes, (const guint8 *)&header, sizeof header);
  append_padded (notes, name, header.n_namesz);
  append_padded (notes, data, size);
}

/* As <sys/reg.h> numbers them */
static void
fill_registers (guint64 *to, const struct kvm_regs *regs, const struct kvm_sregs *sregs)
{
  const guint64 values[] = {
    regs->r15, regs->r14, regs->r13, regs->r12, regs->rbp, regs->rbx, regs->r11, regs->r10, regs->r9, regs->r8,
    regs->rax, regs->rcx, regs->rdx, regs->rsi, regs->rdi, regs->rax, regs->rip, sregs->cs.selector, regs->rflags,
    regs->rsp, sregs->ss.selector, sregs->fs.base, sregs->gs.base, sregs->ds.selector, sregs->es.selector,
    sregs->fs.selector, sregs->gs.selector,
  };

  memcpy (to, values, sizeof values);
}

static Segment
convert (const struct kvm_segment *from)
{
  /* The second word of a descriptor (Intel SDM volume 3, 3.4.5) */
  const guint32 flags = (guint32)from->type << 8 | (guint32)from->s << 12 | (guint32)from->dpl << 13
                        | (guint32)from->present << 15 | (guint32)from->avl << 20 | (guint32)from->l << 21
                        | (guint32)from->db << 22 | (guint32)from->g << 23;

  return (Segment){ from->selector, from->limit, flags, 0, from->base };
}

static Segment
convert_table (const struct kvm_dtable *from)
{
  return (Segment){ 0, from->limit, 0, 0, from->base };
}

static void
fill_state (QemuCpuState *to, const struct kvm_regs *regs, const struct kvm_sregs *sregs)
{
  *to = (QemuCpuState){
    .version = 1, .size = sizeof *to,
    .rax = regs->rax, .rbx = regs->rbx, .rcx = regs->rcx, .rdx = regs->rdx,
    .rsi = regs->rsi, .rdi = regs->rdi, .rsp = regs->rsp, .rbp = regs->rbp,
    .r8 = regs->r8, .r9 = regs->r9, .r10 = regs->r10, .r11 = regs->r11,
    .r12 = regs->r12, .r13 = regs->r13, .r14 = regs->r14, .r15 = regs->r15,
    .rip = regs->rip, .rflags = regs->rflags,
    .cs = convert (&sregs->cs), .ds = convert (&sregs->ds), .es = convert (&sregs->es),
    .fs = convert (&sregs->fs), .gs = convert (&sregs->gs), .ss = convert (&sregs->ss),
    .ldt = convert (&sregs->ldt), .tr = convert (&sregs->tr),
    .gdt = convert_table (&sregs->gdt), .idt = convert_table (&sregs->idt),
    .cr = { sregs->cr0, 0, sregs->cr2, sregs->cr3, sregs->cr4 },
  };
}

void
sv_kvm_arch_vcpu_append_notes (SvKvmVcpu *vcpu, GByteArray *notes)
{
  int fd = sv_kvm_vcpu_get_fd (vcpu);
  struct kvm_regs regs;
  struct kvm_sregs sregs;
  struct elf_prstatus status = { .pr_pid = (pid_t)sv_vcpu_get_index (SV_VCPU (vcpu)) + 1 };
  QemuCpuState state;

  if (sv_kvm_ioctl (fd, KVM_GET_REGS, &regs) < 0 || sv_kvm_ioctl (fd, KVM_GET_SREGS, &sregs) < 0)
    return;
  G_STATIC_ASSERT (sizeof status.pr_reg == 27 * sizeof (guint64));
  fill_registers ((guint64 *)&status.pr_reg, &regs, &sregs);
  append_note (notes, "CORE", NT_PRSTATUS, &status, sizeof status);
  fill_state (&state, &regs, &sregs);
  append_note (notes, "QEMU", 0, &state, sizeof state);
}
