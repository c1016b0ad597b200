/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  SV_X86_ENTRY_LONG_MODE,      /* 64-bit, paging on, flat segments: Linux 64-bit boot protocol, 64-bit ELF */
  SV_X86_ENTRY_PROTECTED_MODE, /* 32-bit flat, paging off: PVH */
  SV_X86_ENTRY_RESET,          /* the processor's reset vector (firmware) */
} SvX86EntryMode;

/**
 * SvX86Entry:
 * @mode: processor mode at entry
 * @rip: first instruction
 * @rsi: boot_params (Linux)
 * @rbx: hvm_start_info (PVH)
 * @rsp: stack pointer
 * @cr3: page table (long mode)
 * @gdt_base: descriptor table in guest memory; entries 1 (32-bit code), 2 (64-bit code), 3 (data), 4 (TSS)
 *
 * How the boot processor starts. Application processors always wait for INIT/SIPI.
 */
typedef struct
{
  SvX86EntryMode mode;
  guint64 rip;
  guint64 rsi;
  guint64 rbx;
  guint64 rsp;
  guint64 cr3;
  guint64 gdt_base;
  guint16 gdt_limit;
} SvX86Entry;

/* Four pages that an accelerator may use for itself: where the guest has no memory, below interrupt controllers and
 * firmware. */
#define SV_X86_ACCEL_RESERVED 0xfeffc000u
#define SV_X86_ACCEL_RESERVED_SIZE 0x4000u

/* Selectors in the boot descriptor table */
#define SV_X86_GDT_CODE32 0x08
#define SV_X86_GDT_CODE64 0x10
#define SV_X86_GDT_DATA 0x18
#define SV_X86_GDT_TSS 0x20

G_END_DECLS
