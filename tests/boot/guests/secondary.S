// SPDX-License-Identifier: MIT
// Where PSCI CPU_ON lets a processor of smp.c begin: X0 is its index.
        .text
        .globl secondary_entry
secondary_entry:
        ldr     x1, =cpu_stacks
        add     x1, x1, x0, lsl #13     // smp.c: STACK_BYTES
        add     x1, x1, #0x2000
        mov     sp, x1
        ldr     x1, =vectors
        msr     vbar_el1, x1
        mov     x1, #(3 << 20)          // CPACR_EL1.FPEN
        msr     cpacr_el1, x1
        isb
        bl      secondary_main
        b       .
