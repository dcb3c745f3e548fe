// SPDX-License-Identifier: MIT
// Two calls of a small function, in a loop.
1:  mov x0, x20
    bl 2f
    add x20, x20, x0
    mov x0, x21
    bl 2f
    eor x20, x20, x0
    subs x19, x19, #1
    b.ne 1b
    svc #0
2:  add x0, x0, x0, lsl #3
    ret
