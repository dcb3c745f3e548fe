// SPDX-License-Identifier: MIT
// The begin of a function that keeps registers on its stack.
    stp x29, x30, [sp, #-48]!
    mov x29, sp
    stp x19, x20, [sp, #16]
    str x21, [sp, #32]
    mov x19, x0
    mov x20, x1
    mov w21, #0
    ret
