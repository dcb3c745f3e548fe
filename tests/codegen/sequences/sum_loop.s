// SPDX-License-Identifier: MIT
// A loop over an array, ended by its address.
1:  ldr x3, [x0], #8
    add x2, x2, x3
    cmp x0, x1
    b.ne 1b
    mov x0, x2
    ret
