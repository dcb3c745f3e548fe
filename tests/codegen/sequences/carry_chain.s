// SPDX-License-Identifier: MIT
// A row of a product of large numbers.
1:  ldr x4, [x1], #8
    mul x5, x4, x3
    umulh x6, x4, x3
    ldr x7, [x0]
    adds x5, x5, x8
    adc x6, x6, xzr
    adds x7, x7, x5
    adc x8, x6, xzr
    str x7, [x0], #8
    subs x2, x2, #1
    b.ne 1b
    mov x0, x8
    ret
