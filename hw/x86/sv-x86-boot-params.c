/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-x86-boot-params.h"

#include <string.h>

#include "hw/x86/sv-x86-layout.h"

#define PAGE 4096u

/* struct boot_params, Documentation/arch/x86/zero-page.rst */
#define ZP_ACPI_RSDP 0x070u
#define ZP_EXT_RAMDISK_IMAGE 0x0c0u
#define ZP_EXT_RAMDISK_SIZE 0x0c4u
#define ZP_EXT_CMD_LINE 0x0c8u
#define ZP_E820_ENTRIES 0x1e8u
#define ZP_VID_MODE 0x1fau
#define ZP_LOADER_TYPE 0x210u
#define ZP_CODE32_START 0x214u
#define ZP_RAMDISK_IMAGE 0x218u
#define ZP_RAMDISK_SIZE 0x21cu
#define ZP_CMD_LINE 0x228u
#define ZP_E820_TABLE 0x2d0u
#define E820_ENTRY_SIZE 20u

#define LOADER_UNDEFINED 0xffu
#define VID_MODE_NORMAL 0xffffu

/* struct hvm_start_info, xen/include/public/arch-x86/hvm/start_info.h; the lists follow in the same
 * page. */
#define PVH_MAGIC 0x336ec578u
#define PVH_VERSION 1u
#define PVH_MODULES 0x40u
#define PVH_MEMMAP 0x80u
#define PVH_MEMMAP_ENTRY_SIZE 24u

/* Paging structures, Intel SDM volume 3, 4.5 */
#define PTE_TABLE 0x03u /* present, writable */
#define PTE_LARGE 0x83u /* and a page of 2 MiB */
#define LARGE_PAGE 0x200000ull
#define TABLE_ENTRIES 512u
#define N_DIRECTORIES 4u

G_STATIC_ASSERT (ZP_E820_TABLE + SV_X86_E820_MAX * E820_ENTRY_SIZE <= PAGE);
G_STATIC_ASSERT (PVH_MEMMAP + SV_X86_E820_MAX * PVH_MEMMAP_ENTRY_SIZE <= PAGE);

static void
put_le (guint8 *page, guint offset, guint64 value, guint size)
{
  const guint64 bytes = GUINT64_TO_LE (value);

  memcpy (page + offset, &bytes, size);
}

/**
 * sv_x86_write_boot_params:
 *
 * Writes the zero page at %SV_X86_ZERO_PAGE.
 */
gboolean
sv_x86_write_boot_params (const SvFlatView *view,
                          const SvBootImage *image,
                          const SvX86BootInfo *info)
{
  guint8 *page = sv_flat_view_map (view, SV_X86_ZERO_PAGE, PAGE, SV_MEMORY_WRITE);

  if (page == NULL)
    return FALSE;

  memset (page, 0, PAGE);
  memcpy (page + SV_BOOT_SETUP_HEADER, image->setup_header, image->setup_header_size);
  put_le (page, ZP_ACPI_RSDP, info->rsdp, 8);
  put_le (page, ZP_VID_MODE, VID_MODE_NORMAL, 2);
  put_le (page, ZP_LOADER_TYPE, LOADER_UNDEFINED, 1);
  put_le (page, ZP_CODE32_START, info->kernel, 4);
  put_le (page, ZP_RAMDISK_IMAGE, info->initrd, 4);
  put_le (page, ZP_EXT_RAMDISK_IMAGE, info->initrd >> 32, 4);
  put_le (page, ZP_RAMDISK_SIZE, info->initrd_size, 4);
  put_le (page, ZP_EXT_RAMDISK_SIZE, info->initrd_size >> 32, 4);
  put_le (page, ZP_CMD_LINE, SV_X86_CMDLINE, 4);
  put_le (page, ZP_EXT_CMD_LINE, 0, 4);
  put_le (page, ZP_E820_ENTRIES, info->n_e820, 1);
  for (gsize i = 0; i < info->n_e820; i++)
    {
      const guint at = ZP_E820_TABLE + i * E820_ENTRY_SIZE;

      put_le (page, at, info->e820[i].start, 8);
      put_le (page, at + 8, info->e820[i].size, 8);
      put_le (page, at + 16, info->e820[i].type, 4);
    }
  return TRUE;
}

/**
 * sv_x86_write_pvh_start_info:
 *
 * Writes hvm_start_info version 1 at %SV_X86_PVH_START_INFO.
 */
