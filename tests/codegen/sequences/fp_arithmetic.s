// SPDX-License-Identifier: MIT
// Scalar floating point, with fused products.
    fadd d3, d0, d1
    fmul d4, d3, d2
    fmadd d5, d4, d0, d1
    fsub d6, d5, d4
    fdiv d7, d6, d0
    fneg d7, d7
    fsqrt d0, d7
    ret
