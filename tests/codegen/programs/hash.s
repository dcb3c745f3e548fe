// SPDX-License-Identifier: MIT
// A hash table with open addressing: 400 insertions, 800 look-ups, the hash by a call.
    .global main
main:
    stp x29, x30, [sp, #-48]!
    mov x29, sp
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    adrp x19, table
    add x19, x19, :lo12:table
    mov x0, x19
    mov x1, #1024
1:  stp xzr, xzr, [x0], #16
    subs x1, x1, #2
    b.ne 1b
    mov x20, #1
2:  add x0, x20, x20, lsl #4
    bl find
    add x1, x20, x20, lsl #4
    str x1, [x0]
    add x20, x20, #1
    cmp x20, #400
    b.ls 2b
    mov x20, #1
    mov x21, #0
3:  mov x22, x20
    mov x0, x22
    bl find
    ldr x1, [x0]
    cmp x1, #0
    cinc x21, x21, ne
    add x20, x20, #1
    cmp x20, #800
    b.ls 3b
    mov x0, x21
    ldp x21, x22, [sp, #32]
    ldp x19, x20, [sp, #16]
    ldp x29, x30, [sp], #48
    ret
find:                           // the place of the key x0, or a free one
    movz x2, #0x7c15
    movk x2, #0x7f4a, lsl #16
    movk x2, #0x79b9, lsl #32
    movk x2, #0x9e37, lsl #48
    mul x1, x0, x2
    eor x1, x1, x1, lsr #29
    ubfx x1, x1, #20, #10
1:  ldr x3, [x19, x1, lsl #3]
    cbz x3, 2f
    cmp x3, x0
    b.eq 2f
    add x1, x1, #1
    and x1, x1, #1023
    b 1b
2:  add x0, x19, x1, lsl #3
    ret
    .bss
    .balign 16
table:
    .space 1024 * 8
