/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/x86/sv-boot-image.h"
#include "hw/x86/sv-x86-boot.h"

G_BEGIN_DECLS

/* Both tables hold as many ranges as boot_params does. */
#define SV_X86_E820_MAX 128u

/**
 * SvX86BootInfo: what the kernel is told.
 */
typedef struct
{
  const char *cmdline;
  guint64 initrd;      /* address; 0 without */
  guint64 initrd_size;
  guint64 kernel;      /* lowest address of the kernel */
  guint64 rsdp;        /* 0 without ACPI */
  const SvE820Entry *e820;
  gsize n_e820;        /* at most SV_X86_E820_MAX */
} SvX86BootInfo;

/* Each returns FALSE when the guest has no RAM where it writes: SV_X86_ZERO_PAGE ... */
SV_API gboolean sv_x86_write_boot_params (const SvFlatView *view, const SvBootImage *image,
                                          const SvX86BootInfo *info);
SV_API gboolean sv_x86_write_pvh_start_info (const SvFlatView *view, const SvX86BootInfo *info);
SV_API gboolean sv_x86_write_gdt (const SvFlatView *view, SvX86Entry *entry);
SV_API gboolean sv_x86_write_page_tables (const SvFlatView *view);
SV_API gboolean sv_x86_write_reset_code (const SvFlatView *view);

G_END_DECLS
