// SPDX-License-Identifier: MIT
// A machine of six instructions, chosen by a jump table, that counts down from 700.
    .global main
main:
    adrp x1, program
    add x1, x1, :lo12:program
    adrp x2, operations
    add x2, x2, :lo12:operations
    adrp x3, stack
    add x3, x3, :lo12:stack
    mov x4, x1
    mov x0, #0
    b next
op_push:                        // a half-word
    ldrsh x5, [x4], #2
    str x5, [x3], #8
    b next
op_add:
    ldp x5, x6, [x3, #-16]
    add x5, x5, x6
    str x5, [x3, #-16]
    sub x3, x3, #8
    b next
op_copy:
    ldr x5, [x3, #-8]
    str x5, [x3], #8
    b next
op_sum:                         // to the result
    ldr x5, [x3, #-8]!
    eor x0, x5, x0, ror #3
    b next
op_branch:                      // if not zero
    ldrsh x5, [x4], #2
    ldr x6, [x3, #-8]
    cmp x6, #0
    csel x5, x5, xzr, ne
    add x4, x4, x5
next:
    ldrh w5, [x4], #2
    ldrsw x5, [x2, x5, lsl #2]
    add x5, x5, x2
    br x5
op_end:
    ret
operations:
    .word op_push - operations, op_add - operations, op_copy - operations
    .word op_sum - operations, op_branch - operations, op_end - operations
program:
    .hword 0, 700
1:  .hword 2, 3
    .hword 0, -1, 1
    .hword 4, 1b - 2f
2:  .hword 5
    .bss
    .balign 16
stack:
    .space 64
