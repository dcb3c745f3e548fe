// SPDX-License-Identifier: MIT
// Fields, rotations, and counts of bits.
    ubfx x1, x0, #5, #11
    sbfx w2, w0, #3, #7
    bfi x3, x0, #16, #8
    bfxil w4, w0, #4, #12
    ror x5, x0, #13
    rev w6, w0
    rbit x7, x0
    clz x8, x0
    lsl x9, x0, x1
    ret
