// SPDX-License-Identifier: MIT
// A loop that calls functions in two other pages, which have run before.
    .global main
main:
    stp x29, x30, [sp, #-32]!
    mov x29, sp
    stp x19, x20, [sp, #16]
    mov x0, #0x0f0f0f0f0f0f0f0f
    bl scramble
    mov x20, x0
    bl smaller
    mov w19, #1500
1:  mov x0, x20
    bl scramble
    eor x1, x0, x20
    mov x20, x0
    mov x0, x1
    bl smaller
    add x20, x20, x0
    subs w19, w19, #1
    b.ne 1b
    mov x0, x20
    ldp x19, x20, [sp, #16]
    ldp x29, x30, [sp], #32
    ret
    .balign 4096
scramble:
    eor x0, x0, x0, lsl #13
    eor x0, x0, x0, lsr #7
    eor x0, x0, x0, lsl #17
    ret
    .balign 4096
smaller:                        // of the halves
    lsr x1, x0, #32
    cmp w0, w1
    csel w0, w0, w1, lo
    ret
