// SPDX-License-Identifier: MIT
//
// A guest that goes differently in every emulator: it calculates with the time.
    .section .text.start, "ax"
    .globl _start
_start:
    mov x1, #100
count:
    subs x1, x1, #1
    b.ne count
    mrs x2, cntvct_el0
    mov x3, #1
    orr x4, x2, #1
    b .
