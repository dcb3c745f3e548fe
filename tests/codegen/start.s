// SPDX-License-Identifier: MIT
// The begin of each program: its main part, called again and again, with an SVC behind each time.
    .global _start
_start:
    mov x0, #0x40800000
    mov sp, x0
1:  bl main
    svc #0
    b 1b
    .balign 4096
