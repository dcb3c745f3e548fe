// SPDX-License-Identifier: MIT
// The address of a variable, by pages, and a literal.
    adrp x1, 2f
    add x1, x1, :lo12:2f
    ldr x2, [x1]
    adrp x3, 3f
    ldr w4, [x3, :lo12:3f]
    ldr x5, 1f
    add x0, x2, x4
    ret
    .balign 8
1:  .quad 0x123456789abcdef0
    .data
2:  .quad 1
3:  .word 2
