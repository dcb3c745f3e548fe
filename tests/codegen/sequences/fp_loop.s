// SPDX-License-Identifier: MIT
// A dot product.
1:  ldr d1, [x0], #8
    ldr d2, [x1], #8
    fmadd d0, d1, d2, d0
    subs x2, x2, #1
    b.ne 1b
    ret
