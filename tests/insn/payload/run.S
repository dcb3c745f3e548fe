// SPDX-License-Identifier: MIT
// Enters a sequence with all registers set, and collects them when it ends.
//
// A sequence starts with `mrs x30, tpidr_el0` (x30 is the last register to be free) and leaves
// by a branch to sequence_end, where TPIDR_EL0 lends its place to x0.
#include "payload.h"

        .text
        .global run_sequence
run_sequence:                           // x0: struct State, x1: code
        adrp    x2, frame
        add     x2, x2, :lo12:frame
        stp     x19, x20, [x2]
        stp     x21, x22, [x2, #16]
        stp     x23, x24, [x2, #32]
        stp     x25, x26, [x2, #48]
        stp     x27, x28, [x2, #64]
        mov     x3, sp
        stp     x29, x30, [x2, #80]
        str     x3, [x2, #96]

        ldr     x3, [x0, #STATE_FPSR]
        msr     fpsr, x3
        ldr     x3, [x0, #STATE_FPCR]
        msr     fpcr, x3
        ldr     x3, [x0, #STATE_NZCV]
        msr     nzcv, x3
        add     x3, x0, #STATE_V
        .irp    n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
        ldr     q\n, [x3, #16 * \n]
        .endr
        .irp    n, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
        ldr     q\n, [x3, #16 * \n]
        .endr
        ldr     x3, [x0, #STATE_SP]
        mov     sp, x3
        ldr     x3, [x0, #240]
        msr     tpidr_el0, x3
        mov     x30, x1
        .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        ldr     x\n, [x0, #8 * \n]
        .endr
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
        ldr     x\n, [x0, #8 * \n]
        .endr
        ldr     x0, [x0]
        br      x30

        // run.py knows this address: the section stands first in the image
        .section .text.end, "ax"
        .global sequence_end
sequence_end:
        msr     tpidr_el0, x0
        adrp    x0, result
        add     x0, x0, :lo12:result
        .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        str     x\n, [x0, #8 * \n]
        .endr
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
        str     x\n, [x0, #8 * \n]
        .endr
        mrs     x1, tpidr_el0
        str     x1, [x0]
        mov     x1, sp
        str     x1, [x0, #STATE_SP]
        mrs     x1, nzcv
        str     x1, [x0, #STATE_NZCV]
        mrs     x1, fpsr
        str     x1, [x0, #STATE_FPSR]
        mrs     x1, fpcr
        str     x1, [x0, #STATE_FPCR]
        add     x1, x0, #STATE_V
        .irp    n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
        str     q\n, [x1, #16 * \n]
        .endr
        .irp    n, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
        str     q\n, [x1, #16 * \n]
        .endr
        adrp    x2, frame
        add     x2, x2, :lo12:frame
        ldp     x19, x20, [x2]
        ldp     x21, x22, [x2, #16]
        ldp     x23, x24, [x2, #32]
        ldp     x25, x26, [x2, #48]
        ldp     x27, x28, [x2, #64]
        ldp     x29, x30, [x2, #80]
        ldr     x3, [x2, #96]
        mov     sp, x3
        ret

        .bss
        .balign 16
frame:  .skip   112
