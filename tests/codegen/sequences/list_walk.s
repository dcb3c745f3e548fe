// SPDX-License-Identifier: MIT
// Loads that depend on each other.
1:  ldr x1, [x0, #8]
    add x2, x2, x1
    ldr x0, [x0]
    cbnz x0, 1b
    mov x0, x2
    ret
