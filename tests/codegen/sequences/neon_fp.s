// SPDX-License-Identifier: MIT
// Vectors of floating point, in a loop.
1:  ldr q1, [x0], #16
    ldr q2, [x1], #16
    fmla v0.4s, v1.4s, v2.4s
    fadd v3.4s, v1.4s, v2.4s
    fmul v3.4s, v3.4s, v4.s[1]
    str q3, [x2], #16
    subs x3, x3, #4
    b.ne 1b
    ret
