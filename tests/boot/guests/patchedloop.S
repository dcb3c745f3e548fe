// SPDX-License-Identifier: MIT
// A loop that takes its own branch back away, without a word to the processor: it has to see that
// sooner or later.
        .section .text.start, "ax"
        .globl _start
_start:
        adr     x2, back
        ldr     w1, nothing
        mov     x3, #0
        mov     x4, #3000
again:  add     x3, x3, #1
        cmp     x3, x4
        b.ne    back
        str     w1, [x2]
back:   b       again
        ldr     x0, =0x84000008         // PSCI SYSTEM_OFF
        hvc     #0
        b       .
nothing: nop
