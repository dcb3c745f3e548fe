// SPDX-License-Identifier: MIT
// A row of a product of two big numbers, as compilers write it.
1:  add x0, x23, x2, lsl #3
    ldr x4, [x5, x2, lsl #3]
    ldur x1, [x0, #-8]
    mul x0, x6, x1
    umulh x1, x6, x1
    adds x0, x0, x4
    cinc x1, x1, cs
    adds x0, x0, x3
    str x0, [x5, x2, lsl #3]
    add x2, x2, #1
    cinc x3, x1, cs
    cmp x2, #0x101
    b.ne 1b
    ret
