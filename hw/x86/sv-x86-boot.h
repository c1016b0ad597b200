/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-x86-entry.h"
#include "src/memory/sv-address-space.h"

G_BEGIN_DECLS

/* One range of the e820 map. */
typedef struct
{
  guint64 start;
  guint64 size;
  guint32 type; /* 1: RAM, 2: reserved, 3: ACPI tables */
} SvE820Entry;

/**
 * SvX86Boot:
 *
 * A kernel, initrd and command line, opened and recognised once (bzImage by its 64-bit entry, ELF by PVH note
 * or else 64-bit entry, raw at 16 MiB), put into guest memory at every start and reset. The files stay
 * open; data goes from them straight into guest memory.
 */
#define SV_TYPE_X86_BOOT (sv_x86_boot_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvX86Boot, sv_x86_boot, SV, X86_BOOT, GObject)

/* @initrd may be NULL. Errors name the file and what is wrong with it. */
SV_API SvX86Boot *sv_x86_boot_new (SvObject *scope, const char *kernel, const char *initrd, GError **error);
/*
 * Loads everything into @memory: kernel, initrd, command line, boot_params or hvm_start_info with
 * the e820 map, GDT, page tables. @rsdp: address of the RSDP, 0 without ACPI. Fills @entry.
 */
SV_API gboolean sv_x86_boot_load (SvX86Boot *self, SvAddressSpace *memory, const char *cmdline,
                                  const SvE820Entry *e820, gsize n_e820, guint64 rsdp, SvX86Entry *entry,
                                  GError **error);

/*
 * RAM has never been touched since it was mapped and reads as zeros (anonymous memory, a new memfd): the next load need
 * not clear it. Holds for one load.
 */
SV_API void sv_x86_boot_assume_zeroed (SvX86Boot *self);

G_END_DECLS
