// SPDX-License-Identifier: MIT
// Integers to floating point and back.
    scvtf d0, x0
    ucvtf s1, w1
    fcvt d2, s1
    fmul d3, d0, d2
    fcvtzs x2, d3
    fcvtzu w3, d3
    fmov x4, d3
    fmov d5, #1.5
    ret
