// SPDX-License-Identifier: MIT
// A loop that is left in the middle.
1:  ldr w3, [x0, x2, lsl #2]
    cmp w3, w1
    b.eq 2f
    add x2, x2, #1
    cmp x2, #100
    b.lo 1b
    mov x2, #-1
2:  mov x0, x2
    ret
