// SPDX-License-Identifier: MIT
// A loop whose one backward branch is a call that never returns: it leads forward out of what was
// called. So many instructions stand before it that a region's blocks are found just up to there.
        .section .text.start, "ax"
        .globl _start
_start:
        adr     x1, again
        mov     x2, #0
        br      x1
called: nop
        b       again
again:  add     x2, x2, #1
        .rept   62
        nop
        .endr
        bl      called
        b       .
