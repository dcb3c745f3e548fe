// SPDX-License-Identifier: MIT
// Roots by Newton's method, sums with conditions, conversions.
    .global main
main:
    mov w1, #1
    fmov d0, xzr
1:  scvtf d1, w1                // the root of w1 into d2
    fmov d2, d1
    fmov d3, #0.5
    mov w2, #8
2:  fdiv d4, d1, d2
    fadd d4, d4, d2
    fmul d4, d4, d3
    fsub d5, d4, d2
    fmov d2, d4
    fabs d5, d5
    fcmp d5, #0.0
    b.eq 3f
    subs w2, w2, #1
    b.ne 2b
3:  fcvtzs w3, d2
    mul w4, w3, w3
    cmp w4, w1
    b.ne 4f
    fadd d0, d0, d2             // a square
4:  fmadd d0, d2, d3, d0
    fcvt s6, d0
    fcvt d6, s6
    fcmp d6, d0
    fcsel d0, d6, d0, gt
    add w1, w1, #1
    cmp w1, #250
    b.ls 1b
    fmov x0, d0
    ret
