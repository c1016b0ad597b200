/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Guest-physical addresses of the x86 machines. Low memory first. */
#define SV_X86_GDT_BASE 0x500u
#define SV_X86_PVH_START_INFO 0x6000u
#define SV_X86_ZERO_PAGE 0x7000u
#define SV_X86_BOOT_STACK 0x8ff0u
#define SV_X86_PAGE_TABLES 0x9000u      /* PML4, PDPT, PDs: up to 0xf000 */
#define SV_X86_CMDLINE 0x20000u         /* up to SV_X86_CMDLINE_MAX bytes with the NUL */
#define SV_X86_CMDLINE_MAX 0x10000u
#define SV_X86_EBDA_START 0x9fc00u      /* MP floating pointer and table */
#define SV_X86_ACPI_RSDP 0xe0000u       /* RSDP; the tables follow it */
#define SV_X86_ACPI_END 0xf4000u
#define SV_X86_SMBIOS 0xf4000u          /* anchor; the structures follow it */
#define SV_X86_SMBIOS_END 0xfc000u
#define SV_X86_VMGENID 0xfc000u          /* a page for the VM generation ID */
#define SV_X86_SLOT_STATE 0xfdf00u      /* which ACPI hotplug slots are taken */
#define SV_X86_MPTABLE_LARGE 0xfe000u   /* MP table of more than 37 processors */
#define SV_X86_RESET_CODE 0xfffe0u      /* up to 1 MiB, with the BIOS entry at 0xffff0 */
#define SV_X86_HIGH_RAM 0x100000u
#define SV_X86_RAW_KERNEL 0x1000000u    /* raw vmlinux.bin: 16 MiB */

/* microvm, as StratoVirt's */
#define SV_MICROVM_RAM_BELOW_4G 0xc0000000u
#define SV_X86_GED_BASE 0xf0000000u
#define SV_X86_CPUS_BASE 0xf0000004u    /* processors that come and go, within the page of the GED */
#define SV_MICROVM_SLOTS_BASE 0xf0001000u
#define SV_MICROVM_MMIO_BASE 0xf0100000u
#define SV_MICROVM_MMIO_SIZE 0x200u
#define SV_MICROVM_MMIO_COUNT 11
#define SV_MICROVM_MMIO_GSI 12          /* GSI of slot 0; one each, 12 to 22 */
#define SV_MICROVM_GED_GSI 23
#define SV_X86_IOAPIC_BASE 0xfec00000u
#define SV_X86_LAPIC_BASE 0xfee00000u
#define SV_X86_RAM_ABOVE_4G 0x100000000ull

/* q35, as StratoVirt's */
#define SV_Q35_RAM_BELOW_4G 0x80000000u
#define SV_Q35_ECAM_BASE 0xb0000000u
#define SV_Q35_ECAM_BUSES 256u
#define SV_Q35_PCI_MMIO_BASE 0xc0000000u  /* up to the generic event device */
#define SV_Q35_PCI_MMIO_SIZE 0x30000000u
#define SV_Q35_PCI_IO_BASE 0x1000u        /* ports for base address registers; below are the platform's */
#define SV_Q35_PM_BASE 0x600u
#define SV_Q35_SCI 9
#define SV_Q35_PCI_GSI 16                 /* four lines, 16 to 19 */
#define SV_Q35_GED_GSI 20
