// SPDX-License-Identifier: MIT
//
// A loop that every second time branches to the middle of an instruction, the last one of its page: each
// of these is an exception (Arm ARM D1.3.5.1, "PC alignment checking"), after which it goes on.
    .section .text.start, "ax"
    .globl _start
_start:
    adr x0, vectors
    msr vbar_el1, x0
    isb
    ldr w19, =400000
    mov w22, wzr                // exceptions
    adr x20, target
    add x21, x20, #2
again:
    subs w19, w19, #1
    b.mi done
    tst w19, #1
    csel x3, x20, x21, eq
    isb                         // leaves translated code
    br x3
done:
    ldr w1, =200000
    cmp w22, w1
    b.ne .
    ldr x0, =0x84000008         // SYSTEM_OFF
    hvc #0
    b .
    .ltorg
    .balign 2048
vectors:
    .rept 16
    .balign 128
    mrs x0, esr_el1
    lsr x0, x0, #26
    cmp x0, #0x22
    b.ne .
    add w22, w22, #1
    adr x0, again
    msr elr_el1, x0
    eret
    .endr
    .balign 4096
    .skip 4092
target:
    b again
