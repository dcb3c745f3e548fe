// SPDX-License-Identifier: MIT
// Sizes and indices of loads.
    ldr x4, [x0, x1, lsl #3]
    ldrsw x5, [x0, w2, sxtw #2]
    ldrh w6, [x0, x1, lsl #1]
    ldrsb x7, [x0, #3]
    ldur x8, [x0, #-8]
    strh w6, [x3, #2]!
    ret
