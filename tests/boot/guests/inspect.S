// SPDX-License-Identifier: MIT
//
// A guest whose state is known to tests/boot/test_inspect.py: X19 is 0x123, VBAR_EL1 points at
// `vectors`, 16 bytes stand at 0x40300000, and it waits in `wait_here`.
    .section .text.start, "ax"
    .globl _start
_start:
    mov x19, #0x123
    adr x0, vectors
    msr vbar_el1, x0
    ldr x1, =0x40300000
    mov w2, #1
    str w2, [x1]
    mov w2, #-2
    str w2, [x1, #4]
    ldr x2, =0x646f6f67
    str x2, [x1, #8]
    mov x20, #0
    bl count
wait_here:
    b wait_here

    .globl count
count:
    add x20, x20, #1
    cmp x20, #1000
    b.ne count
    ret

    .balign 2048
    .globl vectors
vectors:
    b vectors