gboolean
sv_x86_write_pvh_start_info (const SvFlatView *view, const SvX86BootInfo *info)
{
  guint8 *page = sv_flat_view_map (view, SV_X86_PVH_START_INFO, PAGE, SV_MEMORY_WRITE);

  if (page == NULL)
    return FALSE;

  memset (page, 0, PAGE);
  put_le (page, 0, PVH_MAGIC, 4);
  put_le (page, 4, PVH_VERSION, 4);
  if (info->initrd_size > 0)
    {
      put_le (page, 12, 1, 4);
      put_le (page, 16, SV_X86_PVH_START_INFO + PVH_MODULES, 8);
      put_le (page, PVH_MODULES, info->initrd, 8);
      put_le (page, PVH_MODULES + 8, info->initrd_size, 8);
    }
  put_le (page, 24, SV_X86_CMDLINE, 8);
  put_le (page, 32, info->rsdp, 8);
  put_le (page, 40, SV_X86_PVH_START_INFO + PVH_MEMMAP, 8);
  put_le (page, 48, info->n_e820, 4);
  for (gsize i = 0; i < info->n_e820; i++)
    {
      const guint at = PVH_MEMMAP + i * PVH_MEMMAP_ENTRY_SIZE;

      put_le (page, at, info->e820[i].start, 8);
      put_le (page, at + 8, info->e820[i].size, 8);
      put_le (page, at + 16, info->e820[i].type, 4);
    }
  return TRUE;
}

/**
 * sv_x86_write_gdt:
 *
 * Writes the descriptor table of sv-x86-entry.h at %SV_X86_GDT_BASE and tells @entry of it.
 */
gboolean
sv_x86_write_gdt (const SvFlatView *view, SvX86Entry *entry)
{
  /* The last two are one descriptor in long mode: a TSS takes 16 bytes. */
  static const guint64 descriptors[] = {
    0,
    G_GUINT64_CONSTANT (0x00cf9b000000ffff), /* 32-bit code */
    G_GUINT64_CONSTANT (0x00af9b000000ffff), /* 64-bit code */
    G_GUINT64_CONSTANT (0x00cf93000000ffff), /* data */
    G_GUINT64_CONSTANT (0x00008b0000000067), /* TSS */
    0,
  };
  guint8 *table = sv_flat_view_map (view, SV_X86_GDT_BASE, sizeof descriptors, SV_MEMORY_WRITE);

  if (table == NULL)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (descriptors); i++)
    put_le (table, i * 8, descriptors[i], 8);
  entry->gdt_base = SV_X86_GDT_BASE;
  entry->gdt_limit = sizeof descriptors - 1;
  return TRUE;
}

/**
 * sv_x86_write_page_tables:
 *
 * Maps the first 4 GiB to themselves with pages of 2 MiB, which every processor has; the PML4 is at
 * %SV_X86_PAGE_TABLES.
 */
gboolean
sv_x86_write_page_tables (const SvFlatView *view)
{
  const gsize size = (2 + N_DIRECTORIES) * PAGE;
  guint8 *tables = sv_flat_view_map (view, SV_X86_PAGE_TABLES, size, SV_MEMORY_WRITE);
  guint8 *pdpt, *directories;

  if (tables == NULL)
    return FALSE;

  pdpt = tables + PAGE;
  directories = pdpt + PAGE;
  memset (tables, 0, 2 * PAGE);
  put_le (tables, 0, (SV_X86_PAGE_TABLES + PAGE) | PTE_TABLE, 8);
  for (guint i = 0; i < N_DIRECTORIES; i++)
    put_le (pdpt, i * 8, (SV_X86_PAGE_TABLES + (2 + i) * PAGE) | PTE_TABLE, 8);
  for (guint i = 0; i < N_DIRECTORIES * TABLE_ENTRIES; i++)
    put_le (directories, i * 8, i * LARGE_PAGE | PTE_LARGE, 8);
  return TRUE;
}

/**
 * sv_x86_write_reset_code:
 *
 * Writes what a BIOS would have at F000:FFF0: code that resets the machine. With hardware-reduced
 * ACPI and no EFI, Linux reboots by jumping there in real mode, without a look at the FADT's reset
 * register.
 */
gboolean
sv_x86_write_reset_code (const SvFlatView *view)
{
  static const guint8 code[32] = {
    0xb0, 0xfe, /* ffe0: mov $0xfe, %al */
    0xe6, 0x64, /* ffe2: out %al, $0x64: the keyboard controller's reset line */
    0x2e, 0x0f, 0x01, 0x1e, 0xf8, 0xff, /* ffe4: lidt %cs:0xfff8: failing that, a triple fault */
    0xcc,                               /* ffea: int3 */
    0xf4, 0xeb, 0xfd,                   /* ffeb: hlt; jmp .-1 */
    0x00, 0x00, 0xeb, 0xee,             /* fff0: jmp ffe0 */
  };
  guint8 *host = sv_flat_view_map (view, SV_X86_RESET_CODE, sizeof code, SV_MEMORY_WRITE);

  if (host == NULL)
    return FALSE;
  memcpy (host, code, sizeof code);
  return TRUE;
}
