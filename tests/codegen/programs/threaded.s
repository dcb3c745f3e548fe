// SPDX-License-Identifier: MIT
// A machine whose instructions are addresses: each goes to the next by a branch of its own. Those that
// are called by address are one that is common and, now and then, two others.
    .global main
main:
    stp x29, x30, [sp, #-32]!
    mov x29, sp
    str x19, [sp, #16]
    adrp x1, program
    add x1, x1, :lo12:program
    mov w19, #700
    mov x0, #1
    mov x4, #3
    mov x2, x1
    ldr x3, [x2], #8
    br x3
op_add:
    add x0, x0, x4
    ldr x3, [x2], #8
    br x3
op_mix:
    eor x0, x0, x0, lsr #7
    mul x4, x4, x0
    ldr x3, [x2], #8
    br x3
op_number:                      // the next word
    ldr x4, [x2], #8
    ldr x3, [x2], #8
    br x3
op_call:                        // the function at the next word, or, rarely, another
    ldr x5, [x2], #8
    adr x6, double
    tst w19, #63
    csel x5, x5, x6, ne
    blr x5
    ldr x3, [x2], #8
    br x3
op_seldom:                      // what is skipped mostly
    tst w19, #31
    adr x5, op_rare
    ldr x3, [x2], #8
    csel x3, x3, x5, ne
    br x3
op_rare:
    ror x0, x0, #11
    ldur x3, [x2, #-8]
    br x3
op_again:
    mov x2, x1
    subs w19, w19, #1
    b.eq 1f
    ldr x3, [x2], #8
    br x3
1:  ldr x19, [sp, #16]
    ldp x29, x30, [sp], #32
    ret
increment:
    add x0, x0, #1
    ret
double:
    ror x0, x0, #63
    ret
    .data
    .balign 16
program:
    .xword op_number, 77, op_add, op_mix, op_call, increment, op_add, op_seldom, op_mix, op_call, double
    .xword op_again
