// SPDX-License-Identifier: MIT
// Loads and stores of one base: one check of the TLB for all.
    ldr x1, [x0]
    ldr x2, [x0, #8]
    ldr w3, [x0, #16]
    add x1, x1, x2
    add x1, x1, x3
    str x1, [x0, #24]
    strb w3, [x0, #32]
    ret
