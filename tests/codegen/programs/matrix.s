// SPDX-License-Identifier: MIT
// Two matrices of 16 by 16 doubles, filled and multiplied.
    .global main
main:
    adrp x1, first
    add x1, x1, :lo12:first
    add x2, x1, #16 * 16 * 8
    add x3, x2, #16 * 16 * 8
    mov x0, #0
1:  ucvtf d0, x0
    fmov d1, #0.25
    fmul d1, d0, d1
    str d0, [x1, x0, lsl #3]
    str d1, [x2, x0, lsl #3]
    add x0, x0, #1
    cmp x0, #256
    b.lo 1b
    mov x4, #16
2:  mov x5, #16
    mov x6, x2
3:  fmov d0, xzr
    mov x7, x1
    mov x8, x6
    mov x9, #16
4:  ldr d1, [x7], #8
    ldr d2, [x8], #16 * 8
    fmadd d0, d1, d2, d0
    subs x9, x9, #1
    b.ne 4b
    str d0, [x3], #8
    add x6, x6, #8
    subs x5, x5, #1
    b.ne 3b
    add x1, x1, #16 * 8
    subs x4, x4, #1
    b.ne 2b
    fmov d0, xzr
    mov x4, #256
5:  ldr d1, [x3, #-8]!
    fadd d0, d0, d1
    subs x4, x4, #1
    b.ne 5b
    fmov x0, d0
    ret
    .bss
    .balign 16
first:
    .space 3 * 16 * 16 * 8
