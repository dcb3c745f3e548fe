// SPDX-License-Identifier: MIT
// Entry and exception vectors of the bare guests: a stack, a zeroed BSS, then guest_main(), then
// PSCI SYSTEM_OFF.  Every exception is counted and its instruction skipped.
        .section .text.start, "ax"
        .globl _start
_start:
        ldr     x0, =stack_end
        mov     sp, x0
        ldr     x0, =vectors
        msr     vbar_el1, x0
        mov     x0, #(3 << 20)          // CPACR_EL1.FPEN
        msr     cpacr_el1, x0
        isb
        ldr     x1, =bss_start
        ldr     x2, =bss_end
1:      cmp     x1, x2
        b.hs    2f
        str     xzr, [x1], #8
        b       1b
2:      bl      guest_main
        ldr     x0, =0x84000008         // SYSTEM_OFF
        hvc     #0
        b       .

        .balign 2048
        .globl vectors
vectors:
        .rept 16
        .balign 128
        stp     x0, x1, [sp, #-16]!
        ldr     x0, =exceptions
        ldr     x1, [x0]
        add     x1, x1, #1
        str     x1, [x0]
        mrs     x0, elr_el1
        add     x0, x0, #4
        msr     elr_el1, x0
        ldp     x0, x1, [sp], #16
        eret
        .endr
