// SPDX-License-Identifier: MIT
// Fibonacci's numbers by recursion, and calls by pointers.
    .global main
main:
    stp x29, x30, [sp, #-32]!
    mov x29, sp
    stp x19, x20, [sp, #16]
    mov w0, #16
    bl fibonacci
    mov x19, x0
    mov w20, #300
1:  adr x1, double
    adr x2, increment
    tst w20, #1
    csel x1, x1, x2, eq
    mov x0, x19
    blr x1
    mov x19, x0
    subs w20, w20, #1
    b.ne 1b
    mov x0, x19
    ldp x19, x20, [sp, #16]
    ldp x29, x30, [sp], #32
    ret
fibonacci:
    cmp w0, #2
    b.lo 1f
    stp x29, x30, [sp, #-32]!
    mov x29, sp
    stp x19, x20, [sp, #16]
    sub w19, w0, #2
    sub w0, w0, #1
    bl fibonacci
    mov x20, x0
    mov w0, w19
    bl fibonacci
    add x0, x0, x20
    ldp x19, x20, [sp, #16]
    ldp x29, x30, [sp], #32
1:  ret
double:
    ror x0, x0, #63
    ret
increment:
    add x0, x0, #1
    ret
