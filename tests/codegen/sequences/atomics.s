// SPDX-License-Identifier: MIT
// Atomic operations of Armv8.1, ordered accesses and a barrier.
    ldaddal x1, x2, [x0]
    casal w3, w4, [x5]
    swpa x6, x7, [x0]
    ldar x8, [x5]
    stlr x8, [x0]
    dmb ish
    ret
