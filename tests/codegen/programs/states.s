// SPDX-License-Identifier: MIT
// A lexer: classes of characters by comparisons and a table, states by branches.
    .global main
main:
    adrp x1, source
    add x1, x1, :lo12:source
    adrp x2, classes
    add x2, x2, :lo12:classes
    mov x0, #0
    mov w6, #40
1:  mov x3, x1
next:
    ldrb w4, [x3], #1
    cbz w4, over
    ldrb w5, [x2, w4, uxtw]
    cmp w5, #1
    b.eq letters
    cmp w5, #2
    b.eq digits
    tbnz w5, #2, next           // space
    add x0, x0, x4
    b next
letters:
    add x0, x0, #0x100
2:  ldrb w4, [x3], #1
    orr w5, w4, #0x20
    sub w5, w5, #'a'
    cmp w5, #25
    b.ls 2b
    sub x3, x3, #1
    b next
digits:
    sub w7, w4, #'0'
3:  ldrb w4, [x3], #1
    sub w4, w4, #'0'
    cmp w4, #9
    b.hi 4f
    add w7, w7, w7, lsl #2
    add w7, w4, w7, lsl #1
    b 3b
4:  sub x3, x3, #1
    add x0, x0, x7
    b next
over:
    subs w6, w6, #1
    b.ne 1b
    ret
source:
    .asciz "for (i = 0; i < 1000; i++) sum += table[i * 27 + offset] - 4095; return Sum / 12;"
classes:
    .fill 32, 1, 0
    .byte 4
    .fill 15, 1, 0
    .fill 10, 1, 2
    .fill 7, 1, 0
    .fill 26, 1, 1
    .fill 6, 1, 0
    .fill 26, 1, 1
    .fill 133, 1, 0
