// SPDX-License-Identifier: MIT
// A text copied byte by byte, measured by words, compared and scanned.
    .global main
main:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    adrp x4, text
    add x4, x4, :lo12:text
    adrp x5, copy
    add x5, x5, :lo12:copy
    mov x0, x4
    mov w1, #0
1:  and w2, w1, #15             // lines of 15 letters
    add w3, w2, #'a'
    cmp w2, #15
    mov w6, #10
    csel w3, w6, w3, eq
    strb w3, [x0], #1
    add w1, w1, #1
    cmp w1, #1500
    b.lo 1b
    strb wzr, [x0]
    mov x0, x5
    mov x1, x4
    bl copy_string
    mov x0, x5
    bl measure_string
    mov x6, x0
    mov x0, x4
    mov x1, x5
    bl compare_strings
    add x6, x6, x0
    mov x0, x5                  // count lines
2:  ldrb w1, [x0], #1
    cmp w1, #10
    cinc x6, x6, eq
    cbnz w1, 2b
    mov x0, x6
    ldp x29, x30, [sp], #16
    ret
copy_string:
    ldrb w2, [x1], #1
    strb w2, [x0], #1
    cbnz w2, copy_string
    ret
measure_string:                 // aligned to 8
    mov x1, x0
    mov x2, #0x0101010101010101
1:  ldr x3, [x1], #8
    sub x7, x3, x2
    bic x7, x7, x3
    tst x7, #0x8080808080808080
    b.eq 1b
    and x7, x7, #0x8080808080808080
    rbit x7, x7
    clz x7, x7
    sub x1, x1, #8
    add x1, x1, x7, lsr #3
    sub x0, x1, x0
    ret
compare_strings:
    ldrb w2, [x0], #1
    ldrb w3, [x1], #1
    cmp w2, #1
    ccmp w2, w3, #0, hs
    b.eq compare_strings
    sub w0, w2, w3
    ret
    .bss
    .balign 16
text:
    .space 1600
copy:
    .space 1600
