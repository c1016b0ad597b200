/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entry points of the tiny guest; each tells tiny.c which way it was entered. All but PVH's run in
 * 64-bit mode at any address: offset 0 is a raw kernel's, 0x200 a bzImage's, and the ELF header's
 * lies behind. Linux calls the boot parameters' address %rsi there (x86 boot protocol, 64-bit).
 */

#ifdef BZIMAGE
        .section .setup, "ax"
setup:
        .org    setup + 0x1f1
        .byte   1                       /* setup_sects */
        .org    setup + 0x1fe
        .word   0xaa55
        .byte   0xeb, 0x66              /* header ends at 0x202 + 0x66 */
        .ascii  "HdrS"
        .word   0x020f                  /* boot protocol 2.15 */
        .org    setup + 0x211
        .byte   1                       /* LOADED_HIGH */
        .org    setup + 0x214
        .long   0x100000                /* code32_start */
        .org    setup + 0x22c
        .long   0x7fffffff              /* initrd_addr_max */
        .long   0x200000                /* kernel_alignment */
        .byte   1, 21                   /* relocatable_kernel, min_alignment */
        .word   1                       /* XLF_KERNEL_64 */
        .long   2047                    /* cmdline_size */
        .org    setup + 0x258
        .quad   0x1000000               /* pref_address */
        .long   0x100000                /* init_size */
        .org    setup + 0x400
#endif

        .section .head, "ax"
        .code64
head:
raw_entry:
        mov     $'r', %edi
        jmp     long_mode
        .org    head + 0x200
bz_entry:
        mov     $'b', %edi
        jmp     long_mode
        .globl  elf_entry
elf_entry:
        mov     $'e', %edi
long_mode:
        cli
        cld
        lea     stack_top(%rip), %rsp
        call    tiny_main
halt:
        cli
        hlt
        jmp     halt

#ifdef PVH
        .code32
pvh_entry:
        cli
        cld
        mov     %ebx, %esi
        mov     $tables, %edi
        mov     $(3 * 4096 / 4), %ecx
        xor     %eax, %eax
        rep stosl
        movl    $(tables + 4096 + 3), tables
        movl    $(tables + 8192 + 3), tables + 4096
        mov     $tables + 8192, %edi
        mov     $0x83, %eax             /* present, writable, 2 MiB */
        mov     $512, %ecx
1:      mov     %eax, (%edi)
        add     $0x200000, %eax
        add     $8, %edi
        loop    1b
        mov     $tables, %eax
        mov     %eax, %cr3
        mov     %cr4, %eax
        or      $0x20, %eax             /* PAE */
        mov     %eax, %cr4
        mov     $0xc0000080, %ecx       /* EFER.LME */
        rdmsr
        or      $0x100, %eax
        wrmsr
        mov     %cr0, %eax
        or      $0x80000000, %eax
        mov     %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $8, $pvh_long
        .code64
pvh_long:
        mov     $16, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     $'p', %edi
        jmp     long_mode

        .balign 8
gdt:    .quad   0
        .quad   0x00af9b000000ffff
        .quad   0x00cf93000000ffff
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt

        .section .note.Xen, "a", @note
        .balign 4
        .long   4, 4, 18                /* XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz  "Xen"
        .long   pvh_entry
#endif

        .section .data
        .balign 4096
#ifdef PVH
tables: .skip   3 * 4096
#endif
        .skip   8192
stack_top:
        .section .note.GNU-stack, "", @progbits
