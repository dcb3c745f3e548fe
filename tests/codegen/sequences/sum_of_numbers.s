// SPDX-License-Identifier: MIT
// Carry from one addition to the next ones.
    ldp x4, x5, [x1]
    ldp x6, x7, [x2]
    adds x4, x4, x6
    adcs x5, x5, x7
    ldp x8, x9, [x1, #16]
    ldp x10, x11, [x2, #16]
    adcs x8, x8, x10
    adcs x9, x9, x11
    stp x4, x5, [x0]
    stp x8, x9, [x0, #16]
    cset x0, cs
    ret
