// SPDX-License-Identifier: MIT
// A list of 200 nodes in mixed order, made and walked 30 times.
    .global main
main:
    adrp x1, nodes
    add x1, x1, :lo12:nodes
    mov x2, #0                  // node n is followed by node 77 (n + 1), modulo 200
    mov x3, #200
    mov x4, #77
    mov x5, #0                  // the place of this one
1:  add x2, x2, #1
    mul x6, x2, x4
    udiv x7, x6, x3
    msub x6, x7, x3, x6
    add x8, x1, x5, lsl #4
    add x9, x1, x6, lsl #4
    cmp x2, x3
    csel x9, x9, xzr, ne
    stp x9, x2, [x8]
    mov x5, x6
    b.ne 1b
    mov x0, #0
    mov w2, #30
2:  mov x3, x1
3:  ldr x4, [x3, #8]
    add x0, x0, x4
    ldr x3, [x3]
    cbnz x3, 3b
    subs w2, w2, #1
    b.ne 2b
    ret
    .bss
    .balign 16
nodes:
    .space 200 * 16
