// SPDX-License-Identifier: MIT
// Conditions as values.
    cmp x0, x1
    csel x2, x0, x1, lt
    cset w3, eq
    csinc x4, x4, x4, ge
    cmp w0, #0
    csneg w5, w0, w0, ge
    ccmp x1, #5, #4, ne
    csel x6, x2, x4, hi
    ret
