// SPDX-License-Identifier: MIT
// The product of two numbers of 32 words, by rows.
    .global main
main:
    adrp x1, number
    add x1, x1, :lo12:number
    add x2, x1, #32 * 8
    mov x3, #0
    movz x4, #0x7c15
    movk x4, #0x7f4a, lsl #16
    movk x4, #0x79b9, lsl #32
    movk x4, #0x9e37, lsl #48
    mov x5, x4
1:  mul x5, x5, x4
    add x5, x5, #1
    str x5, [x1, x3, lsl #3]
    eor x6, x5, x5, ror #17
    str x6, [x2, x3, lsl #3]
    add x3, x3, #1
    cmp x3, #32
    b.lo 1b
    add x0, x2, #32 * 8         // the product, which begins as zero
    mov x3, #64
    mov x4, x0
2:  str xzr, [x4], #8
    subs x3, x3, #1
    b.ne 2b
    mov x3, #32
3:  ldr x4, [x2], #8
    mov x5, #32
    mov x6, x1
    mov x7, x0
    mov x8, #0
4:  ldr x9, [x6], #8
    ldr x10, [x7]
    mul x11, x9, x4
    umulh x12, x9, x4
    adds x11, x11, x8
    cinc x12, x12, cs
    adds x10, x10, x11
    cinc x8, x12, cs
    str x10, [x7], #8
    subs x5, x5, #1
    b.ne 4b
    str x8, [x7]
    add x0, x0, #8
    subs x3, x3, #1
    b.ne 3b
    mov x1, #0
    mov x2, #32
5:  ldr x3, [x0], #8
    eor x1, x3, x1, ror #5
    subs x2, x2, #1
    b.ne 5b
    mov x0, x1
    ret
    .bss
    .balign 16
number:
    .space (32 + 32 + 64 + 1) * 8
