// SPDX-License-Identifier: MIT
// Quicksort of 300 numbers, recursive.
    .global main
main:
    stp x29, x30, [sp, #-32]!
    mov x29, sp
    str x19, [sp, #16]
    adrp x19, numbers
    add x19, x19, :lo12:numbers
    mov x0, x19
    mov x1, #0
    mov w2, #12345
1:  mov w3, #0x660d             // Knuth's multiplier
    movk w3, #0x19, lsl #16
    mul w2, w2, w3
    add w2, w2, #0x3cf
    lsr w4, w2, #8
    str x4, [x0, x1, lsl #3]
    add x1, x1, #1
    cmp x1, #300
    b.lo 1b
    add x1, x0, #299 * 8
    bl quicksort
    mov x0, #0                  // the sum of each times its place
    mov x1, #0
1:  ldr x2, [x19, x1, lsl #3]
    madd x0, x1, x2, x0
    add x1, x1, #1
    cmp x1, #300
    b.lo 1b
    ldr x19, [sp, #16]
    ldp x29, x30, [sp], #32
    ret
quicksort:                      // from x0 to x1, inclusive
    cmp x0, x1
    b.hs 9f
    stp x29, x30, [sp, #-32]!
    mov x29, sp
    stp x19, x20, [sp, #16]
    mov x20, x1
    ldr x2, [x1]
    mov x3, x0
    mov x4, x0
2:  ldr x5, [x4]
    cmp x5, x2
    b.hs 3f
    ldr x6, [x3]
    str x5, [x3], #8
    str x6, [x4]
3:  add x4, x4, #8
    cmp x4, x1
    b.lo 2b
    ldr x6, [x3]
    str x2, [x3]
    str x6, [x1]
    add x19, x3, #8
    sub x1, x3, #8
    bl quicksort
    mov x0, x19
    mov x1, x20
    bl quicksort
    ldp x19, x20, [sp, #16]
    ldp x29, x30, [sp], #32
9:  ret
    .bss
    .balign 16
numbers:
    .space 300 * 8
