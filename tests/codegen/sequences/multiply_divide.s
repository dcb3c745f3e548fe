// SPDX-License-Identifier: MIT
// Products, and divisions, which on this host are another thing.
    madd x2, x0, x1, x2
    umull x3, w0, w1
    smulh x4, x0, x1
    udiv x5, x0, x1
    msub x6, x5, x1, x0
    sdiv w7, w0, w1
    ret
