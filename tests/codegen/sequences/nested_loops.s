// SPDX-License-Identifier: MIT
// A matrix times a vector.
1:  fmov d0, xzr
    mov x4, x1
    mov x5, #16
2:  ldr d1, [x0], #8
    ldr d2, [x4], #8
    fmadd d0, d1, d2, d0
    subs x5, x5, #1
    b.ne 2b
    str d0, [x2], #8
    subs x3, x3, #1
    b.ne 1b
    ret
